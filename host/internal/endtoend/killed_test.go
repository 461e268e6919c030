package endtoend

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"booking/shared/testdb/proxy"
)

// Issue 3, "Bad input and faults": plugin process killed in the middle.
// The run is failed (plugin_lost), the host goes on, the next run completes the rest
// with no duplicate. At every chunk boundary.
func TestPluginKilledAtEveryChunkBoundary(t *testing.T) {
	t.Parallel()
	b, p := newBig(t)
	for _, at := range b.boundaries() {
		b.reset()
		held := stopAt(p, at)
		run := b.start("sync-users", "--tenant", b.tenant, "--json")
		b.reached(held, run)
		_ = syscall.Kill(run.plugin(), syscall.SIGKILL)
		held.Drop()
		failed := run.wait()
		o := readOutcome(t, failed.stdout)
		if failed.code != 1 || o.Status != "failed" || o.Error.Code != "plugin_lost" {
			t.Fatalf("%s: %s", at, failed)
		}
		b.completes(at.String())
	}
}

// reached waits until the run stands at the place.
func (w *world) reached(held *proxy.Hold, run *running) {
	w.t.Helper()
	select {
	case <-held.Reached():
	case <-run.ended:
		w.t.Fatalf("the run ended before the place was reached: %s", run.wait())
	case <-time.After(patience):
		w.t.Fatal("the run does not reach the place")
	}
}

// completes runs the sync to its end and compares all tables with those of an
// undisturbed run; one more run then changes nothing.
func (b *big) completes(when string) {
	b.t.Helper()
	last := readOutcome(b.t, b.must("", "sync-users", "--tenant", b.tenant, "--json"))
	if last.Status != "partial" || last.Error.Code != "" {
		b.t.Fatalf("%s: the next run is %+v", when, last)
	}
	b.mustEqual(b.want, when)
}

// Issue 3: host killed in the middle. Its plugin is gone with it; until the lease has
// run out nobody else can start (exit 3), then the run is interrupted and the next
// one completes the rest. At every chunk boundary.
func TestHostKilledAtEveryChunkBoundary(t *testing.T) {
	t.Parallel()
	b, p := newBig(t)
	for _, at := range b.boundaries() {
		b.reset()
		held := stopAt(p, at)
		run := b.start("sync-users", "--tenant", b.tenant, "--json")
		b.reached(held, run)
		plugin := run.plugin()
		run.signal(syscall.SIGKILL)
		gone(t, plugin, 20*time.Second)
		held.Drop()
		run.wait()

		busy := b.exits(3, "", "sync-users", "--tenant", b.tenant, "--json")
		o := readOutcome(t, busy.stdout)
		if o.Status != "failed" || o.Error.Code != "busy" || o.Error.Run == 0 {
			t.Fatalf("%s, before the lease ran out: %s", at, busy)
		}
		b.leaseRunsOut()
		b.completes(at.String())
		if status := b.runStatus(o.Error.Run); status != "interrupted\tNULL" {
			t.Fatalf("%s: the killed host's run is %q, want interrupted", at, status)
		}
	}
}

// leaseRunsOut lets the time of a dead host's run pass. (TestLeaseRunsOut waits for it.)
func (b *big) leaseRunsOut() {
	b.t.Helper()
	eventually(b.t, 20*time.Second, "the dead plugin's transaction to be gone", func() bool {
		_, err := b.db.Exec("UPDATE crm_runs SET lease_until = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND WHERE status = 'running'")
		return err == nil
	})
}

// The same at moments that nobody chose: while reading, planning, writing.
func TestKilledAtRandomMoments(t *testing.T) {
	t.Parallel()
	b, p := newBig(t)
	p.Forget()
	began := time.Now()
	b.reset()
	b.must("", "sync-users", "--tenant", b.tenant, "--json")
	took := time.Since(began)
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d, an undisturbed run takes %s", seed, took)
	for i := range 6 {
		b.reset()
		run := b.start("sync-users", "--tenant", b.tenant, "--json")
		select {
		case <-run.ended:
		case <-time.After(time.Duration(random.Int64N(int64(took)))):
		}
		if list := children(run.cmd.Process.Pid); i%2 == 0 && len(list) == 1 {
			_ = syscall.Kill(list[0], syscall.SIGKILL)
		} else {
			run.signal(syscall.SIGKILL)
		}
		run.wait()
		b.leaseRunsOut()
		b.completes("killed at a random moment")
	}
}

