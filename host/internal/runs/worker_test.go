package runs

import (
	"context"
	"sync"
	"testing"

	"booking/host/internal/store"
	"booking/shared/crm"
)

func (f *fixture) queue(tenant int64, trigger string) store.Run {
	f.t.Helper()
	outcome, err := f.Queue(f.t.Context(), Request{TenantID: tenant, Mode: crm.ModeApply, Trigger: trigger})
	if err != nil {
		f.t.Fatal(err)
	}
	return outcome.Run
}

// work runs workers until the test, or the returned function, stops them.
func (f *fixture) work(workers int) (stop func()) {
	ctx, cancel := context.WithCancel(f.t.Context())
	var running sync.WaitGroup
	for range workers {
		running.Go(func() { f.Work(ctx) })
	}
	stop = func() {
		cancel()
		running.Wait()
	}
	f.t.Cleanup(stop)
	return stop
}

func TestAQueuedRunIsCarriedOutOnceByManyWorkers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var mu sync.Mutex
	calls := map[int64]int{}
	f.plugin.run = func(_ context.Context, r crm.SyncRequest, _ crm.Events) (crm.SyncResult, error) {
		mu.Lock()
		defer mu.Unlock()
		calls[r.RunID]++
		return crm.SyncResult{}, nil
	}
	var queued []store.Run
	for range 6 {
		queued = append(queued, f.queue(f.tenant("x"), "cli"))
	}
	f.work(3)
	for _, run := range queued {
		if row := f.until(run.ID, store.StatusSucceeded); row.Attempt != 1 || row.Plugin != "scripted" || row.Portal != "portal.example" {
			t.Errorf("run %d: %+v", run.ID, row)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for run, n := range calls {
		if n != 1 {
			t.Errorf("run %d was carried out %d times", run, n)
		}
	}
}

func TestASecondRequestJoinsTheRunThatWaits(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	tenant := f.tenant("x")
	first, second := f.queue(tenant, "button"), f.queue(tenant, "cli")
	if first.ID == 0 || first.ID != second.ID || second.Status != store.StatusQueued {
		t.Errorf("first %+v, second %+v", first, second)
	}
}

func TestPeopleComeBeforeSchedulesAndNoTenantHoldsUpTheOthers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	greedy, modest := f.tenant("greedy"), f.tenant("modest")
	scheduled := f.queue(greedy, "schedule")
	preview := store.Run{TenantID: greedy, Mode: crm.ModePreview, Trigger: "schedule"}
	if _, err := f.Store.EnqueueRun(t.Context(), &preview); err != nil {
		t.Fatal(err)
	}
	pressed := f.queue(modest, "button")
	waiting, err := f.Store.QueuedRuns(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	if len(waiting) != 2 || waiting[0].ID != pressed.ID || waiting[1].ID != scheduled.ID {
		t.Errorf("the queue is %+v", waiting)
	}
}

func TestAStoppingHostHandsItsRunBack(t *testing.T) {
	t.Parallel()
	f, g := newFixture(t), newGate()
	f.plugin.run = g.pass
	run := f.queue(f.tenant("x"), "cli")
	stop := f.work(1)
	g.waitEntered(t)
	stop()
	f.until(run.ID, store.StatusQueued)
	close(g.open)
	f.work(1)
	if row := f.until(run.ID, store.StatusSucceeded); row.Attempt != 2 {
		t.Errorf("attempt %d", row.Attempt)
	}
}

func TestATenantThatIsNoLongerConfiguredEndsItsQueuedRun(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	tenant := f.tenant("x")
	run := f.queue(tenant, "cli")
	_, err := f.Store.EditConnection(t.Context(), f.Box, tenant, func(e *store.ConnectionEdit) error {
		e.Enabled = false
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	f.work(1)
	f.until(run.ID, store.StatusNotConfigured)
}
