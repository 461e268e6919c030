package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/go-sql-driver/mysql"
	"github.com/uptrace/bun"

	"booking/migrations"
	"booking/shared/crmhost"
	"booking/shared/mariadbd"
	"booking/shared/secret"
	"booking/shared/usersync"
)

const (
	database   = "booking"
	linkColumn = "bitrix24_user_id"
	tenantID   = 1
	// Each side has an account of its own, so that the server can count for it.
	accountPlugin    = "plugin"
	accountReference = "reference"
)

// lab is everything a measurement needs: a database, and the plugin as an operator
// would have installed it.
type lab struct {
	config
	status io.Writer
	dir    string
	server *mariadbd.Server
	// admin prepares and counts; it never works while something is timed.
	admin *bun.DB
	// reference is the old server's way to the database, and the floor's.
	reference *bun.DB
	found     crmhost.Found
	trust     crmhost.Trust
}

func openLab(ctx context.Context, c config, status io.Writer) (*lab, error) {
	dir, err := os.MkdirTemp("", "booking-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	l := &lab{config: c, status: status, dir: dir}
	for _, step := range []struct {
		about string
		do    func(context.Context) error
	}{{"build the plugin", l.install}, {"start a database", l.startDatabase}, {"prepare the database", l.prepare}} {
		l.say("%s", step.about)
		if err := step.do(ctx); err != nil {
			l.close()
			return nil, fmt.Errorf("%s: %w", step.about, err)
		}
	}
	return l, nil
}

func (l *lab) close() {
	for _, db := range []*bun.DB{l.admin, l.reference} {
		if db != nil {
			db.Close()
		}
	}
	if l.server != nil {
		l.server.Kill() // nobody needs these rows any more
	}
	_ = os.RemoveAll(l.dir)
}

func (l *lab) say(format string, args ...any) { fmt.Fprintf(l.status, format+"\n", args...) }

// install builds the plugin as `make build` does and trusts it.
func (l *lab) install(ctx context.Context) error {
	folder := filepath.Join(l.dir, "plugins", "bitrix24")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	executable := filepath.Join(folder, "bitrix24")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", executable, "booking/plugin-bitrix24")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	manifest, err := exec.CommandContext(ctx, executable, "manifest").Output()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "plugin.json"), manifest, 0o644); err != nil {
		return err
	}
	// Whatever the umask: what a group may write to is no plugin.
	for _, path := range []string{filepath.Dir(folder), folder, executable} {
		if err := os.Chmod(path, 0o755); err != nil {
			return err
		}
	}
	l.trust = crmhost.Trust{Path: filepath.Join(l.dir, "trust.json")}
	if l.found, err = crmhost.Find(filepath.Dir(folder), "bitrix24"); err != nil {
		return err
	}
	return l.trust.Pin(l.found)
}

func (l *lab) startDatabase(ctx context.Context) error {
	var err error
	// No flags: what is measured is a server with its default, durable settings.
	if l.server, err = mariadbd.Start(ctx, mariadbd.Options{Dir: filepath.Join(l.dir, "mariadb")}); err != nil {
		return err
	}
	root, err := usersync.OpenDB(l.dsn("root", "mysql"))
	if err != nil {
		return err
	}
	defer root.Close()
	for _, statement := range []string{
		"CREATE DATABASE " + database + " CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
		"SET GLOBAL userstat = 1",
		"CREATE USER '" + accountPlugin + "'@'localhost'",
		"CREATE USER '" + accountReference + "'@'localhost'",
		"GRANT ALL ON " + database + ".* TO '" + accountReference + "'@'localhost'",
	} {
		if _, err := root.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	l.admin, err = usersync.OpenDB(l.dsn("root", database))
	if err != nil {
		return err
	}
	l.reference, err = usersync.OpenDB(l.dsn(accountReference, database))
	return err
}

func (l *lab) prepare(ctx context.Context) error {
	for _, set := range []migrations.Set{migrations.Host, migrations.Usersync, migrations.Bitrix24} {
		if _, err := set.Up(ctx, l.admin); err != nil {
			return err
		}
	}
	statements := append(usersync.Grants("'"+accountPlugin+"'@'localhost'", database, linkColumn),
		fmt.Sprintf("INSERT INTO tenants (id, name, created_at, updated_at) VALUES (%d, 'Bench', NOW(), NOW())", tenantID))
	for _, statement := range statements {
		if _, err := l.admin.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

func (l *lab) dsn(account, name string) secret.Text {
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr, c.DBName = account, "unix", l.server.Socket(), name
	return secret.New(c.FormatDSN())
}

// empty is the state before a first import.
func (l *lab) empty(ctx context.Context) error {
	var failed error
	for _, table := range []string{"users", "crm_changes", "crm_runs"} {
		_, err := l.admin.ExecContext(ctx, "TRUNCATE TABLE "+table)
		failed = errors.Join(failed, err)
	}
	return failed
}
