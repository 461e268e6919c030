package endtoend

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"booking/migrations/existing"
	"booking/shared/testdb"
)

// Issue 3, "Done when": the existing server's schema in each of its forms with rows in
// several tenants is migrated and synced, and every row not meant to change is compared
// byte by byte.
func TestExistingServer(t *testing.T) {
	t.Parallel()
	for _, form := range existing.Forms() {
		t.Run(form.Name, func(t *testing.T) {
			t.Parallel()
			syncExisting(t, form)
		})
	}
}

// ours are the tables that booking-host adds.
var ours = []string{"crm_runs", "crm_changes", "crm_connections", "crm_secrets", "booking_keys",
	"booking_sessions", "booking_recoveries", "booking_audit", "booking_mails", "crm_run_progress",
	"crm_schedules", "crm_slots", "crm_imports",
	"booking_mail_queue", "booking_notices", "booking_tokens", "crm_tenant_health",
	"booking_first_run", "booking_first_run_codes", "booking_people_turns"}

func syncExisting(t *testing.T, form existing.Form) {
	dsn := testdb.New(t)
	existing.Create(t, testdb.Open(t, dsn), form)
	w := newWorldIn(t, dsn, t.TempDir())
	p := startPortal(t, "--people", "0")
	// Anna is linked where there are links and found by her address where there are none;
	// Boris' address differs in letter case only; 1 wants an administrator's address of
	// another tenant, 2 the super administrator's; 100 is new.
	p.ask("POST", "/people", `[{"id":7,"name":"Anna","last_name":"Muller","email":"anna@example.test"},{"id":8,"name":"Boris","last_name":"Two","email":"boris@example.test"},
		{"id":1,"name":"Thief","email":"admin@b.example.test"},{"id":2,"name":"Root","email":"root@example.test"},{"id":100,"name":"New","last_name":"Person","email":"new@example.test"}]`)
	before := snapshot(t, w, form)

	w.must("", "plugins", "trust", pluginName)
	w.must("", "migrate", "up")
	if diff := cmp.Diff(before, snapshot(t, w, form)); diff != "" {
		t.Fatalf("the migration changed rows (-before +after):\n%s", diff)
	}
	w.must(p.webhook, "crm", "connect", "--tenant", "1", "--plugin", pluginName, "--secret", "webhook_url")
	first := readOutcome(t, w.must("", "sync-users", "--tenant", "1", "--json"))
	if first.Status != "succeeded" || first.Fetched != 5 || first.Conflicts != 2 || first.Created != 1 || first.Updated != 2 {
		t.Fatalf("%+v", first)
	}

	after := snapshot(t, w, form)
	compareExisting(t, form, before, snapshot(t, w, form))
	second := readOutcome(t, w.must("", "sync-users", "--tenant", "1", "--json"))
	if second.Unchanged != 3 || second.Created+second.Updated != 0 {
		t.Fatalf("the second run: %+v", second)
	}
	if diff := cmp.Diff(after, snapshot(t, w, form)); diff != "" {
		t.Fatalf("the second run changed something (-before +after):\n%s", diff)
	}
}

// compareExisting takes out what was meant to change, by hand, and wants the rest equal.
func compareExisting(t *testing.T, form existing.Form, before, after existing.Snapshot) {
	t.Helper()
	users := after["users"]
	newcomer := users.Rows[len(users.Rows)-1]
	if newcomer["name"] != "New Person" || newcomer["tenant_id"] != "1" || newcomer["role"] != "employee" || newcomer["is_active"] != "1" {
		t.Fatalf("the newcomer is %v", newcomer)
	}
	users.Rows = users.Rows[:len(users.Rows)-1]
	after["users"] = users
	for i, name := range map[int]string{2: "Anna Muller", 3: "Boris Two"} {
		old, now := before["users"].Rows[i], users.Rows[i]
		if now["name"] != name || now["updated_at"] == "" {
			t.Fatalf("user %s is %v", old["id"], now)
		}
		now["name"] = old["name"]
		delete(now, "updated_at")
		if old["bitrix24_user_id"] == "" && form.Link != "" && now["bitrix24_user_id"] != "" {
			t.Fatalf("user %s is linked to %s", old["id"], now["bitrix24_user_id"])
		}
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Fatalf("the sync changed what it was not meant to (-before +after):\n%s", diff)
	}
}

// snapshot is every row of the existing server's tables. Columns that we add are left
// out, but nobody that was not matched may have a value there.
func snapshot(t *testing.T, w *world, form existing.Form) existing.Snapshot {
	t.Helper()
	s := existing.Take(t, w.db, ours...)
	for name := range s {
		if strings.HasPrefix(name, "bun_") || strings.HasPrefix(name, "booking_") || strings.HasPrefix(name, "crm_") {
			delete(s, name)
		}
	}
	for column, given := range map[string]string{"bitrix24_user_id": form.Link, "phone": form.Phone, "position": form.Position} {
		if given != "" {
			continue
		}
		for _, row := range s["users"].Rows {
			ours := column == "bitrix24_user_id" && slices.Contains([]string{"7", "8", "100"}, row[column])
			if value, there := row[column]; there && !ours {
				t.Fatalf("user %s got %s = %q", row["id"], column, value)
			}
		}
		s.Without("users", column)
	}
	return s
}
