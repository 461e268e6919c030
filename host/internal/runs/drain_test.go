package runs

import (
	"context"
	"testing"
	"time"

	"booking/host/internal/store"
	"booking/shared/crm"
)

// drain carries out the queue once and returns the outcomes.
func (f *fixture) drain(ctx context.Context) ([]Outcome, error) {
	f.t.Helper()
	var outcomes []Outcome
	err := f.Drain(ctx, func() Watcher { return nobody{} }, func(o Outcome) { outcomes = append(outcomes, o) })
	return outcomes, err
}

func TestDrainCarriesOutWhatWaitsAndReturns(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.plugin.run = func(context.Context, crm.SyncRequest, crm.Events) (crm.SyncResult, error) {
		return crm.SyncResult{}, nil
	}
	good, off := f.queue(f.tenant("good"), "schedule"), f.queue(f.tenant("off"), "schedule")
	if _, err := f.Store.DB().Exec("UPDATE crm_connections SET enabled = 0 WHERE tenant_id = ?", off.TenantID); err != nil {
		t.Fatal(err)
	}
	outcomes, err := f.drain(t.Context())
	if err != nil || len(outcomes) != 2 || outcomes[0].Run.ID != good.ID || outcomes[0].Run.Status != store.StatusSucceeded ||
		outcomes[1].Run.ID != off.ID || outcomes[1].Run.Status != store.StatusNotConfigured {
		t.Errorf("outcomes %+v, error %v", outcomes, err)
	}
	if again, err := f.drain(t.Context()); err != nil || len(again) != 0 {
		t.Errorf("again: %+v, error %v", again, err)
	}
}

func TestDrainTellsOfATenantThatIsBusyElsewhere(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.plugin.run = func(context.Context, crm.SyncRequest, crm.Events) (crm.SyncResult, error) {
		return crm.SyncResult{}, nil
	}
	tenant := f.tenant("busy")
	going := store.Run{TenantID: tenant, Plugin: "scripted", Mode: crm.ModeApply, Trigger: "cli", Host: "elsewhere:1"}
	if err := f.Store.StartRun(t.Context(), &going, time.Hour); err != nil {
		t.Fatal(err)
	}
	waiting := f.queue(tenant, "schedule")
	outcomes, err := f.drain(t.Context())
	if err != nil || len(outcomes) != 1 || outcomes[0].Run.ErrorCode != crm.CodeBusy || outcomes[0].BusyWith != going.ID {
		t.Errorf("outcomes %+v, error %v", outcomes, err)
	}
	f.until(waiting.ID, store.StatusQueued)
}

func TestDrainLeavesTheWorkToAMachineThatHasItsShare(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.plugin.run = func(context.Context, crm.SyncRequest, crm.Events) (crm.SyncResult, error) {
		return crm.SyncResult{}, nil
	}
	for range DefaultRuns {
		going := store.Run{TenantID: f.tenant("x"), Plugin: "scripted", Mode: crm.ModeApply, Trigger: "schedule", Host: "test:7"}
		if err := f.Store.StartRun(t.Context(), &going, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	waiting := f.queue(f.tenant("y"), "schedule")
	if outcomes, err := f.drain(t.Context()); err != nil || len(outcomes) != 0 {
		t.Errorf("outcomes %+v, error %v", outcomes, err)
	}
	f.Host = "other"
	if outcomes, err := f.drain(t.Context()); err != nil || len(outcomes) != 1 || outcomes[0].Run.ID != waiting.ID {
		t.Errorf("another machine: %+v, error %v", outcomes, err)
	}
}

func TestDrainHandsItsRunBackWhenItIsStopped(t *testing.T) {
	t.Parallel()
	f, g := newFixture(t), newGate()
	f.plugin.run = g.pass
	run := f.queue(f.tenant("x"), "schedule")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan []Outcome, 1)
	go func() {
		outcomes, _ := f.drain(ctx)
		done <- outcomes
	}()
	g.waitEntered(t)
	cancel()
	if outcomes := <-done; len(outcomes) != 1 || outcomes[0].Run.Status != store.StatusQueued {
		t.Errorf("outcomes %+v", outcomes)
	}
	f.until(run.ID, store.StatusQueued)
}
