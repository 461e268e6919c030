package crmtest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/uptrace/bun"

	"booking/migrations"
	"booking/shared/crm"
	"booking/shared/mariadbd"
	"booking/shared/secret"
	"booking/shared/usersync"
)

// house is the database of an examination: a host's tables, people whom no sync may
// touch, and the accounts a host gives to plugins.
type house struct {
	server   *mariadbd.Server // nil when the caller has one
	admin    *bun.DB
	config   *mysql.Config
	accounts []string
	// narrow is the plugin's account, alter the one that may ALTER.
	narrow, alter secret.Text
	column        string // whose rights narrow has; empty: none yet
	// original are the tables before any plugin migrated.
	original map[string]string
}

// Tenants of the house. Each check that writes has its own, and its people are gone
// before the next one.
const (
	tenantA = 1
	tenantB = 2
)

// base opens the house.
func (x *exam) base(ctx context.Context) (*house, error) {
	if x.house != nil {
		return x.house, nil
	}
	h := &house{}
	x.house = h // close takes down what there is of it
	if err := h.open(ctx, x); err != nil {
		return nil, x.fault(err)
	}
	return h, nil
}

func (h *house) open(ctx context.Context, x *exam) (err error) {
	if h.config, err = h.serve(ctx, x); err != nil {
		return err
	}
	if h.admin, err = usersync.OpenDB(secret.New(h.config.FormatDSN())); err != nil {
		return err
	}
	for _, set := range []migrations.Set{migrations.Host, migrations.Usersync} {
		if _, err := set.Up(ctx, h.admin); err != nil {
			return err
		}
	}
	for _, statement := range []string{
		"INSERT INTO tenants (id, name) VALUES (1, 'One'), (2, 'Two')",
		"INSERT INTO users (tenant_id, name, email, password, role, created_at, updated_at) VALUES" +
			" (1, 'Local Admin', 'admin@crmcheck.invalid', 'x', 'admin', NOW(), NOW()), (1, 'Local Person', 'local@crmcheck.invalid', 'x', 'employee', NOW(), NOW())," +
			" (2, 'Other Admin', 'other@crmcheck.invalid', 'x', 'admin', NOW(), NOW()), (NULL, 'Root', 'root@crmcheck.invalid', 'x', 'super_admin', NOW(), NOW())",
	} {
		if _, err := h.admin.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	if h.narrow, err = h.account(ctx, x, "n", ""); err != nil {
		return err
	}
	if h.alter, err = h.account(ctx, x, "a", "ALL PRIVILEGES"); err != nil {
		return err
	}
	h.original, err = h.shape(ctx)
	return err
}

// serve returns how to reach the database with an account that may do anything.
func (h *house) serve(ctx context.Context, x *exam) (*mysql.Config, error) {
	if x.DSN != "" {
		return mysql.ParseDSN(x.DSN)
	}
	// Short, because a socket's path is.
	dir, err := os.MkdirTemp("", "crmdb-")
	if err != nil {
		return nil, err
	}
	if h.server, err = mariadbd.Start(ctx, mariadbd.Options{Dir: dir, Flags: []string{
		"--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--innodb-log-file-size=32M", "--sync-binlog=0",
	}}); err != nil {
		_ = os.RemoveAll(dir)
		return nil, fmt.Errorf("start a private database for the checks: %w", err)
	}
	config := mysql.NewConfig()
	config.User, config.Net, config.Addr = "root", "unix", h.server.Socket()
	db, err := sql.Open("mysql", config.FormatDSN())
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "CREATE DATABASE crmcheck CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"); err != nil {
		return nil, err
	}
	config.DBName = "crmcheck"
	return config, nil
}

