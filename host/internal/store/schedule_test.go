package store

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"booking/shared/crm"
)

var slotTime = time.Date(2026, time.November, 23, 22, 0, 0, 0, time.UTC)

func (b bundle) slotRun(t *testing.T, tenant int64) (Slot, *Run) {
	t.Helper()
	return Slot{TenantID: tenant, Task: TaskSyncUsers, At: slotTime},
		&Run{TenantID: tenant, Plugin: "acme", Mode: crm.ModeApply, Trigger: "schedule"}
}

func (b bundle) number(t *testing.T, query string, args ...any) int {
	t.Helper()
	var n int
	if err := b.DB().NewRaw(query, args...).Scan(b.ctx, &n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func TestManyHostsStartASlotOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for tenant := range int64(20) {
		var started atomic.Int32
		var hosts sync.WaitGroup
		for range 4 {
			hosts.Go(func() {
				slot, run := b.slotRun(t, tenant+1)
				mine, err := b.StartSlot(b.ctx, slot, run)
				if err != nil {
					t.Errorf("start a slot: %v", err)
				}
				if mine {
					started.Add(1)
				}
			})
		}
		hosts.Wait()
		if n := started.Load(); n != 1 {
			t.Errorf("tenant %d: %d hosts started the slot", tenant+1, n)
		}
	}
	if n := b.number(t, "SELECT COUNT(*) FROM crm_runs"); n != 20 {
		t.Errorf("%d runs for 20 slots", n)
	}
	if n := b.number(t, "SELECT COUNT(*) FROM crm_slots AS l JOIN crm_runs AS r ON r.id = l.run_id AND r.tenant_id = l.tenant_id WHERE r.status = 'queued'"); n != 20 {
		t.Errorf("%d of 20 slots have a run that waits", n)
	}
}

func TestAHostThatDiesWhileItStartsASlotLosesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	// It died before the slot was its own: the run it had reserved never begins.
	slot, dead := b.slotRun(t, 1)
	if err := b.insertRun(b.ctx, dead, StatusReserved); err != nil {
		t.Fatal(err)
	}
	if runs, err := b.Runs(b.ctx, 0); err != nil || len(runs) != 0 {
		t.Errorf("listed: %+v, error %v", runs, err)
	}
	if waiting, err := b.QueuedRuns(b.ctx, 10); err != nil || len(waiting) != 0 {
		t.Errorf("waiting: %+v, error %v", waiting, err)
	}
	// It died when the slot was its own and the run not yet in the queue.
	b.exec(t, "INSERT INTO crm_slots VALUES (1, ?, ?, 'started', ?, NOW())", slot.Task, slot.At, dead.ID)
	_, next := b.slotRun(t, 1)
	if mine, err := b.StartSlot(b.ctx, slot, next); err != nil || mine {
		t.Errorf("started again: %v, error %v", mine, err)
	}
	waiting, err := b.QueuedRuns(b.ctx, 10)
	if err != nil || len(waiting) != 1 || waiting[0].ID != dead.ID {
		t.Errorf("waiting: %+v, error %v", waiting, err)
	}
	if n := b.number(t, "SELECT COUNT(*) FROM crm_runs"); n != 1 {
		t.Errorf("%d runs", n)
	}
}

func TestASlotJoinsARunThatWaits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	pressed := &Run{TenantID: 1, Plugin: "acme", Mode: crm.ModeApply, Trigger: "button"}
	preview := &Run{TenantID: 1, Plugin: "acme", Mode: crm.ModePreview, Trigger: "button"}
	for _, run := range []*Run{preview, pressed} {
		if _, err := b.EnqueueRun(b.ctx, run); err != nil {
			t.Fatal(err)
		}
	}
	slot, run := b.slotRun(t, 1)
	if mine, err := b.StartSlot(b.ctx, slot, run); err != nil || !mine || run.ID != pressed.ID {
		t.Errorf("started %v with run %d, error %v", mine, run.ID, err)
	}
	if n := b.number(t, "SELECT COUNT(*) FROM crm_runs"); n != 2 {
		t.Errorf("%d runs", n)
	}
}

