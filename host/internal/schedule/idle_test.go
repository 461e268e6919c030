package schedule

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"booking/host/internal/hosttest"
	"booking/host/internal/runs"
	"booking/host/internal/store"
	"booking/shared/secret"
	"booking/shared/usersync"
)

// TestAnIdleHostCostsAtMostOneStatementASecond counts what a host that serves sends in an
// hour of virtual time: its clock leaps whenever nobody is at work.
func TestAnIdleHostCostsAtMostOneStatementASecond(t *testing.T) {
	t.Parallel()
	l := newLab(t, evening)
	l.connect(10_000)
	synctest.Test(t, func(t *testing.T) {
		plain, err := usersync.OpenDB(secret.New(l.dsn))
		if err != nil {
			t.Fatal(err)
		}
		defer plain.Close()
		sent := &hosttest.Statements{}
		host := &lab{t: t, store: store.New(plain.WithQueryHook(sent))}
		scheduler := host.scheduler(0)
		scheduler.Clock = time.Now
		service := &runs.Service{Store: host.store, Log: scheduler.Log, Lease: 30 * time.Second, Host: "idle"}
		scheduler.Queue = service
		ctx, cancel := context.WithCancel(t.Context())
		var working sync.WaitGroup
		working.Go(func() { scheduler.Run(ctx) })
		working.Go(func() { service.Work(ctx) })
		time.Sleep(time.Minute) // in which it plans the ten thousand
		sent.Take()
		time.Sleep(time.Hour)
		statements := sent.Take()
		cancel()
		working.Wait()
		if len(statements) > 3600 || len(statements) < 3000 {
			t.Errorf("%d statements in an hour", len(statements))
		}
	})
	if n := l.count("SELECT COUNT(*) FROM crm_schedules WHERE next_at IS NOT NULL"); n != 10_000 {
		t.Errorf("%d tenants are planned", n)
	}
}

func TestASlotThatFallsDueBetweenTwoLooksIsNotLate(t *testing.T) {
	t.Parallel()
	l := newLab(t, evening)
	l.connect(2)
	s := l.scheduler(0)
	for tenant, rule := range []string{"daily 18:30", "hourly"} {
		l.set(s, store.Schedule{TenantID: int64(tenant + 1), Rule: rule})
	}
	l.exec("UPDATE crm_schedules SET slot_at = ?, next_at = ? WHERE tenant_id = 1", evening.Add(3*time.Second), evening.Add(3*time.Second))
	l.exec("UPDATE crm_schedules SET slot_at = ?, next_at = ? WHERE tenant_id = 2", evening, evening)
	next, err := s.tick(t.Context())
	if err != nil || !next.Equal(evening.Add(3*time.Second)) {
		t.Errorf("it looks again at %s, error %v", next, err)
	}
	if l.slots(1) != nil || len(l.slots(2)) != 1 {
		t.Errorf("started: %v and %v", l.slots(1), l.slots(2))
	}
	l.advance(time.Minute)
	if next, err := s.tick(t.Context()); err != nil || !next.Equal(l.now.Add(LookPause)) {
		t.Errorf("with nothing in sight it looks again at %s, error %v", next, err)
	}
}

func TestARowThatSomebodyHoldsIsNobodyElsesBusiness(t *testing.T) {
	t.Parallel()
	l := newLab(t, evening)
	l.connect(3)
	s := l.scheduler(0)
	for tenant := range int64(3) {
		l.set(s, store.Schedule{TenantID: tenant + 1, Rule: "hourly"})
	}
	l.advance(80 * time.Minute)
	held := errors.New("let go")
	err := l.store.DB().RunInTx(t.Context(), nil, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.ExecContext(ctx, "SELECT * FROM crm_schedules WHERE tenant_id = 2 FOR UPDATE"); err != nil {
			return err
		}
		if err := s.Tick(ctx); err == nil {
			t.Error("the row that is held was moved on")
		}
		return held
	})
	if !errors.Is(err, held) {
		t.Fatal(err)
	}
	moved := l.count("SELECT COUNT(*) FROM crm_schedules WHERE next_at > '2026-11-23 16:10:00'")
	if moved != 2 || len(l.slots(1)) != 1 || len(l.slots(3)) != 1 {
		t.Errorf("%d schedules moved on, slots %v, %v", moved, l.slots(1), l.slots(3))
	}
	l.tick(s)
	if diff := cmp.Diff([]string{"11-23 19:00 started"}, l.slots(2)); diff != "" {
		t.Errorf("the next time (-want +got):\n%s", diff)
	}
	if n := l.count("SELECT COUNT(*) FROM crm_runs"); n != 3 {
		t.Errorf("%d runs", n)
	}
}

func TestManySlotsOfManyTenantsAreStartedInBatches(t *testing.T) {
	t.Parallel()
	const tenants = 3*batch + 7
	l := newLab(t, evening)
	l.connect(tenants)
	hosts := []*Scheduler{l.scheduler(0), l.scheduler(time.Minute), l.scheduler(-time.Minute)}
	l.tick(hosts[0])
	l.exec("UPDATE crm_schedules SET slot_at = ?, next_at = ?", evening.Add(-time.Hour), evening.Add(-time.Hour))
	l.sent.Take()
	var together sync.WaitGroup
	for _, host := range hosts {
		together.Go(func() {
			if err := host.Tick(t.Context()); err != nil {
				t.Errorf("tick: %v", err)
			}
		})
	}
	together.Wait()
	if sent := len(l.sent.Take()); sent > 3*4*12 {
		t.Errorf("%d statements for %d slots on three hosts", sent, tenants)
	}
	for query, want := range map[string]int{
		"SELECT COUNT(*) FROM crm_slots WHERE status = 'started'": tenants,
		"SELECT COUNT(*) FROM crm_runs WHERE status = 'queued'":   tenants,
		"SELECT COUNT(DISTINCT run_id) FROM crm_slots":            tenants,
	} {
		if got := l.count(query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
}
