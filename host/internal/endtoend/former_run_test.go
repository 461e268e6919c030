package endtoend

import (
	"crypto/rand"
	"fmt"
	"maps"
	"strings"
	"syscall"
	"testing"

	"booking/shared/testdb/proxy"
)

// A run changes hands between the releases, in the middle of its writing, in both
// directions: its host is told to stop, or is killed and its lease runs out.
func TestARunChangesReleases(t *testing.T) {
	t.Parallel()
	b, p := newBig(t)
	old := b.former()
	old.must("", "plugins", "trust", pluginName)
	b.must("", "plugins", "trust", pluginName)
	for direction, hosts := range map[string][2]*world{"from the former release": {old, b.world}, "to the former release": {b.world, old}} {
		for _, how := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
			when := fmt.Sprintf("%s, %s", direction, how)
			b.reset()
			held := stopAt(p, stop{chunk: 1})
			first := hosts[0].start("serve")
			hosts[0].must("", "sync-users", "--tenant", b.tenant, "--queue")
			b.reached(held, first)
			second := hosts[1].start("serve")
			if how == syscall.SIGTERM {
				b.drained(held, first)
			} else {
				first.signal(how)
				first.wait()
				held.Drop()
				b.leaseRunsOut()
			}
			eventually(t, patience, "the run to be over, "+when, func() bool { return b.lastStatus(b.tenant) == "partial" })
			b.mustEqual(b.want, when)
			if run := query(t, b.db, "SELECT COUNT(*), MAX(attempt) FROM crm_runs")[0]; run != "1\t2" {
				t.Errorf("%s: runs and attempts: %s", when, run)
			}
			second.stops()
		}
	}
}

// The tables are brought up while the former release is in the middle of a chunk, whose
// transaction keeps the table: the change waits for it, the run for nobody.
func TestTheTablesAreBroughtUpWhileTheFormerReleaseWrites(t *testing.T) {
	t.Parallel()
	u := newUpgrade(t, 1)
	u.must("", "plugins", "trust", pluginName)
	p := proxy.New(t, u.dsn)
	u.old.env["BOOKING_PLUGIN_DSN_FILE"] = u.file("secret/plugin-dsn", p.Through(u.dsn))
	held := stopAt(p, stop{chunk: 1})
	before := u.old.start("serve")
	run := readOutcome(t, u.old.must("", "sync-users", "--tenant", u.tenants[0], "--queue", "--json"))
	u.reached(held, before)
	up := u.start("migrate", "up")
	u.waiting("the change of the table to wait", "ALTER TABLE `crm_runs`")
	held.GoOn()
	if r := up.wait(); r.code != 0 || !strings.Contains(r.stdout, "crm_runs_queue") {
		t.Fatal(r)
	}
	eventually(t, patience, "the run to be over", func() bool { return u.runStatus(run.Run) == "succeeded\tNULL" })
	if attempts := query(t, u.db, "SELECT attempt FROM crm_runs WHERE id = ?", run.Run); attempts[0] != "1" {
		t.Errorf("the run had %s attempts", attempts)
	}
	u.mustHaveEverybody()
	before.stops()
}

// What only this release knows, a person's run, one of an exact preview, a retry, waits
// for it: the former one shows it and leaves it alone. A company that one of them syncs
// is busy for the other.
func TestTheFormerReleaseLeavesAloneWhatIsNew(t *testing.T) {
	t.Parallel()
	u := newUpgrade(t, 2)
	u.must("", "plugins", "trust", pluginName)
	u.must("", "migrate", "up")
	before, base := u.old.serveOn(nil)
	person := readOutcome(t, u.must("", "sync-users", "--tenant", u.tenants[0], "--person", "7", "--queue", "--json"))
	known := readOutcome(t, u.must("", "sync-users", "--tenant", u.tenants[1], "--queue", "--json"))
	eventually(t, patience, "the run that both know", func() bool { return u.runStatus(known.Run) == "succeeded\tNULL" })
	// (Another status is what keeps the former one's hands off it.)
	for status, release := range map[string]*world{"waiting": u.old, "queued": u.world} {
		shown := release.objects("runs", "show", fmt.Sprint(person.Run), "--json")[0]
		if shown["status"] != status || shown["started_at"] != nil {
			t.Errorf("the run of a person: %v", shown)
		}
	}
	who := u.old.signIn(base, u.tenants[0])
	who.mustGet("/settings/crm", "/runs", fmt.Sprintf("/runs/%d", person.Run))
	// A full run goes on while a person's waits.
	if o := readOutcome(t, u.old.must("", "sync-users", "--tenant", u.tenants[0], "--json")); o.Status != "succeeded" || o.Fetched != u.people {
		t.Errorf("the former release's run: %+v", o)
	}
	after := u.start("serve")
	eventually(t, patience, "the person's run", func() bool { return u.runStatus(person.Run) == "succeeded\tNULL" })
	for _, host := range []*running{before, after} {
		host.stops()
	}
}

