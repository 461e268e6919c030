package endtoend

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// upgrade is an installation of the former release that is being replaced: both work on
// its database.
type upgrade struct {
	*world
	old     *world
	tenants []string
	portals []*portal
	people  int // of each portal
}

// newUpgrade installs the former release, with some companies and their portals.
func newUpgrade(t *testing.T, tenants int) *upgrade {
	t.Helper()
	u := &upgrade{world: newWorld(t)}
	// The former release makes everything, the key as well.
	u.old = u.former()
	u.env["BOOKING_SECRET_KEY_FILE"] = filepath.Join(u.old.env["BOOKING_DATA_DIR"], "secret.key")
	delete(u.old.env, "BOOKING_SECRET_KEY_FILE")
	u.old.must("", "migrate", "up")
	for i := range tenants {
		portal := startPortal(t, "--people", "0")
		u.portals = append(u.portals, portal)
		u.tenants = append(u.tenants, u.old.connected(portal))
		u.old.must("", "schedule", "set", "--tenant", u.tenants[i], "hourly", "--zone", "UTC")
	}
	for range 20 {
		u.hire()
	}
	return u
}

// hire gives every portal one person more. An address belongs to one row of the table.
func (u *upgrade) hire() {
	u.t.Helper()
	u.people++
	for i, portal := range u.portals {
		portal.ask("POST", "/people", fmt.Sprintf(`[{"id":%d,"name":"Person %[1]d","email":"p%[1]d@portal%d.example"}]`, u.people, i))
	}
}

// slots makes a slot of every company due, for both releases at the same moment, and
// waits until all runs are over. Each slot must have had exactly one: its own, or one that
// somebody had asked for and that waited.
func (u *upgrade) slots() {
	u.t.Helper()
	exec1(u.t, u.db, "DELETE FROM crm_slots")
	before := query(u.t, u.db, "SELECT COALESCE(MAX(id), 0) FROM crm_runs")[0]
	exec1(u.t, u.db, "UPDATE crm_schedules SET slot_at = slot_at - INTERVAL 1 HOUR, next_at = slot_at")
	eventually(u.t, patience, "the runs of the slots", func() bool {
		return query(u.t, u.db, "SELECT (SELECT COUNT(*) FROM crm_slots), (SELECT COUNT(*) FROM crm_runs WHERE finished_at IS NULL)")[0] == fmt.Sprintf("%d\t0", len(u.tenants))
	})
	got := query(u.t, u.db, `SELECT s.tenant_id, s.status, r.status FROM crm_slots AS s JOIN crm_runs AS r ON r.id = s.run_id ORDER BY s.tenant_id`)
	var want []string
	for _, tenant := range u.tenants {
		want = append(want, tenant+"\tstarted\tsucceeded")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		u.t.Fatalf("the runs of the slots (-want +got):\n%s", diff)
	}
	twice := query(u.t, u.db, "SELECT id FROM crm_runs WHERE started_by = 'schedule' AND id > ? AND id NOT IN (SELECT run_id FROM crm_slots)", before)
	if len(twice) > 0 {
		u.t.Fatalf("runs of no slot: %v", twice)
	}
}

// mustHaveEverybody compares people and history with the portals: everybody arrived once.
func (u *upgrade) mustHaveEverybody() {
	u.t.Helper()
	var want []string
	for i, tenant := range u.tenants {
		for id := range u.people {
			want = append(want, fmt.Sprintf("%s\t%d\tPerson %[2]d\tp%[2]d@portal%d.example\t1", tenant, id+1, i))
		}
	}
	got := query(u.t, u.db, `SELECT u.tenant_id, u.bitrix24_user_id, u.name, u.email, COUNT(c.id) FROM users AS u
		LEFT JOIN crm_changes AS c ON c.user_id = u.id AND c.action = 'created' GROUP BY u.id`)
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		u.t.Fatalf("the people (-want +got):\n%s", diff)
	}
}

// Two releases at once: the former one's host is there first, this one's joins and brings
// the tables up, both carry out slots and queued and foreground runs of the same companies.
func TestTwoReleasesSideBySide(t *testing.T) {
	t.Parallel()
	u := newUpgrade(t, 4)
	before := u.old.start("serve")
	u.slots()
	u.must("", "plugins", "trust", pluginName)
	if up := u.must("", "migrate", "up"); !strings.Contains(up, "✅") {
		t.Fatalf("this release has no migration that the former one lacks:\n%s", up)
	}
	after := u.start("serve")
	by := func(host *running) bool {
		return query(t, u.db, fmt.Sprintf("SELECT COUNT(*) > 0 FROM crm_runs WHERE started_by = 'schedule' AND host LIKE '%%:%d'", host.cmd.Process.Pid))[0] == "1"
	}
	for round := 0; round < 3 || !by(before) || !by(after); round++ {
		if round == 20 {
			t.Fatalf("20 rounds, and the former release took part: %v, this one: %v", by(before), by(after))
		}
		u.hire()
		u.atOnce()
		u.slots()
	}
	u.mustHaveEverybody()
	u.readEachOther()
	for _, host := range []*running{before, after} {
		host.stops()
	}
}

// atOnce asks for runs of the same companies by both releases: some in the queue, which
// either host carries out, one in the foreground of each.
func (u *upgrade) atOnce() {
	u.t.Helper()
	both := []*world{u.old, u.world}
	var all []*running
	for _, release := range both {
		all = append(all, release.start("sync-users", "--tenant", u.tenants[0], "--queue"), release.start("sync-users", "--tenant", u.tenants[1], "--json"))
	}
	for _, one := range all {
		if r := one.wait(); r.code != 0 && r.code != 3 {
			u.t.Error(r)
		}
	}
}

// readEachOther: what one release has written, the other one's commands show.
func (u *upgrade) readEachOther() {
	u.t.Helper()
	for _, args := range [][]string{
		{"runs", "list", "--json"}, {"crm", "show", "--tenant", u.tenants[0], "--json"}, {"users", "list", "--json"}, {"tenants", "list", "--json"},
	} {
		if diff := cmp.Diff(u.old.objects(args...), u.objects(args...)); diff != "" {
			u.t.Errorf("%v (-former +this):\n%.2000s", args, diff)
		}
	}
	for _, run := range query(u.t, u.db, "SELECT MAX(id) FROM crm_runs GROUP BY tenant_id, host") {
		if diff := cmp.Diff(u.old.objects("runs", "show", run, "--json"), u.objects("runs", "show", run, "--json")); diff != "" {
			u.t.Errorf("run %s (-former +this):\n%.2000s", run, diff)
		}
	}
	for _, release := range []*world{u.old, u.world} {
		release.must("", "crm", "check", "--tenant", u.tenants[0])
		release.must("", "schedule", "show")
		release.must("", "sync-users", "--preview")
		release.must("", "sync-users")
		release.must("", "schedule:run")
		release.must("", "migrate", "status")
	}
}

// objects is a command's JSON as the objects that are in it.
func (w *world) objects(args ...string) (all []map[string]any) {
	w.t.Helper()
	text := strings.TrimSpace(w.must("", args...))
	if strings.HasPrefix(text, "{") {
		text = "[" + text + "]"
	}
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		w.t.Fatalf("%v: %v\n%s", args, err, text)
	}
	return all
}
