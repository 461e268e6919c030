package provider

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"booking/migrations/existing"
	"booking/shared/crm"
	"booking/shared/secret"
	"booking/shared/testdb"
)

const hook = "https://portal%d.bitrix24.ru/rest/1/" + testSecret + "%[1]d/"

// appKey is the older server's key, anotherKey is not.
var appKey, anotherKey = existing.NewKey(), existing.NewKey()

// older is the older server's database, with its table in the form of its own migration.
func older(t *testing.T) (*sql.DB, crm.ImportRequest) {
	t.Helper()
	dsn := testdb.New(t)
	db := testdb.Open(t, dsn)
	existing.Create(t, db, existing.Current)
	run(t, db, "DELETE FROM tenant_bitrix24_settings")
	return db, crm.ImportRequest{DSN: secret.New(dsn), Key: secret.New(appKey.String())}
}

func run(t *testing.T, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func imported(t *testing.T, r crm.ImportRequest) ([]crm.ImportedSettings, error) {
	t.Helper()
	var items []crm.ImportedSettings
	// Without Configure: it brings all it needs.
	err := New().ImportSettings(context.Background(), r, func(i crm.ImportedSettings) error {
		noSecret(t, i)
		if (i.Reason == "") != (i.Message == crm.Text{}) || strings.Contains(i.Message.RU+i.Message.EN, appKey.String()[8:]) {
			t.Errorf("tenant %d: reason %q, message %+v", i.TenantID, i.Reason, i.Message)
		}
		i.Message = crm.Text{}
		items = append(items, i)
		return nil
	})
	noSecret(t, err)
	return items, err
}

func settingsOf(n int) crm.Settings {
	return crm.Settings{keyWebhook: secret.New(fmt.Sprintf(hook, n))}
}

// The older server's own form: enabled, webhook_url TEXT with the cast "encrypted".
func TestImportOfTheOlderServersTable(t *testing.T) {
	t.Parallel()
	db, request := older(t)
	run(t, db, "INSERT INTO tenants (id, name) VALUES (5, 'E'), (6, 'F'), (7, 'G'), (8, 'H')")
	for _, row := range []struct {
		tenant, enabled int
		webhook         any
	}{
		{2, 1, appKey.Seal(t, fmt.Sprintf(hook, 2))}, {1, 0, appKey.Seal(t, fmt.Sprintf(`s:%d:"%s";`, len(fmt.Sprintf(hook, 1)), fmt.Sprintf(hook, 1)))},
		{3, 1, nil}, {4, 1, ""}, {5, 1, anotherKey.Seal(t, fmt.Sprintf(hook, 5))},
		{6, 1, appKey.Seal(t, "s:9:\"x\";")}, {7, 1, "secret?"}, {8, 1, appKey.Seal(t, "https://portal.bitrix24.ru/rest/a223c6b3710f85df/"+testSecret+"/")},
	} {
		run(t, db, "INSERT INTO tenant_bitrix24_settings (tenant_id, enabled, webhook_url) VALUES (?, ?, ?)", row.tenant, row.enabled, row.webhook)
	}
	before := existing.Take(t, db)
	items, err := imported(t, request)
	if err != nil {
		t.Fatal(err)
	}
	want := []crm.ImportedSettings{
		{TenantID: 1, Settings: settingsOf(1)}, {TenantID: 2, Settings: settingsOf(2), Enabled: true},
		{TenantID: 3, Reason: crm.ImportNoSettings}, {TenantID: 4, Reason: crm.ImportNoSettings},
		{TenantID: 5, Enabled: true, Reason: crm.ImportWrongKey}, {TenantID: 6, Enabled: true, Reason: crm.ImportCannotDecrypt},
		{TenantID: 7, Enabled: true, Reason: crm.ImportUnknownForm}, {TenantID: 8, Enabled: true, Reason: crm.ImportUnknownForm},
	}
	same := cmp.Comparer(func(a, b secret.Text) bool { return a == b })
	if diff := cmp.Diff(want, items, same); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	request.TenantID = 2
	if one, err := imported(t, request); err != nil || !cmp.Equal(want[1:2], one, same) {
		t.Errorf("one tenant: %+v, %v", one, err)
	}
	request.TenantID, request.Key = 0, secret.New(anotherKey.String()+","+appKey.String())
	if all, err := imported(t, request); err != nil || all[4].Reason != "" || all[0].Reason != "" {
		t.Errorf("with the former key: %+v, %v", all, err)
	}
	if diff := cmp.Diff(before, existing.Take(t, db)); diff != "" {
		t.Errorf("the import changed something (-before +after):\n%s", diff)
	}
}

// Copies of the server that were changed.
func TestImportOfOtherForms(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 10, 1, 1, 0, 7, 0, time.UTC)
	plain := fmt.Sprintf(hook, 1)
	for name, c := range map[string]struct {
		table string // the columns beside id and tenant_id
		rows  []string
		want  crm.ImportedSettings
	}{
		"other names": {"webhook VARCHAR(2000), is_active TINYINT(1), last_sync_at TIMESTAMP NULL", []string{"'SEALED', 1, '2026-10-01 01:00:07'"},
			crm.ImportedSettings{Settings: settingsOf(1), Enabled: true, LastSync: at}},
		"words for yes":           {"WEBHOOK_URL TEXT, is_enabled VARCHAR(5), last_synced_at DATETIME(3) NULL", []string{"'SEALED', 'true', NULL"}, crm.ImportedSettings{Settings: settingsOf(1), Enabled: true}},
		"no switch":               {"webhook_url TEXT", []string{"'PLAIN'"}, crm.ImportedSettings{Settings: settingsOf(1), Enabled: true}},
		"NULL for no":             {"webhook_url TEXT, sync_enabled TINYINT NULL", []string{"'PLAIN', NULL"}, crm.ImportedSettings{Settings: settingsOf(1)}},
		"JSON":                    {"settings JSON", []string{`'{"deal": 1, "webhook_url": "PLAIN"}'`}, crm.ImportedSettings{Settings: settingsOf(1), Enabled: true}},
		"JSON, encrypted inside":  {"settings JSON", []string{`'{"webhook": "SEALED"}'`}, crm.ImportedSettings{Settings: settingsOf(1), Enabled: true}},
		"JSON, encrypted outside": {"settings LONGTEXT", []string{"'OUTSIDE'"}, crm.ImportedSettings{Settings: settingsOf(1), Enabled: true}},
		"JSON without":            {"settings JSON", []string{`'{"deal": 1}'`}, crm.ImportedSettings{Reason: crm.ImportNoSettings}},
		"two rows, one empty":     {"webhook_url TEXT", []string{"''", "'PLAIN'"}, crm.ImportedSettings{Settings: settingsOf(1), Enabled: true}},
		"two rows":                {"webhook_url TEXT", []string{"'PLAIN'", "'PLAIN'"}, crm.ImportedSettings{Reason: crm.ImportAmbiguous}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := testdb.New(t)
			db := testdb.Open(t, dsn)
			run(t, db, "CREATE TABLE tenant_bitrix24_settings (id INT AUTO_INCREMENT PRIMARY KEY, tenant_id BIGINT UNSIGNED NULL, "+c.table+")")
			words := strings.NewReplacer("PLAIN", plain, "SEALED", appKey.Seal(t, plain), "OUTSIDE", appKey.Seal(t, `{"webhook_url":"`+plain+`"}`))
			for _, row := range c.rows {
				run(t, db, words.Replace("INSERT INTO tenant_bitrix24_settings VALUES (NULL, 7, "+row+")"))
			}
			run(t, db, words.Replace("INSERT INTO tenant_bitrix24_settings VALUES (NULL, NULL, "+c.rows[0]+")")) // nobody's
			c.want.TenantID = 7
			items, err := imported(t, crm.ImportRequest{DSN: secret.New(dsn), Key: secret.New(appKey.String())})
			if err != nil || len(items) != 1 || !cmp.Equal(c.want, items[0], cmp.Comparer(func(a, b secret.Text) bool { return a == b })) {
				t.Errorf("%+v, %v", items, err)
			}
		})
	}
}

