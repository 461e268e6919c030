package migrations_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"

	"booking/migrations"
	"booking/migrations/existing"
	"booking/shared/crm"
	"booking/shared/testdb"
)

// wantDatabaseError checks the code and that the English text has all of the English
// words given and the Russian text the Russian ones.
func wantDatabaseError(t testing.TB, err error, words ...string) *crm.Error {
	t.Helper()
	var e *crm.Error
	if !errors.As(err, &e) || e.Code != crm.CodeDatabase {
		t.Fatalf("error %v, wanted one of the database", err)
	}
	for _, word := range words {
		if !strings.Contains(e.Message.EN, word) && !strings.Contains(e.Message.RU, word) {
			t.Errorf("%q is in neither text:\n%s\n%s", word, e.Message.EN, e.Message.RU)
		}
	}
	return e
}

func TestAColumnOfAnUnusableTypeChangesNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ column, definition, found string }{
		{"bitrix24_user_id", "INT NULL", "int"},
		{"bitrix24_user_id", "BIGINT UNSIGNED NULL", "bigint"},
		{"bitrix24_user_id", "JSON NULL", ""}, // MariaDB calls it longtext
		{"bitrix24_user_id", "TEXT NULL", "text"},
		{"bitrix24_user_id", "VARBINARY(255) NULL", "varbinary(255)"},
		{"bitrix24_user_id", "VARCHAR(18) NULL", "varchar(18)"},
		{"bitrix24_user_id", "ENUM('1', '2') NULL", "enum('1','2')"},
		{"bitrix24_user_id", "VARCHAR(255) NOT NULL", "varchar(255) NOT NULL"},
		{"bitrix24_user_id", "VARCHAR(255) NOT NULL DEFAULT '0'", "varchar(255) NOT NULL DEFAULT"},
		{"bitrix24_user_id", "VARCHAR(255) GENERATED ALWAYS AS (UPPER(name)) VIRTUAL", "GENERATED"},
		{"phone", "BIGINT NULL", "bigint"},
		{"phone", "VARCHAR(255) NOT NULL", "varchar(255) NOT NULL"},
		{"position", "INT NOT NULL DEFAULT 0", "int"},
	} {
		t.Run(c.column+" "+c.definition, func(t *testing.T) {
			t.Parallel()
			db := open(t, testdb.New(t))
			existing.Create(t, db.DB, existing.Form{Name: "unusable"})
			mustExec(t, db, "DELETE FROM users", fmt.Sprintf("ALTER TABLE users ADD COLUMN %s %s", c.column, c.definition))
			before := definitions(t, db)
			_, err := migrations.Bitrix24.Up(t.Context(), db)
			wantDatabaseError(t, err, "Column users."+c.column, "Колонка users."+c.column, c.found, "VARCHAR(255) NULL", "Nothing was changed", "Ничего не изменено")
			if diff := cmp.Diff(before, definitions(t, db)); diff != "" {
				t.Errorf("something changed:\n%s", diff)
			}
			if _, err := migrations.Bitrix24.Satisfied(t.Context(), db); err == nil {
				t.Error("Satisfied has nothing against it")
			}
		})
	}
}

// account makes an account with these rights on the test's database and returns its DSN.
func account(t testing.TB, dsn, grants string) string {
	t.Helper()
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	root := open(t, dsn)
	name := "u" + strings.TrimPrefix(config.DBName, "t_")
	for _, host := range []string{"localhost", "%"} {
		user := fmt.Sprintf("'%s'@'%s'", name, host)
		mustExec(t, root, "CREATE USER "+user+" IDENTIFIED BY 'geheim-4711'", fmt.Sprintf("GRANT %s ON `%s`.* TO %s", grants, config.DBName, user))
		t.Cleanup(func() { mustExec(t, open(t, testdb.Server(t).FormatDSN()), "DROP USER "+user) })
	}
	config.User, config.Passwd = name, "geheim-4711"
	return config.FormatDSN()
}

func TestAMigratedDatabaseNeedsNoRights(t *testing.T) {
	t.Parallel()
	dsn := testdb.New(t)
	root := open(t, dsn)
	existing.Create(t, root.DB, existing.Form{Name: "everything", Link: existing.Nullable, Phone: existing.Nullable, Position: existing.Nullable, Index: "KEY (bitrix24_user_id)"})
	narrow := open(t, account(t, dsn, "SELECT"))
	if applied, err := migrations.Bitrix24.Up(t.Context(), narrow); applied != nil || err != nil {
		t.Errorf("the plugin's set, never migrated by us: %v, error %v", applied, err)
	}
	if got := states(t, narrow, migrations.Bitrix24)["0001_users_link"]; got != migrations.StatePresent {
		t.Errorf("its state is %s", got)
	}
	mustUp(t, root, all...)
	mustUp(t, narrow, all...)
}

func TestAMigratedDatabaseCostsThePluginOneStatement(t *testing.T) {
	t.Parallel()
	dsn := testdb.New(t)
	mustUp(t, open(t, dsn), all...)
	counted := &killer{}
	mustUp(t, open(t, dsn, counted), migrations.Bitrix24)
	if n := counted.seen.Load(); n != 1 {
		t.Errorf("%d statements", n)
	}
}

func TestAMissingRightIsNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ grants, right string }{
		{"SELECT", "CREATE"},
		{"SELECT, INSERT, UPDATE, DELETE, CREATE", "ALTER"},
	} {
		t.Run(c.right, func(t *testing.T) {
			t.Parallel()
			dsn := testdb.New(t)
			root := open(t, dsn)
			existing.Create(t, root.DB, existing.Older)
			narrow := account(t, dsn, c.grants)
			_, err := migrations.Bitrix24.Up(t.Context(), open(t, narrow))
			e := wantDatabaseError(t, err, "lacks the right "+c.right, "не хватает права "+c.right)
			if strings.Contains(e.Error(), "geheim") {
				t.Errorf("the password is in %v", e)
			}
			mustUp(t, root, migrations.Bitrix24) // the failed one left no lock behind
		})
	}
}

// The README's GRANTs for the account that migrates.
func TestTheRightsThatAMigrationNeeds(t *testing.T) {
	t.Parallel()
	dsn := testdb.New(t)
	mustUp(t, open(t, account(t, dsn, "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, REFERENCES")), all...)

	dsn = testdb.New(t)
	existing.Create(t, testdb.Open(t, dsn), existing.Older)
	mustUp(t, open(t, account(t, dsn, "SELECT, INSERT, UPDATE, CREATE, ALTER")), migrations.Bitrix24)
}

func TestAnUnreachableDatabaseIsADatabaseError(t *testing.T) {
	t.Parallel()
	db := open(t, "root:geheim-4711@tcp(127.0.0.1:1)/booking")
	_, err := migrations.Host.Up(t.Context(), db)
	if e := wantDatabaseError(t, err); strings.Contains(e.Error()+e.Message.RU, "geheim") {
		t.Errorf("the password is in %v", e)
	}
}

func TestASingleConnectionIsRefused(t *testing.T) {
	t.Parallel()
	db := open(t, testdb.New(t))
	db.SetMaxOpenConns(1)
	_, err := migrations.Host.Up(t.Context(), db)
	wantDatabaseError(t, err, "single connection")
}

func TestACancelledMigrationSaysSo(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	cancel()
	_, err := migrations.Host.Up(ctx, open(t, testdb.New(t)))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
