package runs

import (
	"context"
	"testing"
	"time"

	"booking/host/internal/store"
	"booking/shared/crm"
)

func TestRunsSomebodyStopsIt(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	tenant := f.tenant("Stopped")
	g := newGate()
	f.plugin.run = g.pass
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go f.Work(ctx)
	queued, err := f.Queue(t.Context(), Request{TenantID: tenant, Mode: crm.ModeApply, Trigger: "button"})
	if err != nil {
		t.Fatal(err)
	}
	g.waitEntered(t)
	if err := f.Store.RequestCancel(t.Context(), queued.Run.ID); err != nil {
		t.Fatal(err)
	}
	// The gate is never opened: only the request ends the run, and it does not go back
	// into the queue as it would when the host stops.
	end := f.until(queued.Run.ID, store.StatusCancelled)
	if end.ErrorCode != "" {
		t.Errorf("a cancelled run has the error %q", end.ErrorCode)
	}
}

func TestRunsWaitingOneIsStoppedAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	queued, err := f.Queue(t.Context(), Request{TenantID: f.tenant("Waiting"), Mode: crm.ModeApply, Trigger: "button"})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Store.RequestCancel(t.Context(), queued.Run.ID); err != nil {
		t.Fatal(err)
	}
	if run, err := f.Store.Run(t.Context(), queued.Run.ID); err != nil || run.Status != store.StatusCancelled {
		t.Errorf("the run is %s (%v), not cancelled", run.Status, err)
	}
}

func TestRunsProgressIsSeenByOtherProcesses(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	tenant := f.tenant("Watched")
	g := newGate()
	f.plugin.run = func(ctx context.Context, r crm.SyncRequest, events crm.Events) (crm.SyncResult, error) {
		if err := events.Progress(crm.Progress{Stage: crm.StageReading, Done: 50, Total: 120, Requests: 2}); err != nil {
			return crm.SyncResult{}, err
		}
		return g.pass(ctx, r, events)
	}
	done := make(chan Outcome, 1)
	go func() { done <- f.sync(t.Context(), tenant) }()
	g.waitEntered(t)
	active, err := f.Store.ActiveRun(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		p, err := f.Store.RunProgress(t.Context(), active.ID)
		if err != nil {
			t.Fatal(err)
		}
		if p.Stage == crm.StageReading && p.Done == 50 && p.Total == 120 && p.Requests == 2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the database says %+v", p)
		}
	}
	close(g.open)
	if end := <-done; end.Run.Status != store.StatusSucceeded {
		t.Errorf("the run is %s", end.Run.Status)
	}
}
