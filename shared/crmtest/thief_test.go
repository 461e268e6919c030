package crmtest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/go-sql-driver/mysql"

	"booking/migrations"
	"booking/shared/crm"
	"booking/shared/crmhost"
	"booking/shared/secret"
	"booking/shared/testdb"
	"booking/shared/usersync"
)

// loot is what a plugin has no business with, by what it is. MySQL has no rights on
// rows: that a plugin leaves other tenants' people alone is the check run_others.
var loot = map[string][]string{
	"a password": {
		"SELECT password FROM users", "UPDATE users SET password = 'x'", "UPDATE users SET name = password",
		"INSERT INTO users (id, name, email, password) VALUES (1, 'a', 'a@x', 'c') ON DUPLICATE KEY UPDATE password = 'x'",
	},
	"a role":          {"UPDATE users SET role = 'super_admin'", "UPDATE users SET is_active = 0"},
	"another tenant":  {"UPDATE users SET tenant_id = 2", "UPDATE tenants SET name = 'x'", "SELECT name FROM tenants"},
	"a person":        {"DELETE FROM users", "REPLACE INTO users (name, email, password) VALUES ('a', 'a@x', 'c')"},
	"a session":       {"SELECT * FROM booking_sessions", "DELETE FROM booking_sessions", "UPDATE users SET remember_token = 'x'", "SELECT remember_token FROM users"},
	"a recovery":      {"SELECT * FROM booking_recoveries", "SELECT * FROM booking_mails", "SELECT * FROM booking_mail_queue"},
	"settings":        {"SELECT settings FROM crm_connections", "UPDATE crm_connections SET enabled = 0", "SELECT sealed FROM crm_secrets", "SELECT * FROM booking_keys"},
	"the fence":       {"UPDATE crm_runs SET fence = 9", "UPDATE crm_runs SET status = 'running'", "INSERT INTO crm_runs (tenant_id) VALUES (1)"},
	"the history":     {"UPDATE crm_changes SET name = ''", "DELETE FROM crm_changes", "SELECT id FROM crm_changes"},
	"the schema":      {"ALTER TABLE users ADD x INT", "CREATE TABLE mine (id INT)", "DROP TABLE users", "TRUNCATE users", "CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW SET NEW.role = 'admin'"},
	"another account": {"CREATE USER mallory", "SELECT * FROM mysql.user", "SET GLOBAL max_connections = 1"},
}

// denied are the servers' words for "you may not".
var denied = []uint16{1044, 1045, 1142, 1143, 1227, 1410, 1419}

// steal tries everything with the DSN that Configure brought.
func (p *subject) steal(ctx context.Context) (crm.ConnectionCheck, error) {
	p.mu.Lock()
	dsn := p.dsn.DSN
	p.mu.Unlock()
	db, err := usersync.OpenDB(dsn)
	if err != nil {
		return crm.ConnectionCheck{}, err
	}
	defer db.Close()
	var check crm.ConnectionCheck
	for what, statements := range loot {
		for _, statement := range statements {
			_, err := db.ExecContext(ctx, statement)
			refused := (*mysql.MySQLError)(nil)
			ok := errors.As(err, &refused) && slices.Contains(denied, refused.Number)
			check.Findings = append(check.Findings, crm.Finding{Code: "theft", OK: ok, Message: crm.Text{EN: fmt.Sprintf("%s: %s: %v", what, statement, err)}})
		}
	}
	return check, nil
}

// Item 9: a plugin that has turned bad gets nothing out of its account, whatever it
// tries. The process is real, and so is what the host tells it.
func TestAThievingPluginIsRefusedByTheDatabase(t *testing.T) {
	t.Parallel()
	dsn := testdb.New(t)
	admin, err := usersync.OpenDB(secret.New(dsn))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close() })
	for _, set := range []migrations.Set{migrations.Host, migrations.Usersync, migrations.Link(link)} {
		if _, err := set.Up(t.Context(), admin); err != nil {
			t.Fatal(err)
		}
	}
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	account := "'" + config.DBName + "'@'%'"
	for _, statement := range append([]string{
		"INSERT INTO tenants (id, name) VALUES (1, 'One')",
		"INSERT INTO users (tenant_id, name, email, password, role) VALUES (1, 'Boss', 'boss@x', '$2y$secret', 'admin')",
		"CREATE USER " + account + " IDENTIFIED BY 'narrow'",
	}, usersync.Grants(account, config.DBName, link)...) {
		if _, err := admin.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	t.Cleanup(func() { _, _ = admin.Exec("DROP USER " + account) })
	config.User, config.Passwd = config.DBName, "narrow"

	client := started(t, faulty(t, "thief").Executable, crmhost.Limits{})
	if err := client.Configure(t.Context(), crm.Configuration{DSN: secret.New(config.FormatDSN())}); err != nil {
		t.Fatal(err)
	}
	check, err := client.CheckConnection(t.Context(), crm.ConnectionRequest{Tenant: crm.Tenant{ID: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if len(check.Findings) < 30 {
		t.Errorf("%d attempts", len(check.Findings))
	}
	for _, f := range check.Findings {
		if !f.OK {
			t.Errorf("%s", f.Message.EN)
		}
	}
	var boss string
	if err := admin.QueryRow("SELECT CONCAT_WS(' ', COUNT(*), MAX(password), MAX(role), MAX(is_active)) FROM users").Scan(&boss); err != nil || boss != "1 $2y$secret admin 1" {
		t.Errorf("afterwards: %q, error %v", boss, err)
	}
}

// started runs a plugin as a host does.
func started(t *testing.T, executable string, limits crmhost.Limits) crm.Plugin {
	t.Helper()
	plugins := t.TempDir()
	folder := filepath.Join(plugins, "sound")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{plugins, folder} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// The word that makes it misbehave comes along.
	for _, name := range []string{"sound", faultFile} {
		if err := os.Link(filepath.Join(filepath.Dir(executable), name), filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	manifest, err := exec.CommandContext(t.Context(), filepath.Join(folder, "sound"), "manifest").Output()
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "plugin.json"), manifest, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	found, err := crmhost.Find(plugins, "sound")
	if err != nil {
		t.Fatal(err)
	}
	trust := crmhost.Trust{Path: filepath.Join(t.TempDir(), "trust.json")}
	if err := trust.Pin(found); err != nil {
		t.Fatal(err)
	}
	process, err := crmhost.Start(t.Context(), crmhost.Options{Found: found, Trust: trust, Log: slog.New(slog.DiscardHandler), Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.Kill)
	return process.Plugin()
}