func TestLastSlotsAreTheNewestOfEachTenant(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if err := b.MissSlots(b.ctx, 1, TaskSyncUsers, []time.Time{slotTime, slotTime.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	slot, run := b.slotRun(t, 2)
	if _, err := b.StartSlot(b.ctx, slot, run); err != nil {
		t.Fatal(err)
	}
	last, err := b.LastSlots(b.ctx, TaskSyncUsers)
	if err != nil || len(last) != 2 || !last[1].At.Equal(slotTime.Add(time.Hour)) || last[1].Status != SlotMissed ||
		last[2].Status != SlotStarted || last[2].RunID != run.ID || last[2].RunStatus != StatusQueued {
		t.Errorf("%+v, error %v", last, err)
	}
}

// claimed puts a run into the queue and claims it for a host.
func (b bundle) claimed(t *testing.T, tenant int64) Run {
	t.Helper()
	run := &Run{TenantID: tenant, Plugin: "acme", Mode: crm.ModeApply, Trigger: "schedule"}
	if _, err := b.EnqueueRun(b.ctx, run); err != nil {
		t.Fatal(err)
	}
	b.claim(t, run, "first")
	return *run
}

func (b bundle) claim(t *testing.T, run *Run, host string) {
	t.Helper()
	if mine, err := b.ClaimRun(b.ctx, run, host, time.Hour); err != nil || !mine {
		t.Fatalf("claim: %v, error %v", mine, err)
	}
}

func (b bundle) expire(t *testing.T, run int64) {
	t.Helper()
	b.exec(t, "UPDATE crm_runs SET lease_until = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND WHERE id = ?", run)
}

func TestARunWhoseHostDiedIsTakenOverAsItsNextAttempt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.claimed(t, 1)
	if waiting, err := b.QueuedRuns(b.ctx, 10); err != nil || len(waiting) != 0 {
		t.Fatalf("a run that goes on waits: %+v, error %v", waiting, err)
	}
	b.expire(t, first.ID)
	waiting, err := b.QueuedRuns(b.ctx, 10)
	if err != nil || len(waiting) != 1 || waiting[0].ID != first.ID {
		t.Fatalf("waiting: %+v, error %v", waiting, err)
	}
	second := waiting[0]
	b.claim(t, &second, "second")
	if second.ID != first.ID || second.Attempt != 2 || second.Fence <= first.Fence || second.Host != "second" {
		t.Errorf("first %+v, second %+v", first, second)
	}
	// The old host wakes up: it can do nothing to the run any more.
	if err := b.RenewLease(b.ctx, first, time.Hour); err != ErrLeaseLost { //nolint:errorlint // the very error is the promise
		t.Errorf("renew: %v", err)
	}
	if err := b.ReturnRun(b.ctx, first); err != ErrLeaseLost { //nolint:errorlint // the very error is the promise
		t.Errorf("return: %v", err)
	}
	end := first
	end.Status = StatusSucceeded
	if err := b.FinishRun(b.ctx, &end); err != ErrLeaseLost { //nolint:errorlint // the very error is the promise
		t.Errorf("finish: %v", err)
	}
	if n := b.number(t, "SELECT COUNT(*) FROM crm_runs WHERE id = ? AND fence = ? AND status = 'running'", first.ID, first.Fence); n != 0 {
		t.Error("a chunk of the old host would be written")
	}
}

func TestARunThatBringsItsHostsDownIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.claimed(t, 1)
	for run.Attempt < enoughAttempts {
		b.expire(t, run.ID)
		b.claim(t, &run, "next")
	}
	b.expire(t, run.ID)
	if mine, err := b.ClaimRun(b.ctx, &run, "next", time.Hour); err != nil || mine {
		t.Errorf("claimed once more: %v, error %v", mine, err)
	}
	if last, err := b.Run(b.ctx, run.ID); err != nil || last.Status != StatusInterrupted || last.Attempt != enoughAttempts {
		t.Errorf("%+v, error %v", last, err)
	}
}

func TestAForegroundRunWhoseHostDiedIsInterrupted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := Run{TenantID: 1, Plugin: "acme", Mode: crm.ModeApply, Trigger: "cli"}
	if err := b.StartRun(b.ctx, &run, time.Hour); err != nil {
		t.Fatal(err)
	}
	b.expire(t, run.ID)
	if mine, err := b.ClaimRun(b.ctx, &run, "next", time.Hour); err != nil || mine {
		t.Errorf("claimed: %v, error %v", mine, err)
	}
	if last, err := b.Run(b.ctx, run.ID); err != nil || last.Status != StatusInterrupted {
		t.Errorf("%+v, error %v", last, err)
	}
}
