package runs

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"booking/host/internal/store"
	"booking/shared/crm"
)

func TestOneRunPerTenantAtATime(t *testing.T) {
	t.Parallel()
	f, g := newFixture(t), newGate()
	f.plugin.run = g.pass
	busy, other := f.tenant("busy"), f.tenant("other")
	first := make(chan Outcome, 1)
	go func() { first <- f.sync(t.Context(), busy) }()
	g.waitEntered(t)
	second := f.sync(t.Context(), busy)
	if second.Run.ErrorCode != crm.CodeBusy || second.BusyWith == 0 {
		t.Errorf("the second run of the tenant: %+v", second)
	}
	done := make(chan Outcome, 1)
	go func() { done <- f.sync(t.Context(), other) }()
	g.waitEntered(t) // another tenant's run goes on beside it
	close(g.open)
	for _, outcome := range []Outcome{<-first, <-done} {
		if outcome.Run.Status != store.StatusSucceeded {
			t.Errorf("status %s (%s)", outcome.Run.Status, outcome.Message.EN)
		}
	}
}

func TestAResultThatContradictsTheChangesFailsTheRun(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.plugin.run = func(_ context.Context, _ crm.SyncRequest, events crm.Events) (crm.SyncResult, error) {
		return crm.SyncResult{Counts: crm.Counts{Fetched: 2, Created: 2}}, events.Changes([]crm.Change{{ExternalID: "1", Action: crm.ActionCreated}})
	}
	outcome := f.sync(t.Context(), f.tenant("lied to"))
	if outcome.Run.Status != store.StatusFailed || outcome.Run.ErrorCode != crm.CodePluginAnswer {
		t.Errorf("status %s, code %s", outcome.Run.Status, outcome.Run.ErrorCode)
	}
}

func TestACauseNeverReachesTheRow(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.plugin.run = func(context.Context, crm.SyncRequest, crm.Events) (crm.SyncResult, error) {
		return crm.SyncResult{}, errors.New("https://portal.example/rest/1/s3cr3t/")
	}
	outcome := f.sync(t.Context(), f.tenant("x"))
	if outcome.Run.ErrorCode != crm.CodeInternal || strings.Contains(outcome.Run.ErrorEN+outcome.Run.ErrorRU, "s3cr3t") {
		t.Errorf("the row says %s %q", outcome.Run.ErrorCode, outcome.Run.ErrorEN)
	}
}

func TestALostLeaseStopsTheRun(t *testing.T) {
	t.Parallel()
	f, g := newFixture(t), newGate()
	f.Lease = 2 * time.Second
	f.plugin.run = g.pass
	tenant := f.tenant("stolen")
	done := make(chan Outcome, 1)
	go func() { done <- f.sync(t.Context(), tenant) }()
	g.waitEntered(t)
	if _, err := f.Store.DB().Exec("UPDATE crm_runs SET fence = fence + 1, status = 'interrupted', active_tenant = NULL WHERE tenant_id = ?", tenant); err != nil {
		t.Fatal(err)
	}
	select {
	case outcome := <-done:
		if outcome.Run.Status != store.StatusInterrupted {
			t.Errorf("the row says %s; it belongs to whoever ended it", outcome.Run.Status)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the run goes on without its lease")
	}
}

func TestAnExpiredLeaseIsInterruptedAndCountedFromItsHistory(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.plugin.run = func(context.Context, crm.SyncRequest, crm.Events) (crm.SyncResult, error) {
		return crm.SyncResult{}, nil
	}
	tenant := f.tenant("left behind")
	dead := store.Run{TenantID: tenant, Plugin: "scripted", Mode: crm.ModeApply, Trigger: "cli", Host: "dead"}
	if err := f.Store.StartRun(t.Context(), &dead, time.Hour); err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{
		"INSERT INTO crm_changes (run_id, tenant_id, external_id, action, created_at) VALUES (?, ?, '7', 'created', UTC_TIMESTAMP(6))",
		"UPDATE crm_runs SET lease_until = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND WHERE id = ? AND tenant_id = ?",
	} {
		if outcome := f.sync(t.Context(), tenant); outcome.Run.ErrorCode != crm.CodeBusy {
			t.Fatalf("before the lease ran out: %s", outcome.Run.Status)
		}
		if _, err := f.Store.DB().Exec(query, dead.ID, tenant); err != nil {
			t.Fatal(err)
		}
	}
	if outcome := f.sync(t.Context(), tenant); outcome.Run.Status != store.StatusSucceeded {
		t.Errorf("after the lease ran out: %s %s", outcome.Run.Status, outcome.Message.EN)
	}
	if row := f.until(dead.ID, store.StatusInterrupted); row.Created != 1 || row.FinishedAt.IsZero() {
		t.Errorf("the interrupted run: %+v", row)
	}
}

func TestCancelSaysWhatWasWritten(t *testing.T) {
	t.Parallel()
	f, g := newFixture(t), newGate()
	tenant := f.tenant("cancelled")
	f.plugin.run = func(ctx context.Context, r crm.SyncRequest, events crm.Events) (crm.SyncResult, error) {
		_, err := f.Store.DB().Exec("INSERT INTO crm_changes (run_id, tenant_id, external_id, action, created_at) VALUES (?, ?, '7', 'updated', UTC_TIMESTAMP(6))", r.RunID, tenant)
		if err != nil {
			return crm.SyncResult{}, err
		}
		return g.pass(ctx, r, events)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan Outcome, 1)
	go func() { done <- f.sync(ctx, tenant) }()
	g.waitEntered(t)
	cancel()
	if outcome := <-done; outcome.Run.Status != store.StatusCancelled || outcome.Run.Updated != 1 {
		t.Errorf("status %s, updated %d", outcome.Run.Status, outcome.Run.Updated)
	}
}

func TestLinksOfAnotherPortalStopTheRun(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	called := 0
	f.plugin.run = func(context.Context, crm.SyncRequest, crm.Events) (crm.SyncResult, error) {
		called++
		return crm.SyncResult{}, nil
	}
	tenant := f.tenant("moved")
	f.sync(t.Context(), tenant)
	if _, err := f.Store.DB().Exec("INSERT INTO users (tenant_id, name, email, password, bitrix24_user_id) VALUES (?, 'A', 'a@x', '-', '7')", tenant); err != nil {
		t.Fatal(err)
	}
	move := func(change func(*store.ConnectionEdit)) {
		_, err := f.Store.EditConnection(t.Context(), f.Box, tenant, func(e *store.ConnectionEdit) error {
			e.Portal = "other.example"
			change(e)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	move(func(*store.ConnectionEdit) {})
	if outcome := f.sync(t.Context(), tenant); outcome.Run.ErrorCode != crm.CodePortalChanged || called != 1 {
		t.Errorf("code %s after %d calls", outcome.Run.ErrorCode, called)
	}
	move(func(e *store.ConnectionEdit) { e.LinksPortal = e.Portal })
	if outcome := f.sync(t.Context(), tenant); outcome.Run.Status != store.StatusSucceeded || called != 2 {
		t.Errorf("links kept: %s after %d calls", outcome.Run.Status, called)
	}
}