// Whoever is signed in stays so, whichever release's pages answer.
func TestASessionIsGoodForBothReleases(t *testing.T) {
	t.Parallel()
	u := newUpgrade(t, 1)
	u.must("", "plugins", "trust", pluginName)
	before, formerBase := u.old.serveOn(nil)
	after, base := u.serveOn(nil)
	if got := ask(t, formerBase+"/readyz", ""); got != "200 ok\n" {
		t.Errorf("the former release, on tables that this one has brought up: %q", got)
	}
	for from, to := range map[string]string{formerBase: base, base: formerBase} {
		release := u.world
		if from == formerBase {
			release = u.old
		}
		who := release.signIn(from, u.tenants[0])
		who.base = to
		run := who.press("preview")
		eventually(t, patience, "the preview", func() bool { return u.runStatus(run) == "succeeded\tNULL" })
		for _, who.base = range []string{from, to} {
			who.mustGet("/settings/crm", "/runs", fmt.Sprintf("/runs/%d", run))
		}
	}
	for _, host := range []*running{before, after} {
		host.stops()
	}
}

// A connection that was saved by this release, with a setting that the former one does
// not know, still works there, and keeps that setting when it is saved there.
func TestSettingsOfThisReleaseUnderTheFormerOne(t *testing.T) {
	t.Parallel()
	u := newUpgrade(t, 1)
	tenant := u.tenants[0]
	u.must("", "plugins", "trust", pluginName)
	u.must(collected.secret("an event's token", rand.Text()), "crm", "connect", "--tenant", tenant, "--plugin", pluginName, "--secret", "event_token")
	if o := readOutcome(t, u.old.must("", "sync-users", "--tenant", tenant, "--json")); o.Status != "succeeded" || o.Created != u.people {
		t.Errorf("the former release's run: %+v", o)
	}
	u.old.must("", "crm", "check", "--tenant", tenant)
	u.old.must("", "crm", "connect", "--tenant", tenant, "--plugin", pluginName, "--set", "sync_position=true")
	shown := u.objects("crm", "show", "--tenant", tenant, "--json")[0]["settings"].(map[string]any)
	if shown["event_token"] != "***" || shown["sync_position"] != "true" {
		t.Errorf("after the former release has saved it: %v", shown)
	}
}

// Host and plugin need not be of one release.
func TestHostAndPluginOfDifferentReleases(t *testing.T) {
	t.Parallel()
	u := newUpgrade(t, 1)
	tenant := u.tenants[0]
	for name, releases := range map[string][2]*world{"the former plugin": {u.world, u.old}, "the former host": {u.old, u.world}} {
		host, other := releases[0], releases[1].programs
		mixed := &world{t: t, dir: host.dir, db: host.db, dsn: host.dsn, programs: host.programs, env: maps.Clone(host.env)}
		mixed.env["BOOKING_PLUGIN_DIR"] = other.plugins
		mixed.must("", "plugins", "trust", pluginName)
		mixed.must("", "migrate", "up")
		u.hire()
		if o := readOutcome(t, mixed.must("", "sync-users", "--tenant", tenant, "--json")); o.Status != "succeeded" || o.Fetched != u.people || o.Created == 0 {
			t.Errorf("%s: %+v", name, o)
		}
		mixed.must("", "crm", "check", "--tenant", tenant)
		mixed.must("", "crm", "connect", "--tenant", tenant, "--plugin", pluginName, "--set", "sync_phone=true")
		serving := mixed.start("serve")
		queued := readOutcome(t, mixed.must("", "sync-users", "--tenant", tenant, "--queue", "--json"))
		eventually(t, patience, name, func() bool { return u.runStatus(queued.Run) == "succeeded\tNULL" })
		serving.stops()
		if host == u.world { // it is asked for what it cannot do, and says so
			if r := mixed.exits(1, "", "crm", "choices", "--tenant", tenant, "--field", "departments"); strings.Count(r.stderr, "\n") != 1 {
				t.Error(r)
			}
		}
	}
	u.mustHaveEverybody()
}
