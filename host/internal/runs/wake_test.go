package runs

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"booking/host/internal/hosttest"
	"booking/host/internal/store"
	"booking/shared/crm"
	"booking/shared/secret"
	"booking/shared/usersync"
)

// inVirtualTime runs a test whose clock stands still while anybody computes or the
// database works, and leaps to the next timer otherwise. What it says about time is
// exact on any machine. The database has been made outside.
func inVirtualTime(t *testing.T, f *fixture, test func(t *testing.T, open func() *store.Store, sent *hosttest.Statements)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sent := &hosttest.Statements{}
		open := func() *store.Store {
			db, err := usersync.OpenDB(secret.New(f.dsn))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			return store.New(db.WithQueryHook(sent))
		}
		test(t, open, sent)
	})
}

// host is a further service on the fixture's database.
func (f *fixture) host(s *store.Store, name string) *Service {
	return &Service{Store: s, Box: f.Box, Plugins: f.plugin, Log: f.Log, Lease: f.Lease, Host: name, Locale: "en"}
}

// began makes the plugin tell when a run begins, and end it at once.
func (f *fixture) began() chan time.Time {
	at := make(chan time.Time, 16)
	f.plugin.run = func(context.Context, crm.SyncRequest, crm.Events) (crm.SyncResult, error) {
		at <- time.Now()
		return crm.SyncResult{}, nil
	}
	return at
}

func TestAPressStartsItsRunWithin200Milliseconds(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	tenants := []int64{f.tenant("a"), f.tenant("b"), f.tenant("c")}
	inVirtualTime(t, f, func(t *testing.T, open func() *store.Store, _ *hosttest.Statements) {
		began := f.began()
		here := f.host(open(), "here")
		ctx, cancel := context.WithCancel(t.Context())
		var working sync.WaitGroup
		working.Go(func() { here.Work(ctx) })
		ask := map[string]func() error{
			"a button": func() error {
				_, err := here.Queue(ctx, Request{TenantID: tenants[0], Mode: crm.ModeApply, Trigger: "button"})
				return err
			},
			"an API call": func() error {
				_, err := here.Queue(ctx, Request{TenantID: tenants[1], Mode: crm.ModePerson, PersonID: "7", Trigger: "api"})
				return err
			},
			"a slot": func() error {
				_, err := here.QueueSlots(ctx, []store.DueSlot{{Slot: store.Slot{TenantID: tenants[2], Task: store.TaskSyncUsers, At: time.Now()}, Plugin: "scripted", Portal: "p"}})
				return err
			},
		}
		for name, asks := range ask {
			time.Sleep(LookPause / 3) // between two looks, in virtual time
			asked := time.Now()
			if err := asks(); err != nil {
				t.Fatal(err)
			}
			if took := (<-began).Sub(asked); took > 200*time.Millisecond {
				t.Errorf("%s: its run started %s later", name, took)
			}
		}
		cancel()
		working.Wait()
	})
}

func TestAPressStartsItsRunOnAnotherHostWithin2Seconds(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	tenant := f.tenant("a")
	inVirtualTime(t, f, func(t *testing.T, open func() *store.Store, _ *hosttest.Statements) {
		began := f.began()
		pages, worker := f.host(open(), "pages"), f.host(open(), "worker")
		ctx, cancel := context.WithCancel(t.Context())
		var working sync.WaitGroup
		working.Go(func() { worker.Work(ctx) })
		for i := range 10 { // at ten moments between two looks
			time.Sleep(time.Duration(i)*LookPause/10 + time.Millisecond)
			asked := time.Now()
			if _, err := pages.Queue(ctx, Request{TenantID: tenant, Mode: crm.ModePerson, PersonID: fmt.Sprint(i + 1), Trigger: "button"}); err != nil {
				t.Fatal(err)
			}
			if took := (<-began).Sub(asked); took > 2*time.Second {
				t.Errorf("it started %s later", took)
			}
		}
		cancel()
		working.Wait()
	})
}

func TestAPlaceThatIsFreeAgainIsUsedAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var tenants []int64
	for range 6 {
		tenants = append(tenants, f.tenant("x"))
	}
	inVirtualTime(t, f, func(t *testing.T, open func() *store.Store, _ *hosttest.Statements) {
		began := f.began()
		here := f.host(open(), "here")
		here.Limits.Runs = 1
		ctx, cancel := context.WithCancel(t.Context())
		var working sync.WaitGroup
		working.Go(func() { here.Work(ctx) })
		start := time.Now()
		for _, tenant := range tenants {
			if _, err := here.Queue(ctx, Request{TenantID: tenant, Mode: crm.ModeApply, Trigger: "button"}); err != nil {
				t.Fatal(err)
			}
		}
		for range tenants {
			<-began
		}
		if took := time.Since(start); took > 200*time.Millisecond {
			t.Errorf("six runs, one after the other, took %s", took)
		}
		cancel()
		working.Wait()
	})
}

func TestAnIdleWorkerSendsOneStatementALook(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	inVirtualTime(t, f, func(t *testing.T, open func() *store.Store, sent *hosttest.Statements) {
		here := f.host(open(), "here")
		ctx, cancel := context.WithCancel(t.Context())
		var working sync.WaitGroup
		working.Go(func() { here.Work(ctx) })
		time.Sleep(time.Hour)
		cancel()
		working.Wait()
		statements := sent.Take()
		if looks := int(time.Hour / LookPause); len(statements) < looks || len(statements) > looks+2 {
			t.Errorf("%d statements in %d looks", len(statements), looks)
		}
		for _, statement := range statements {
			if !strings.Contains(statement, "queue_at") {
				t.Errorf("an idle worker asks %s", statement)
			}
		}
	})
}
