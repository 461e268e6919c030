package runs

import (
	"context"
	"testing"
	"time"

	"booking/host/internal/store"
	"booking/shared/crm"
)

// A plugin whose stream has no end is given up at the limit, and the tenant is free.
func TestARunWithoutEndIsGivenUp(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Limit = 50 * time.Millisecond
	f.plugin.run = func(ctx context.Context, _ crm.SyncRequest, events crm.Events) (crm.SyncResult, error) {
		for ctx.Err() == nil {
			if err := events.Progress(crm.Progress{Stage: crm.StageReading}); err != nil {
				return crm.SyncResult{}, err
			}
			time.Sleep(time.Millisecond)
		}
		return crm.SyncResult{}, ctx.Err()
	}
	tenant := f.tenant("x")
	for range 2 {
		if run := f.sync(t.Context(), tenant).Run; run.Status != store.StatusFailed || run.ErrorCode != crm.CodePluginLost {
			t.Errorf("%+v", run)
		}
	}
}

// A result that counts people the plugin never told of is not believed, whatever
// it counts.
func TestAResultThatContradictsTheChangesFails(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	tenant := f.tenant("x")
	for name, counts := range map[string]crm.Counts{
		"created": {Fetched: 1, Created: 1}, "updated": {Fetched: 1, Updated: 1}, "skipped": {Fetched: 1, Skipped: 1},
		"conflicts": {Fetched: 1, Conflicts: 1}, "deactivated": {Deactivated: 1},
	} {
		f.plugin.run = func(context.Context, crm.SyncRequest, crm.Events) (crm.SyncResult, error) {
			return crm.SyncResult{Counts: counts}, nil
		}
		if run := f.sync(t.Context(), tenant).Run; run.Status != store.StatusFailed || run.ErrorCode != crm.CodePluginAnswer {
			t.Errorf("%s: %+v", name, run)
		}
	}
}