// account makes one with a password that nobody may see again.
func (h *house) account(ctx context.Context, x *exam, kind, rights string) (secret.Text, error) {
	password := x.canaries.fresh()
	user := "crm" + kind + password[len(password)-12:]
	name := "'" + user + "'@'%'"
	h.accounts = append(h.accounts, name)
	if _, err := h.admin.ExecContext(ctx, "CREATE USER "+name+" IDENTIFIED BY '"+password+"'"); err != nil {
		return secret.Text{}, err
	}
	if rights != "" {
		if _, err := h.admin.ExecContext(ctx, "GRANT "+rights+" ON `"+h.config.DBName+"`.* TO "+name); err != nil {
			return secret.Text{}, err
		}
	}
	config := h.config.Clone()
	config.User, config.Passwd = user, password
	return secret.New(config.FormatDSN()), nil
}

func (h *house) close() {
	if h.admin != nil && h.server == nil {
		for _, name := range h.accounts {
			_, _ = h.admin.Exec("DROP USER " + name)
		}
	}
	if h.admin != nil {
		_ = h.admin.Close()
	}
	if h.server != nil {
		h.server.Kill()
		_ = os.RemoveAll(filepath.Dir(h.server.Socket()))
	}
}

// ready is a house that runs can be made in: the plugin's column is there, and the
// narrow account has its rights.
func (x *exam) ready(ctx context.Context) (*house, error) {
	h, err := x.base(ctx)
	if err != nil {
		return nil, err
	}
	column := x.description.ExternalIDColumn
	if h.column == column {
		return h, h.clear(ctx)
	}
	if x.description.HostSyncs() {
		if _, err := migrations.Link(column).Up(ctx, h.admin); err != nil {
			return nil, x.fault(err)
		}
	} else {
		s, err := x.session(ctx)
		if err != nil {
			return nil, err
		}
		if _, err := s.client.Migrate(ctx, crm.Migration{DSN: h.alter}); err != nil {
			return nil, fmt.Errorf("Migrate: %w", err)
		}
	}
	for _, statement := range usersync.Grants(h.accounts[0], h.config.DBName, column) {
		if _, err := h.admin.ExecContext(ctx, statement); err != nil {
			return nil, fmt.Errorf("after Migrate the rights of the narrow account cannot be given, is the column %s there? %w", column, err)
		}
	}
	h.column = column
	return h, nil
}

// clear takes away whom a check has brought.
func (h *house) clear(ctx context.Context) error {
	_, err := h.admin.ExecContext(ctx, "DELETE FROM users WHERE email NOT LIKE '%@crmcheck.invalid'")
	if err != nil {
		return fmt.Errorf("clear the house: %w", err)
	}
	return nil
}

// lines is a query's answer, a line a row.
func (h *house) lines(ctx context.Context, query string, args ...any) ([]string, error) {
	rows, err := h.admin.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var lines []string
	for rows.Next() {
		values, targets := make([]sql.NullString, len(names)), make([]any, len(names))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		var line strings.Builder
		for _, v := range values {
			fmt.Fprintf(&line, "%t %q ", v.Valid, v.String)
		}
		lines = append(lines, line.String())
	}
	return lines, rows.Err()
}

// users are all rows of users, whole.
func (h *house) users(ctx context.Context, where string) ([]string, error) {
	return h.lines(ctx, "SELECT * FROM users WHERE "+where+" ORDER BY id")
}

// number is the single number a query answers.
func (h *house) number(ctx context.Context, query string, args ...any) (int, error) {
	var n int
	err := h.admin.QueryRowContext(ctx, query, args...).Scan(&n)
	return n, err
}

// run makes a running row in crm_runs.
func (h *house) run(ctx context.Context, tenant int64, mode crm.Mode) (id int64, err error) {
	result, err := h.admin.ExecContext(ctx,
		"INSERT INTO crm_runs (tenant_id, plugin, mode, started_by, status, fence, requested_at) VALUES (?, 'check', ?, 'cli', 'running', ?, UTC_TIMESTAMP(6))", tenant, string(mode), fence)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

const fence = 7
