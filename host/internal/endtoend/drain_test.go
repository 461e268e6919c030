package endtoend

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"booking/shared/testdb/proxy"
)

// waiting waits until one of these statements goes on in this world's database: it waits
// for a lock.
func (w *world) waiting(what string, statements ...string) {
	w.t.Helper()
	eventually(w.t, patience, what, func() bool {
		return slices.ContainsFunc(query(w.t, w.db, "SHOW FULL PROCESSLIST"), func(line string) bool {
			return strings.Contains(line, w.dsn.DBName) && slices.ContainsFunc(statements, func(s string) bool { return strings.Contains(line, s) })
		})
	})
}

// handsBack is how a run is put back into the queue, by this release and the former one.
var handsBack = []string{"FOR UPDATE", "UPDATE crm_runs SET status = 'queued'"}

// dueNow makes a slot of the tenant due that nobody has started.
func (b *big) dueNow() {
	b.t.Helper()
	exec1(b.t, b.db, "DELETE FROM crm_slots")
	exec1(b.t, b.db, "DELETE FROM crm_run_attempts")
	b.must("", "schedule", "set", "--tenant", b.tenant, "daily", "01:00", "--zone", "UTC")
	exec1(b.t, b.db, "UPDATE crm_schedules SET slot_at = slot_at - INTERVAL 1 DAY, next_at = slot_at")
}

// drained stops a host whose run is in the middle of a chunk, and lets the chunk end when
// the host waits for it.
func (b *big) drained(held interface{ GoOn() }, host *running) {
	b.t.Helper()
	plugin := host.plugin()
	host.signal(syscall.SIGTERM)
	b.waiting("the host to wait for the chunk", handsBack...)
	held.GoOn()
	if r := host.wait(); r.code != 0 {
		b.t.Fatal(r)
	}
	gone(b.t, plugin, 20*time.Second)
}

// The run of a slot, in the middle of its writing, is handed over: the chunk is finished,
// the host ends with 0, and another one goes on at once. (The lease has nothing to do
// with it: it is longer than the test.) At every chunk.
func TestAStoppedHostHandsItsRunOver(t *testing.T) {
	t.Parallel()
	b, p := newBig(t)
	b.env["BOOKING_LEASE"] = "1h"
	for chunk := 1; chunk < b.chunks; chunk++ {
		b.reset()
		b.dueNow()
		held := stopAt(p, stop{chunk: chunk})
		first := b.start("serve")
		b.reached(held, first)
		second, _ := b.serveOn(nil, "--worker-only")
		b.drained(held, first)
		b.handedOver(fmt.Sprintf("at chunk %d", chunk), first, second)
		second.stops()
	}
}

// handedOver waits for the end of the one run there is, and looks at what is left of it.
func (b *big) handedOver(when string, hosts ...*running) {
	b.t.Helper()
	eventually(b.t, patience, "the run to be over, "+when, func() bool { return b.lastStatus(b.tenant) == "partial" })
	b.mustEqual(b.want, when)
	if slots := query(b.t, b.db, "SELECT s.status, s.run_id = r.id, r.status, r.attempt, (SELECT COUNT(*) FROM crm_runs) FROM crm_slots AS s JOIN crm_runs AS r ON r.id = s.run_id"); !slices.Equal(slots, []string{"started\t1\tpartial\t2\t1"}) {
		b.t.Fatalf("%s: the slot's run is %q", when, slots)
	}
	var shown struct {
		Attempts []struct{ Attempt, End, Host any }
	}
	run := query(b.t, b.db, "SELECT id FROM crm_runs")[0]
	parse(b.t, b.must("", "runs", "show", run, "--json"), &shown)
	var attempts []string
	for _, one := range shown.Attempts {
		_, process, _ := strings.Cut(one.Host.(string), ":")
		attempts = append(attempts, fmt.Sprint(one.Attempt, " ", one.End, " ", process))
	}
	want := []string{fmt.Sprint("1 returned ", hosts[0].cmd.Process.Pid), fmt.Sprint("2 partial ", hosts[1].cmd.Process.Pid)}
	if diff := cmp.Diff(want, attempts); diff != "" {
		b.t.Fatalf("%s: the history's attempts (-want +got):\n%s", when, diff)
	}
}

// A single host: its next start goes on with the run. What the chunk has written is there
// meanwhile, the run waits in the queue.
func TestTheNextStartGoesOnWithAHandedBackRun(t *testing.T) {
	t.Parallel()
	b, p := newBig(t)
	b.env["BOOKING_LEASE"] = "1h"
	b.reset()
	b.dueNow()
	held := stopAt(p, stop{chunk: 2})
	first := b.start("serve")
	b.reached(held, first)
	b.drained(held, first)
	if left := query(b.t, b.db, "SELECT status, chunks, attempt, host, (SELECT COUNT(*) FROM crm_changes) > 1000 FROM crm_runs"); !slices.Equal(left, []string{"queued\t2\t1\t\t1"}) {
		t.Fatalf("the run in between: %q", left)
	}
	b.handedOver("after the next start", first, b.start("serve"))
}

// A second SIGTERM does not wait for the chunk. The run is left to its lease then.
func TestASecondSignalEndsAHostAtOnce(t *testing.T) {
	t.Parallel()
	b, p := newBig(t)
	b.reset()
	b.dueNow()
	held := stopAt(p, stop{chunk: 1})
	serving := b.start("serve")
	b.reached(held, serving)
	plugin := serving.plugin()
	serving.signal(syscall.SIGTERM)
	b.waiting("the host to wait for the chunk", handsBack...)
	serving.signal(syscall.SIGTERM)
	if r := serving.wait(); r.code != 1 {
		t.Fatal(r)
	}
	gone(t, plugin, 20*time.Second)
	held.Drop()
	b.leaseRunsOut()
	next := b.start("serve")
	eventually(t, patience, "the next host to go on", func() bool { return b.lastStatus(b.tenant) == "partial" })
	b.mustEqual(b.want, "after a second signal")
	if attempts := query(t, b.db, "SELECT attempt, reason FROM crm_run_attempts"); !slices.Equal(attempts, []string{"1\tlost"}) {
		t.Errorf("attempts: %q", attempts)
	}
	next.stops()
}

// A database that is away takes no answer back: the host waits for it, but not for ever.
// What it could not give back its lease gives.
func TestAStopDoesNotWaitForADatabaseThatStaysAway(t *testing.T) {
	t.Parallel()
	b, p := newBig(t)
	own := proxy.New(t, b.dsn)
	b.env["BOOKING_DSN_FILE"] = b.file("secret/dsn", own.Through(b.dsn))
	b.reset()
	b.dueNow()
	held := stopAt(p, stop{chunk: 1, committed: true})
	serving := b.start("serve")
	b.reached(held, serving)
	own.Refuse()
	serving.stops()
	held.Drop()
	own.Accept()
	if left := query(t, b.db, "SELECT status, attempt FROM crm_runs"); !slices.Equal(left, []string{"running\t1"}) {
		t.Fatalf("the run is %q", left)
	}
	b.leaseRunsOut()
	next := b.start("serve")
	eventually(t, patience, "the next host to go on", func() bool { return b.lastStatus(b.tenant) == "partial" })
	b.mustEqual(b.want, "after the database came back")
	next.stops()
}
