package migrations_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"booking/migrations"
	"booking/migrations/existing"
	"booking/shared/testdb"
)

func TestEveryFormOfTheExistingServerIsAccepted(t *testing.T) {
	t.Parallel()
	for _, form := range existing.Forms() {
		t.Run(form.Name, func(t *testing.T) {
			t.Parallel()
			db := open(t, testdb.New(t))
			existing.Create(t, db.DB, form)
			rows, tables := existing.Take(t, db.DB), definitions(t, db)

			mustUp(t, db, migrations.Host, migrations.Usersync)
			if diff := cmp.Diff(tables, without(definitions(t, db), ours)); diff != "" {
				t.Fatalf("the host's sets changed a foreign table:\n%s", diff)
			}
			mustUp(t, db, migrations.Bitrix24)
			after := existing.Take(t, db.DB, ours...)
			added := missing(form)
			checkColumns(t, after, rows, added)
			if diff := cmp.Diff(rows, after.Without("users", added...)); diff != "" {
				t.Errorf("not every row and column is what it was:\n%s", diff)
			}
			checkIndexes(t, db, form, tables["users"])

			migrated := definitions(t, db)
			mustUp(t, db, all...)
			if diff := cmp.Diff(migrated, definitions(t, db)); diff != "" {
				t.Errorf("the second time changed something:\n%s", diff)
			}
			if len(added) == 0 && form.Served && migrated["users"] != tables["users"] {
				t.Errorf("users had all and was changed:\n%s", cmp.Diff(tables["users"], migrated["users"]))
			}
		})
	}
}

func without(tables map[string]string, names []string) map[string]string {
	for _, name := range names {
		delete(tables, name)
	}
	return tables
}

func missing(form existing.Form) (columns []string) {
	for name, definition := range map[string]string{"bitrix24_user_id": form.Link, "phone": form.Phone, "position": form.Position} {
		if definition == "" {
			columns = append(columns, name)
		}
	}
	return columns
}

// checkColumns: what was added is VARCHAR(255) NULL in the character set and collation
// of the table, which those of the name show.
func checkColumns(t *testing.T, after, before existing.Snapshot, added []string) {
	t.Helper()
	want := strings.Replace(before["users"].Columns["name"], " NO no default", " YES no default", 1)
	want = strings.Replace(want, "varchar(191)", "varchar(255)", 1)
	for _, name := range added {
		// MariaDB writes a NULL default as the word.
		if got := strings.Replace(after["users"].Columns[name], "default NULL", "no default", 1); got != want {
			t.Errorf("column %s is %q, wanted %q", name, got, want)
		}
	}
}

// checkIndexes: the server itself uses an index for a link of a tenant, and a form
// that had a serving index got no other.
func checkIndexes(t *testing.T, db *bun.DB, form existing.Form, before string) {
	t.Helper()
	var table, now string
	if err := db.QueryRowContext(t.Context(), "SHOW CREATE TABLE users").Scan(&table, &now); err != nil {
		t.Fatal(err)
	}
	// One fewer is gained where the foreign key had an index that the server made for
	// it and takes away again once another one begins with tenant_id.
	implicit := strings.Contains(before, "KEY `users_tenant_id_foreign` (") && !strings.Contains(now, "KEY `users_tenant_id_foreign` (")
	gained := strings.Count(now, "KEY `") - strings.Count(before, "KEY `")
	if implicit {
		gained++
	}
	want := 1
	if form.Served {
		want = 0
	}
	if gained != want {
		t.Errorf("%d indexes more, wanted %d:\n%s", gained, want, now)
	}
	var plan []map[string]any
	if err := db.NewRaw("EXPLAIN FORMAT=TRADITIONAL SELECT id FROM users WHERE tenant_id = 1 AND bitrix24_user_id = '7'").Scan(t.Context(), &plan); err != nil {
		t.Fatal(err)
	}
	if keys := fmt.Sprintf("%s", plan[0]["possible_keys"]); !strings.Contains(keys, "link") && !strings.Contains(keys, "bitrix24_user_id") {
		t.Errorf("the server could use %s for a link", keys)
	}
}

func TestTheHostsOwnTablesHaveTheExistingServersShape(t *testing.T) {
	t.Parallel()
	ownDB, theirDB := open(t, testdb.New(t)), open(t, testdb.New(t))
	mustUp(t, ownDB, migrations.Host)
	existing.Create(t, theirDB.DB, existing.Older)
	own, theirs := existing.Take(t, ownDB.DB), existing.Take(t, theirDB.DB)
	for _, table := range []string{"tenants", "users"} {
		if diff := cmp.Diff(theirs[table].Columns, own[table].Columns); diff != "" {
			t.Errorf("%s (-theirs +ours):\n%s", table, diff)
		}
		if diff := cmp.Diff(definitions(t, theirDB)[table], definitions(t, ownDB)[table]); diff != "" {
			t.Errorf("%s (-theirs +ours):\n%s", table, diff)
		}
	}
}

func TestOnlyTheTablesThatAreMissingAreMade(t *testing.T) {
	t.Parallel()
	db := open(t, testdb.New(t))
	existing.Create(t, db.DB, existing.Current)
	mustExec(t, db, "DROP TABLE bookings", "DROP TABLE users", "ALTER TABLE tenants ADD COLUMN note TEXT NULL")
	before := definitions(t, db)["tenants"]
	mustUp(t, db, migrations.Host)
	after := definitions(t, db)
	if after["tenants"] != before {
		t.Error("tenants was there and was changed")
	}
	if !strings.Contains(after["users"], "ON DELETE CASCADE") {
		t.Errorf("users: %s", after["users"])
	}
}