func TestImportThatCannotBegin(t *testing.T) {
	t.Parallel()
	db, good := older(t)
	if _, err := imported(t, good); err != nil {
		t.Errorf("an empty table: %v", err)
	}
	key, denied := good, good
	key.Key = secret.New("base64:" + testSecret)
	denied.DSN = secret.New("nobody:" + testSecret + "@tcp(127.0.0.1:1)/booking")
	empty := good
	empty.DSN = secret.New(testdb.New(t))
	for name, c := range map[string]struct {
		request crm.ImportRequest
		code    crm.Code
		word    string
	}{
		"no key of Laravel's": {key, crm.CodeNotConfigured, "APP_KEY"}, "no database": {denied, crm.CodeDatabase, ""},
		"no such table": {empty, crm.CodeNotConfigured, "tenant_bitrix24_settings"},
	} {
		if items, err := imported(t, c.request); crm.CodeOf(err) != c.code || !strings.Contains(fmt.Sprint(err), c.word) || len(items) > 0 {
			t.Errorf("%s: %d items, %v", name, len(items), err)
		}
	}
	run(t, db, "ALTER TABLE tenant_bitrix24_settings DROP COLUMN webhook_url")
	if _, err := imported(t, good); crm.CodeOf(err) != crm.CodeNotConfigured || !strings.Contains(err.Error(), "webhook_url, webhook, settings") {
		t.Errorf("no column with the webhook: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := New().ImportSettings(ctx, good, nil); err == nil {
		t.Error("a call that is over succeeds")
	}
}

// An account that may read the one table is enough.
func TestImportNeedsToReadOneTableOnly(t *testing.T) {
	t.Parallel()
	db, request := older(t)
	run(t, db, "INSERT INTO tenant_bitrix24_settings (tenant_id, enabled, webhook_url) VALUES (1, 1, ?)", appKey.Seal(t, fmt.Sprintf(hook, 1)))
	account := fmt.Sprintf("imp_%d", time.Now().UnixNano()%1e12)
	var name string
	if err := db.QueryRowContext(t.Context(), "SELECT DATABASE()").Scan(&name); err != nil {
		t.Fatal(err)
	}
	run(t, db, "CREATE USER '"+account+"'@'%' IDENTIFIED BY 'only-read'")
	t.Cleanup(func() { _, _ = db.Exec("DROP USER '" + account + "'@'%'") })
	run(t, db, "GRANT SELECT ON `"+name+"`.`tenant_bitrix24_settings` TO '"+account+"'@'%'")
	request.DSN = secret.New(asAccount(t, request.DSN.Reveal(), account, "only-read"))
	if items, err := imported(t, request); err != nil || len(items) != 1 || items[0].Reason != "" {
		t.Errorf("with SELECT on the one table: %+v, %v", items, err)
	}
}

// The database itself refuses what an import must not do: here the table is a view that
// would write whenever it is read. (MariaDB then does not even show that it is there.)
func TestImportCannotWrite(t *testing.T) {
	t.Parallel()
	dsn := testdb.New(t)
	db := testdb.Open(t, dsn)
	run(t, db, "CREATE TABLE seen (n INT)")
	run(t, db, "CREATE FUNCTION note_it() RETURNS INT DETERMINISTIC MODIFIES SQL DATA BEGIN INSERT INTO seen VALUES (1); RETURN 1; END")
	run(t, db, "CREATE VIEW tenant_bitrix24_settings AS SELECT 7 AS tenant_id, 'x' AS webhook_url, note_it() AS enabled")
	if items, err := imported(t, crm.ImportRequest{DSN: secret.New(dsn), Key: secret.New(appKey.String())}); err == nil {
		t.Errorf("it could be read, and written: %+v", items)
	}
}
