package usersync

import (
	"context"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"booking/shared/crm"
	"booking/shared/testdb"
)

// narrow makes an account with Grants and nothing else, and lets the engine use it.
func (h *house) narrow() {
	h.t.Helper()
	config, err := mysql.ParseDSN(h.dsn)
	if err != nil {
		h.t.Fatal(err)
	}
	account := "'" + config.DBName + "'@'%'"
	h.exec("CREATE USER " + account + " IDENTIFIED BY 'narrow'")
	h.t.Cleanup(func() { _, _ = h.admin.Exec("DROP USER " + account) })
	for _, statement := range Grants(account, config.DBName, link) {
		h.exec(statement)
	}
	config.User, config.Passwd = config.DBName, "narrow"
	h.dsn = config.FormatDSN()
	h.connect(h.dsn)
}

func TestTheNarrowAccountIsEnoughForEverythingTheEngineDoes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.options = Options{Phone: true, Position: true}
	want, _ := h.undisturbed()
	h.narrow()
	if got, _ := h.undisturbed(); len(got.Users) != len(want.Users) || got.Counts != want.Counts {
		t.Errorf("with the narrow account\n%v\nwith all rights\n%v", got, want)
	}
	request := h.request()
	request.Mode = crm.ModePreview
	if _, err := h.engine.Run(context.Background(), request, listed{named("30", "Thirty", "t30@x")}, &listener{}); err != nil {
		t.Errorf("preview: %v", err)
	}
	// A row changed meanwhile is locked and compared with this account too.
	h.exec("UPDATE users SET name = 'Other' WHERE id = 1")
	events := atWriting(func() { h.exec("UPDATE users SET name = 'Hand' WHERE id = 1") })
	if result, err := h.engine.Run(context.Background(), h.request(), listed{named("1", "New", "")}, events); err != nil || result.Updated != 1 {
		t.Errorf("result %+v, error %v", result, err)
	}
}

func TestTheNarrowAccountCanDoNothingElse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.users("1 A a@x 1 admin")
	h.exec("CREATE TABLE others (id INT PRIMARY KEY)")
	before := h.bytes("")
	h.narrow()
	db := testdb.Open(t, h.dsn)
	for _, statement := range []string{
		"SELECT password FROM users", "SELECT remember_token FROM users", "SELECT * FROM users", "SELECT is_active FROM users",
		"SELECT id FROM users WHERE password LIKE '$2y$%'",
		"UPDATE users SET password = 'x'", "UPDATE users SET role = 'super_admin'", "UPDATE users SET is_active = 0", "UPDATE users SET tenant_id = 2",
		"UPDATE users SET name = password", "UPDATE users SET remember_token = 'x'", "UPDATE users SET id = 99", "UPDATE users SET created_at = NOW()",
		"INSERT INTO users (name, email, password, role, remember_token) VALUES ('a', 'b', 'c', 'admin', 'd')",
		"INSERT INTO users (id, name, email, password) VALUES (1, 'a', 'a@x', 'c') ON DUPLICATE KEY UPDATE password = 'x'",
		"REPLACE INTO users (name, email, password) VALUES ('a', 'a@x', 'c')",
		"DELETE FROM users", "TRUNCATE users", "DROP TABLE users", "ALTER TABLE users ADD x INT", "CREATE TABLE mine (id INT)",
		"CREATE TEMPORARY TABLE mine (id INT)", "LOCK TABLES users WRITE",
		"SELECT * FROM tenants", "UPDATE tenants SET name = 'x'", "SELECT * FROM others", "INSERT INTO others VALUES (1)",
		"SELECT plugin FROM crm_runs", "UPDATE crm_runs SET fence = 9", "UPDATE crm_runs SET status = 'succeeded'", "DELETE FROM crm_runs",
		"INSERT INTO crm_runs (tenant_id) VALUES (1)", "SELECT id FROM crm_changes", "UPDATE crm_changes SET name = ''", "DELETE FROM crm_changes",
		"CREATE USER mallory", "GRANT SELECT ON users TO mallory", "SELECT user FROM mysql.user",
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		_, err := db.ExecContext(ctx, statement)
		cancel()
		switch serverError(err) {
		case 1044, 1045, 1142, 1143, 1227, 1410:
		default:
			t.Errorf("%s: %v", statement, err)
		}
	}
	wantLines(t, "rows", h.bytes(""), before...)
}

func TestGrantsQuoteNames(t *testing.T) {
	t.Parallel()
	got := Grants("'p'@'localhost'", "my`db", link)
	wantLines(t, "grants", got,
		"GRANT SELECT (`id`, `tenant_id`, `name`, `email`, `bitrix24_user_id`, `role`, `phone`, `position`),"+
			" INSERT (`tenant_id`, `name`, `email`, `bitrix24_user_id`, `phone`, `position`, `password`, `role`, `is_active`, `created_at`, `updated_at`),"+
			" UPDATE (`name`, `email`, `bitrix24_user_id`, `phone`, `position`, `updated_at`) ON `my``db`.`users` TO 'p'@'localhost'",
		"GRANT SELECT (`id`, `tenant_id`, `status`, `fence`, `chunks`), UPDATE (`chunks`) ON `my``db`.`crm_runs` TO 'p'@'localhost'",
		"GRANT INSERT ON `my``db`.`crm_changes` TO 'p'@'localhost'")
}
