package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/uptrace/bun"

	"booking/host/internal/runs"
	"booking/host/internal/schedule"
	"booking/host/internal/secrets"
	"booking/host/internal/store"
	"booking/migrations"
	"booking/shared/mariadbd"
	"booking/shared/secret"
	"booking/shared/usersync"
)

// column is the link column of the bench's plugin.
const column = "bench_user_id"

// midnight is when everybody is due: the clock of the hosts, not the machine's.
var midnight = time.Date(2026, time.November, 23, 22, 0, 0, 0, time.UTC)

// lab is a database with tenants that have a schedule and a connection each.
type lab struct {
	config
	status  io.Writer
	dir     string
	server  *mariadbd.Server
	version string
	// database is its name on the server.
	database string
	// admin prepares and counts; it never works while something is timed.
	admin *bun.DB
	box   *secrets.Box
	// old is the highest number of a run that belongs to the history.
	old int
	// built are the programs, once they were needed.
	built *programs
}

func openLab(ctx context.Context, c config, status io.Writer) (*lab, error) {
	dir, err := os.MkdirTemp("", "booking-queue-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	l := &lab{config: c, status: status, dir: dir, database: "booking"}
	l.say("start a database, make %d tenants", l.tenants)
	// No flags: what is measured is a server with its default, durable settings.
	if l.server, err = mariadbd.Start(ctx, mariadbd.Options{Dir: filepath.Join(dir, "mariadb")}); err == nil {
		err = l.open(ctx)
	}
	if err != nil {
		l.close()
		return nil, fmt.Errorf("open the lab: %w", err)
	}
	return l, nil
}

// beside is a second database on the same server, as new as the first one was.
func (l *lab) beside(ctx context.Context) (*lab, error) {
	second := &lab{config: l.config, status: l.status, dir: filepath.Join(l.dir, "beside"), server: l.server, database: "beside"}
	return second, second.open(ctx)
}

func (l *lab) open(ctx context.Context) (err error) {
	root, err := usersync.OpenDB(l.dsn("mysql"))
	if err != nil {
		return err
	}
	defer root.Close()
	if _, err := root.ExecContext(ctx, "CREATE DATABASE "+l.database+" CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"); err != nil {
		return err
	}
	if l.admin, err = usersync.OpenDB(l.dsn(l.database)); err != nil {
		return err
	}
	if err := l.admin.NewRaw("SELECT VERSION()").Scan(ctx, &l.version); err != nil {
		return err
	}
	for _, set := range []migrations.Set{migrations.Host, migrations.Usersync, migrations.Link(column)} {
		if _, err := set.Up(ctx, l.admin); err != nil {
			return err
		}
	}
	if l.box, err = secrets.Unlock(ctx, l.admin, secrets.Options{DataDir: l.data()}); err != nil {
		return err
	}
	return l.exec(ctx,
		fmt.Sprintf("INSERT INTO tenants (id, name) SELECT seq, CONCAT('tenant ', seq) FROM seq_1_to_%d", l.tenants),
		fmt.Sprintf("INSERT INTO crm_connections (tenant_id, plugin, enabled, portal, settings, created_at, updated_at) SELECT seq, 'bench', 1, CONCAT('p', seq, '.example'), '{}', NOW(), NOW() FROM seq_1_to_%d", l.tenants),
		fmt.Sprintf("INSERT INTO crm_schedules (tenant_id, enabled, revision, updated_at) SELECT seq, 1, 1, NOW() FROM seq_1_to_%d", l.tenants))
}

func (l *lab) close() {
	if l.admin != nil {
		l.admin.Close()
	}
	if l.server != nil {
		l.server.Kill() // nobody needs these rows any more
	}
	_ = os.RemoveAll(l.dir)
}

func (l *lab) say(format string, args ...any) {
	fmt.Fprintf(l.status, time.Now().Format(time.TimeOnly)+" "+format+"\n", args...)
}

func (l *lab) data() string { return filepath.Join(l.dir, "data") }

func (l *lab) dsn(name string) secret.Text {
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr, c.DBName = "root", "unix", l.server.Socket(), name
	return secret.New(c.FormatDSN())
}

// dsnFile writes the DSN of a database down as the host reads it, and names the file.
func (l *lab) dsnFile(name string) (string, error) {
	file := filepath.Join(l.dir, "dsn-"+name)
	if err := os.WriteFile(file, []byte(l.dsn(name).Reveal()), 0o600); err != nil {
		return "", fmt.Errorf("write the DSN down: %w", err)
	}
	return file, nil
}

func (l *lab) exec(ctx context.Context, statements ...string) error {
	for _, statement := range statements {
		if _, err := l.admin.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%.60s: %w", statement, err)
		}
	}
	return nil
}

func (l *lab) count(ctx context.Context, query string) (n int, err error) {
	err = l.admin.NewRaw(query).Scan(ctx, &n)
	return n, err
}

// want compares a count with what it must be: a rate of wrong work is none.
func (l *lab) want(ctx context.Context, want int, query string) error {
	got, err := l.count(ctx, query)
	if err == nil && got != want {
		err = fmt.Errorf("%s: %d, want %d", query, got, want)
	}
	return err
}

// host is a process of its own but for the process: pool, scheduler and worker.
type host struct {
	store     *store.Store
	service   *runs.Service
	scheduler *schedule.Scheduler
}

// hosts opens n of them.
func (l *lab) hosts(n int) (all []*host, closeAll func(), err error) {
	closeAll = func() {
		for _, h := range all {
			h.store.Close()
		}
	}
	for i := range n {
		db, err := usersync.OpenDB(l.dsn(l.database))
		if err != nil {
			closeAll()
			return nil, nil, err
		}
		h := &host{store: store.New(db)}
		log := slog.New(slog.DiscardHandler)
		h.service = &runs.Service{
			Store: h.store, Box: l.box, Log: log, Lease: 30 * time.Second, Host: fmt.Sprintf("bench:%d", i), Locale: "en", Quiet: true,
		}
		h.scheduler = &schedule.Scheduler{
			Store: h.store, Queue: h.service, Clock: func() time.Time { return midnight }, Zone: "UTC", Log: log,
		}
		all = append(all, h)
	}
	return all, closeAll, nil
}
