package runs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"booking/host/internal/store"
	"booking/shared/crm"
)

// diary writes down what an observer is told.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

func (d *diary) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	lines := d.lines
	d.lines = nil
	return lines
}

func (d *diary) RunBegan(r store.Run) { d.note("began attempt %d", r.Attempt) }
func (d *diary) RunProgress(_ store.Run, p crm.Progress) {
	d.note("%s %d of %d", p.Stage, p.Done, p.Total)
}
func (d *diary) RunLeft(_ store.Run, requests int) { d.note("left after %d requests", requests) }
func (d *diary) RunEnded(r store.Run)              { d.note("ended %s of %s", r.Status, r.Trigger) }

func TestAnObserverIsToldWhatRunsDo(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	tenant, told := f.tenant("Ромашка"), &diary{}
	f.Observer = told
	check := func(what string, want ...string) {
		t.Helper()
		if got := told.take(); !slices.Equal(got, want) {
			t.Errorf("%s: %s, want %s", what, strings.Join(got, "; "), strings.Join(want, "; "))
		}
	}
	f.plugin.run = func(_ context.Context, _ crm.SyncRequest, events crm.Events) (crm.SyncResult, error) {
		return crm.SyncResult{Requests: 5}, events.Progress(crm.Progress{Stage: crm.StageReading, Done: 1, Total: 2})
	}
	f.sync(t.Context(), tenant)
	check("a run", "began attempt 1", "reading 1 of 2", "left after 5 requests", "ended succeeded of cli")
	f.plugin.run = func(_ context.Context, _ crm.SyncRequest, events crm.Events) (crm.SyncResult, error) {
		if err := events.Progress(crm.Progress{Requests: 3}); err != nil {
			return crm.SyncResult{}, err
		}
		return crm.SyncResult{}, crm.NewError(crm.CodeUnauthorized, crm.Text{EN: "no"}, nil)
	}
	f.sync(t.Context(), tenant)
	check("one that fails", "began attempt 1", " 0 of 0", "left after 3 requests", "ended failed of cli")
	// What was never begun is no run.
	if _, err := f.Store.DB().ExecContext(t.Context(), "UPDATE tenants SET subscription_status = 'blocked'"); err != nil {
		t.Fatal(err)
	}
	f.sync(t.Context(), tenant)
	check("a refusal")
}

// A run that goes back into the queue has not ended.
func TestAnObserverIsNotToldOfAnEndThatIsNone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	tenant, told, g := f.tenant("Ромашка"), &diary{}, newGate()
	f.Observer, f.plugin.run = told, g.pass
	outcome, err := f.Queue(t.Context(), Request{TenantID: tenant, Mode: crm.ModeApply, Trigger: "api"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.Work(ctx)
	}()
	g.waitEntered(t)
	stop()
	<-done
	f.until(outcome.Run.ID, store.StatusQueued)
	if got := told.take(); !slices.Equal(got, []string{"began attempt 1", "left after 0 requests"}) {
		t.Error(strings.Join(got, "; "))
	}
}