// "After a kill -9 a run's lease must run out before another can start (exit 3 until
// then); nothing needs unlock by hand."
func TestLeaseRunsOut(t *testing.T) {
	t.Parallel()
	b, p := newBig(t)
	b.env["BOOKING_LEASE"] = "6s"
	b.reset()
	held := stopAt(p, stop{chunk: 2})
	run := b.start("sync-users", "--tenant", b.tenant, "--json")
	b.reached(held, run)
	run.signal(syscall.SIGKILL)
	run.wait()
	held.Drop()
	refused := 0
	for {
		left := query(t, b.db, "SELECT lease_until > UTC_TIMESTAMP(6) FROM crm_runs WHERE status = 'running'")
		next := b.call("", "sync-users", "--tenant", b.tenant, "--json")
		if next.code == 0 {
			break
		}
		if next.code != 3 {
			t.Fatal(next)
		}
		if left[0] == "0" {
			t.Fatalf("the lease had run out: %s", next)
		}
		refused++
	}
	over := query(t, b.db, "SELECT status, fence FROM crm_runs ORDER BY id LIMIT 1")
	if refused == 0 || over[0] != "interrupted\t2" {
		t.Fatalf("refused %d times, then the first run is %q", refused, over)
	}
	b.mustEqual(b.want, "after the lease")
}

// "Died, or silent to health checks for 15 s (then it is killed): plugin_lost."
func TestFrozenPlugin(t *testing.T) {
	t.Parallel()
	b, p := newBig(t)
	b.reset()
	held := stopAt(p, stop{chunk: 2})
	run := b.start("sync-users", "--tenant", b.tenant, "--json")
	b.reached(held, run)
	plugin := run.plugin()
	_ = syscall.Kill(plugin, syscall.SIGSTOP)
	failed := run.wait()
	o := readOutcome(t, failed.stdout)
	if failed.code != 1 || o.Error.Code != "plugin_lost" {
		t.Fatal(failed)
	}
	gone(t, plugin, 10*time.Second)
	held.Drop()
	b.completes("after a frozen plugin")
}

// Issue 3, 7: Ctrl-C stops between two chunks, says what was written, and exits non-zero.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	b, p := newBig(t)
	for _, how := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		for chunk := 1; chunk < b.chunks; chunk++ {
			b.reset()
			held := stopAt(p, stop{chunk: chunk})
			run := b.start("sync-users", "--tenant", b.tenant, "--json")
			b.reached(held, run)
			run.signal(how)
			// The host has told the plugin, and wants to write the run's end: that waits for
			// the chunk, whose COMMIT is still on its way.
			b.waiting("the host to end the run", "UPDATE crm_runs SET status")
			held.GoOn()
			stopped := run.wait()
			o := readOutcome(t, stopped.stdout)
			if stopped.code != 1 || o.Status != "cancelled" || o.Error.Code != "" {
				t.Fatalf("%s at chunk %d: %s", how, chunk, stopped)
			}
			written := query(t, b.db, "SELECT COUNT(*) FROM crm_changes WHERE action = 'created'")
			history := query(t, b.db, "SELECT created, chunks FROM crm_runs WHERE id = ?", o.Run)
			if o.Created == 0 || written[0] != history[0][:len(written[0])] {
				t.Fatalf("%s at chunk %d: says created %d, the history has %s, the run's row %s", how, chunk, o.Created, written, history)
			}
			b.completes(how.String())
		}
	}
}

// "a second Ctrl-C is immediate", even though the chunk does not end.
func TestInterruptedTwice(t *testing.T) {
	t.Parallel()
	b, p := newBig(t)
	b.reset()
	held := stopAt(p, stop{chunk: 1})
	run := b.start("sync-users", "--tenant", b.tenant)
	b.reached(held, run)
	plugin := run.plugin()
	// Two signals of one kind that wait together are one: ask until it is heard.
	eventually(t, 20*time.Second, "the second Ctrl-C to be heard", func() bool {
		run.signal(syscall.SIGINT)
		select {
		case <-run.ended:
			return true
		case <-time.After(50 * time.Millisecond):
			return false
		}
	})
	if run.wait().code == 0 {
		t.Fatal("exit status 0")
	}
	gone(t, plugin, 20*time.Second)
	held.Drop()
	b.leaseRunsOut()
	b.completes("after a second Ctrl-C")
}
