package runs

import (
	"context"
	"testing"
	"time"

	"booking/host/internal/store"
	"booking/shared/crm"
)

// dueNow makes the time of the tenant's retry come and returns it.
func (f *fixture) dueNow(tenant int64) store.Run {
	f.t.Helper()
	var retry store.Run
	f.wait("a retry is queued", func() bool {
		err := f.Store.DB().NewSelect().Model(&retry).Where("tenant_id = ? AND retry > 0", tenant).OrderExpr("id DESC").Limit(1).Scan(f.t.Context())
		return err == nil
	})
	_, err := f.Store.DB().Exec("UPDATE crm_runs SET queue_at = queue_at - INTERVAL 2 HOUR, not_before = not_before - INTERVAL 2 HOUR WHERE id = ?", retry.ID)
	if err != nil {
		f.t.Fatal(err)
	}
	return retry
}

func (f *fixture) fails(code crm.Code, retryAt time.Time) {
	f.plugin.run = func(context.Context, crm.SyncRequest, crm.Events) (crm.SyncResult, error) {
		return crm.SyncResult{}, &crm.Error{Code: code, Message: crm.Text{RU: "беда", EN: "trouble"}, RetryAt: retryAt}
	}
}

func TestAFailedRunIsTriedAgainByItself(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.fails(crm.CodePortalUnreachable, time.Time{})
	tenant := f.tenant("x")
	run := f.queue(tenant, "schedule")
	stop := f.work(1)
	f.until(run.ID, store.StatusFailed)
	stop()
	retry := f.dueNow(tenant)
	f.plugin.run = func(context.Context, crm.SyncRequest, crm.Events) (crm.SyncResult, error) {
		return crm.SyncResult{}, nil
	}
	f.work(1)
	if end := f.until(retry.ID, store.StatusSucceeded); end.RetryOf != run.ID || end.Retry != 1 || end.Trigger != "schedule" {
		t.Errorf("%+v", end)
	}
}

// A node of a cluster that is behind shows a host an old row: the host believes its lease
// lost, stops, and still is the one who may write the run's end. That passes by itself.
func TestARunWhoseLeaseOnlySeemedLostIsTriedAgain(t *testing.T) {
	t.Parallel()
	f, g := newFixture(t), newGate()
	f.Lease = 3 * time.Second
	back := func(sign string) {
		if _, err := f.Store.DB().Exec("UPDATE crm_runs SET fence = fence " + sign + " 1 WHERE status = 'running'"); err != nil {
			t.Error(err)
		}
	}
	f.plugin.run = func(ctx context.Context, r crm.SyncRequest, e crm.Events) (crm.SyncResult, error) {
		result, err := g.pass(ctx, r, e)
		back("-") // before the end is written
		return result, err
	}
	tenant := f.tenant("x")
	run := f.queue(tenant, "schedule")
	stop := f.work(1)
	g.waitEntered(t)
	back("+")
	if end := f.until(run.ID, store.StatusFailed); end.ErrorCode != crm.CodeDatabase {
		t.Errorf("%s %s", end.ErrorCode, end.ErrorEN)
	}
	stop()
	if retry := f.dueNow(tenant); retry.RetryOf != run.ID {
		t.Errorf("%+v", retry)
	}
}

func TestARetryIsDroppedWhenThereWasAGoodRun(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.fails(crm.CodePluginLost, time.Time{})
	tenant := f.tenant("x")
	run := f.queue(tenant, "schedule")
	stop := f.work(1)
	f.until(run.ID, store.StatusFailed)
	stop()
	calls := 0
	f.plugin.run = func(context.Context, crm.SyncRequest, crm.Events) (crm.SyncResult, error) {
		calls++
		return crm.SyncResult{}, nil
	}
	f.sync(t.Context(), tenant) // by hand, in the foreground
	retry := f.dueNow(tenant)
	f.work(1)
	f.until(retry.ID, store.StatusCancelled)
	if calls != 1 {
		t.Errorf("the plugin was asked %d times", calls)
	}
}

func TestThePortalsOwnTimeReachesTheRetry(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.fails(crm.CodeRateLimited, time.Now().Add(3*time.Hour))
	tenant := f.tenant("x")
	run := f.queue(tenant, "button")
	f.work(1)
	failed := f.until(run.ID, store.StatusFailed)
	retry := f.dueNow(tenant)
	if wait := retry.NotBefore.Sub(failed.FinishedAt); wait < 170*time.Minute || wait > 181*time.Minute {
		t.Errorf("the retry comes after %s", wait)
	}
}
