package runs

import (
	"context"
	"sync"
	"testing"
	"time"

	"booking/host/internal/store"
	"booking/shared/crm"
)

// waitAtPortal makes the runs of one tenant say what waits says, and then wait until they
// are let go; those of the others end at once.
func (f *fixture) waitAtPortal(tenant int64, waits func(crm.Events) error) (letGo func()) {
	open := make(chan struct{})
	f.plugin.run = func(ctx context.Context, r crm.SyncRequest, events crm.Events) (crm.SyncResult, error) {
		if r.Tenant.ID != tenant {
			return crm.SyncResult{}, nil
		}
		if err := waits(events); err != nil {
			return crm.SyncResult{}, err
		}
		select {
		case <-open:
			return crm.SyncResult{}, nil
		case <-ctx.Done():
			return crm.SyncResult{}, ctx.Err()
		}
	}
	return func() { close(open) }
}

func TestARunThatWaitsForAPortalHoldsUpNobody(t *testing.T) {
	t.Parallel()
	for name, waits := range map[string]func(crm.Events) error{
		"its limit": func(e crm.Events) error {
			return e.Progress(crm.Progress{Stage: crm.StageReading, LimitedUntil: time.Now().Add(15 * time.Minute)})
		},
		"a portal that hangs": func(crm.Events) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.Limits.Runs = 1 // and yet
			if name != "its limit" {
				f.Silence = time.Millisecond
			}
			slow := f.tenant("slow")
			letGo := f.waitAtPortal(slow, waits)
			waiting := f.queue(slow, "button")
			f.work(1)
			f.until(waiting.ID, store.StatusRunning)
			for range 3 {
				f.until(f.queue(f.tenant("other"), "schedule").ID, store.StatusSucceeded)
			}
			f.until(waiting.ID, store.StatusRunning)
			letGo()
			f.until(waiting.ID, store.StatusSucceeded)
		})
	}
}

// The queue's head is a hundred runs of one portal. It has its share on all hosts
// together, and everybody behind them is served meanwhile.
func TestAPortalHasItsShareOnAllHostsAndHoldsUpNobody(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var mu sync.Mutex
	going, most := 0, 0
	open := make(chan struct{})
	f.plugin.run = func(ctx context.Context, r crm.SyncRequest, _ crm.Events) (crm.SyncResult, error) {
		if r.Settings.Get("crowded") == "" {
			return crm.SyncResult{}, nil
		}
		mu.Lock()
		going++
		most = max(most, going)
		mu.Unlock()
		defer func() { mu.Lock(); going--; mu.Unlock() }()
		select {
		case <-open:
			return crm.SyncResult{}, nil
		case <-ctx.Done():
			return crm.SyncResult{}, ctx.Err()
		}
	}
	var crowd []store.Run
	for range 100 {
		tenant := f.tenant("crowded")
		f.at(tenant, "crowded.example", map[string]string{"crowded": "yes"})
		crowd = append(crowd, f.queue(tenant, "button"))
	}
	other := f.host(f.Store, "other")
	f.Limits, other.Limits = Limits{Runs: 8, PerPortal: 2}, Limits{Runs: 8, PerPortal: 2}
	behind := f.tenant("behind")
	last := f.queue(behind, "schedule")
	ctx, cancel := context.WithCancel(t.Context())
	var working sync.WaitGroup
	for _, host := range []*Service{f.Service, other} {
		working.Go(func() { host.Work(ctx) })
	}
	f.until(last.ID, store.StatusSucceeded)
	f.wait("the crowd has its share", func() bool { mu.Lock(); defer mu.Unlock(); return going == 2 })
	if n := f.number("SELECT COUNT(*) FROM crm_runs WHERE status = 'succeeded'"); n != 1 {
		t.Errorf("%d runs are done; the crowd waits at the gate", n)
	}
	close(open)
	for _, run := range crowd {
		f.until(run.ID, store.StatusSucceeded)
	}
	cancel()
	working.Wait()
	if most != 2 {
		t.Errorf("%d runs at once at one portal", most)
	}
	if n := f.number("SELECT COUNT(*) FROM crm_runs WHERE active_portal IS NOT NULL"); n != 0 {
		t.Errorf("%d places are still taken", n)
	}
}

func TestAPluginHasItsShareOfAHost(t *testing.T) {
	t.Parallel()
	f, g := newFixture(t), newGate()
	f.Limits = Limits{Runs: 8, PerPlugin: 2}
	f.plugin.run = g.pass
	for range 5 {
		f.queue(f.tenant("x"), "button")
	}
	f.work(1)
	for range 2 {
		g.waitEntered(t)
	}
	// A run that this host could claim would have been claimed with those two.
	if n := f.number("SELECT COUNT(*) FROM crm_runs WHERE status = 'running'"); n != 2 {
		t.Errorf("%d runs go on", n)
	}
	close(g.open)
	f.wait("all are done", func() bool { return f.number("SELECT COUNT(*) FROM crm_runs WHERE status = 'succeeded'") == 5 })
}

// at gives a tenant's connection another portal and settings.
func (f *fixture) at(tenant int64, portal string, settings map[string]string) {
	f.t.Helper()
	_, err := f.Store.EditConnection(f.t.Context(), f.Box, tenant, func(e *store.ConnectionEdit) error {
		e.Portal = portal
		for key, value := range settings {
			e.Plain[key] = value
		}
		return nil
	})
	if err != nil {
		f.t.Fatal(err)
	}
}

func TestARunWhosePortalChangedWhileItWaitedLeavesTheOldOnesPlace(t *testing.T) {
	t.Parallel()
	f, g := newFixture(t), newGate()
	f.Limits = Limits{Runs: 4, PerPortal: 1}
	f.plugin.run = g.pass
	moved, stays := f.tenant("moved"), f.tenant("stays")
	first := f.queue(moved, "button")
	f.at(moved, "new.example", nil)
	f.work(1)
	g.waitEntered(t)
	second := f.queue(stays, "button")
	g.waitEntered(t) // at the portal that the first one was queued for
	close(g.open)
	if run := f.until(first.ID, store.StatusSucceeded); run.Portal != "new.example" {
		t.Errorf("%+v", run)
	}
	f.until(second.ID, store.StatusSucceeded)
}
