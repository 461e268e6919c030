package runs

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"booking/host/internal/store"
	"booking/shared/crm"
	"booking/shared/secret"
	"booking/shared/testdb/proxy"
	"booking/shared/usersync"
)

// through is a host whose statements pass a proxy.
func (f *fixture) through(name string) (*Service, *proxy.Proxy) {
	f.t.Helper()
	target, err := mysql.ParseDSN(f.dsn)
	if err != nil {
		f.t.Fatal(err)
	}
	p := proxy.New(f.t, target)
	db, err := usersync.OpenDB(secret.New(p.Through(target)))
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = db.Close() })
	return f.host(store.New(db), name), p
}

// The database has given the run to a host, which is told to stop before it hears of it:
// the run goes back, and nobody waits for its lease.
func TestARunThatIsClaimedWhileItsHostStopsGoesBack(t *testing.T) {
	t.Parallel()
	for name, work := range map[string]func(context.Context, *Service){
		"serve": func(ctx context.Context, s *Service) { s.Work(ctx) },
		"cron": func(ctx context.Context, s *Service) {
			if err := s.Drain(ctx, func() Watcher { return nobody{} }, func(Outcome) {}); !errors.Is(err, context.Canceled) {
				t.Errorf("Drain: %v", err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.Lease = time.Hour
			f.plugin.run = func(context.Context, crm.SyncRequest, crm.Events) (crm.SyncResult, error) {
				return crm.SyncResult{}, nil
			}
			run := f.queue(f.tenant("x"), "schedule")
			host, p := f.through("stopping")
			held := p.Hold(proxy.Match{Statement: "UPDATE crm_runs AS r JOIN"}, 1, proxy.After)
			ctx, stop := context.WithCancel(t.Context())
			var working sync.WaitGroup
			working.Go(func() { work(ctx, host) })
			<-held.Reached()
			stop()
			held.GoOn()
			working.Wait()
			if now, err := f.Store.Run(t.Context(), run.ID); err != nil || now.Status != store.StatusQueued || now.Attempt != 1 {
				t.Fatalf("the run: %+v, error %v", now, err)
			}
			f.work(1)
			if end := f.until(run.ID, store.StatusSucceeded); end.Attempt != 2 || end.Host != "test" {
				t.Errorf("the end: attempt %d on %s", end.Attempt, end.Host)
			}
		})
	}
}

// The same in the foreground: the run ends as stopped, and the next one can begin.
func TestARunThatIsStoppedWhileItBeginsIsOver(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.plugin.run = newGate().pass
	tenant := f.tenant("x")
	host, p := f.through("stopping")
	host.Lease = time.Hour
	held := p.Hold(proxy.Match{Statement: "INSERT INTO crm_runs"}, 1, proxy.After)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan Outcome, 1)
	go func() {
		outcome, err := host.Sync(ctx, Request{TenantID: tenant, Mode: crm.ModeApply, Trigger: "cli"}, nobody{})
		if err != nil {
			t.Errorf("Sync: %v", err)
		}
		ended <- outcome
	}()
	<-held.Reached()
	stop()
	held.GoOn()
	if outcome := <-ended; outcome.Run.Status != store.StatusCancelled {
		t.Errorf("the run: %+v", outcome.Run)
	}
	if n := f.number("SELECT COUNT(*) FROM crm_runs WHERE status <> 'cancelled' OR active_tenant IS NOT NULL"); n != 0 {
		t.Error("the tenant is busy still")
	}
}

// A connection that has fallen silent does not keep a worker from its queue until the
// kernel gives it up.
func TestALookThatIsNotAnsweredIsGivenUp(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.plugin.run = func(context.Context, crm.SyncRequest, crm.Events) (crm.SyncResult, error) {
		return crm.SyncResult{}, nil
	}
	run := f.queue(f.tenant("x"), "schedule")
	host, p := f.through("patient")
	host.Lease = time.Second
	held := p.Hold(proxy.Match{Statement: "(SELECT `r`.`id`"}, 1, proxy.Before)
	ctx, stop := context.WithCancel(t.Context())
	var working sync.WaitGroup
	working.Go(func() { host.Work(ctx) })
	<-held.Reached()
	f.until(run.ID, store.StatusSucceeded)
	held.Drop()
	stop()
	working.Wait()
}
