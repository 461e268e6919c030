package endtoend

import (
	"fmt"
	"strings"
	"testing"
)

// Exit status 3: nobody failed, but a run for the tenant is already going on; its
// object names that run.
func TestTwoSyncsOfOneTenant(t *testing.T) {
	t.Parallel()
	b, p := newBig(t)
	b.reset()
	other := startPortal(t, "--people", "0")
	other.ask("POST", "/people", `[{"id":1,"name":"A","email":"a@other.example"},{"id":2,"name":"B","email":"b@other.example"}]`)
	b.must("", "tenants", "add", "--name", "Other")
	b.must(other.webhook, "crm", "connect", "--tenant", "2", "--plugin", pluginName, "--secret", "webhook_url")
	b.must("", "sync-users", "--tenant", "2")
	held := stopAt(p, stop{chunk: 1})
	first := b.start("sync-users", "--tenant", b.tenant, "--json")
	b.reached(held, first)

	second := b.exits(3, "", "sync-users", "--tenant", b.tenant, "--json")
	o := readOutcome(t, second.stdout)
	if o.Run != 0 || o.Status != "failed" || o.Error.Code != "busy" || o.Error.Run == 0 {
		t.Fatal(second)
	}
	text := b.exits(3, "", "sync-users", "--tenant", b.tenant)
	if want := fmt.Sprintf("booking-host runs show %d", o.Error.Run); !strings.Contains(text.stdout, want) {
		t.Fatalf("want %q in\n%s", want, text)
	}
	// All tenants, one of which is busy: the other one is synced.
	all := b.exits(3, "", "sync-users", "--json")
	if lines := strings.Count(all.stdout, "\n"); lines != 2 || !strings.Contains(all.stdout, `"tenant":2,"plugin":"bitrix24","mode":"apply","status":"succeeded"`) {
		t.Fatal(all)
	}
	// One failed outweighs one that is busy: exit 1.
	other.stop()
	b.exits(1, "", "sync-users", "--json")

	// Meanwhile the run is shown as running.
	if shown := b.must("", "runs", "show", fmt.Sprint(o.Error.Run), "--json"); !strings.Contains(shown, `"status":"running"`) || !strings.Contains(shown, `"finished_at":null`) {
		t.Fatal(shown)
	}
	held.GoOn()
	won := first.wait()
	if done := readOutcome(t, won.stdout); won.code != 0 || done.Run != o.Error.Run {
		t.Fatal(won)
	}
	exec1(t, b.db, "DELETE FROM users WHERE tenant_id = 2")
	exec1(t, b.db, "DELETE FROM crm_changes WHERE tenant_id = 2")
	b.mustEqual(b.want, "two at once")
}

// Two tenants at once: one starts while the other one writes, and both succeed.
func TestTwoTenantsAtOnce(t *testing.T) {
	t.Parallel()
	b, p := newBig(t)
	other := startPortal(t, "--people", "40", "--seed", "98")
	b.must("", "tenants", "add", "--name", "Other")
	b.must(other.webhook, "crm", "connect", "--tenant", "2", "--plugin", pluginName, "--secret", "webhook_url")
	b.reset()
	held := stopAt(p, stop{chunk: 2})
	first := b.start("sync-users", "--tenant", b.tenant, "--json")
	b.reached(held, first)
	second := b.start("sync-users", "--tenant", "2", "--json")
	eventually(t, patience, "the second tenant's run to start", func() bool {
		return query(t, b.db, "SELECT COUNT(*) FROM crm_runs WHERE tenant_id = 2 AND status = 'running'")[0] == "1"
	})
	held.GoOn()
	for _, run := range []*running{first, second} {
		if r := run.wait(); r.code != 0 {
			t.Fatal(r)
		}
	}
	if people := query(t, b.db, "SELECT COUNT(*) FROM users WHERE tenant_id = 2 AND bitrix24_user_id IS NOT NULL")[0]; people == "0" {
		t.Fatal("nobody of the second tenant arrived")
	}
}

// "Several migrate up at once wait for each other."
func TestTwoMigrationsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must("", "plugins", "trust", pluginName)
	var all []*running
	for range 3 {
		all = append(all, w.start("migrate", "up"))
	}
	applied := 0
	for _, one := range all {
		r := one.wait()
		if r.code != 0 {
			t.Fatal(r)
		}
		applied += strings.Count(r.stdout, "✅")
	}
	if status := w.must("", "migrate", "status"); strings.Contains(status, " нет") {
		t.Fatal(status)
	}
	// Every step was done by one of them.
	if again := w.must("", "migrate", "up"); !strings.Contains(again, "Всё уже на месте") || applied == 0 {
		t.Fatalf("%d steps, then %s", applied, again)
	}
	if columns := query(t, w.db, "SHOW COLUMNS FROM users LIKE 'bitrix24_user_id'"); len(columns) != 1 {
		t.Fatal(columns)
	}
}
