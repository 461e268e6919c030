package schedule

import (
	"bytes"
	"context"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"booking/host/internal/store"
)

func TestAConnectedTenantHasTheDefaultSchedule(t *testing.T) {
	t.Parallel()
	l := newLab(t, evening)
	l.connect(1)
	s := l.scheduler(0)
	for range 2 * 24 {
		l.tick(s)
		l.finishAll()
		l.advance(time.Hour)
	}
	if diff := cmp.Diff([]string{"11-24 01:00 started", "11-25 01:00 started"}, l.slots(1)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := l.count("SELECT COUNT(*) FROM crm_runs WHERE started_by = 'schedule' AND plugin = 'acme' AND portal = 'portal.example' AND mode = 'apply'"); n != 2 {
		t.Errorf("%d runs", n)
	}
}

// TestEachSlotGetsOneRunOnThreeHosts drives hundreds of slots through three hosts that
// look at the same moments with clocks minutes apart.
func TestEachSlotGetsOneRunOnThreeHosts(t *testing.T) {
	t.Parallel()
	const tenants, days = 12, 3
	l := newLab(t, evening)
	l.connect(tenants)
	hosts := []*Scheduler{l.scheduler(0), l.scheduler(4 * time.Minute), l.scheduler(-5 * time.Minute)}
	rules := []string{"hourly", "every 4h", "daily 03:30"}
	for tenant := range int64(tenants) {
		l.set(hosts[0], store.Schedule{TenantID: tenant + 1, Rule: rules[tenant%3]})
	}
	random := rand.New(rand.NewPCG(1, 2))
	for end := evening.Add(days*24*time.Hour + 30*time.Minute); l.now.Before(end); l.advance(time.Duration(5+random.IntN(10)) * time.Minute) {
		var together sync.WaitGroup
		for _, host := range hosts {
			together.Go(func() {
				if err := host.Tick(t.Context()); err != nil {
					t.Errorf("tick: %v", err)
				}
			})
		}
		together.Wait()
		l.finishAll()
	}
	want := tenants / 3 * days * (24 + 6 + 1)
	for query, want := range map[string]int{
		"SELECT COUNT(*) FROM crm_slots WHERE status = 'started'":   want,
		"SELECT COUNT(*) FROM crm_slots WHERE status = 'missed'":    0,
		"SELECT COUNT(DISTINCT run_id) FROM crm_slots":              want,
		"SELECT COUNT(*) FROM crm_runs":                             want,
		"SELECT COUNT(*) FROM crm_runs WHERE status <> 'succeeded'": 0,
	} {
		if got := l.count(query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
}

func TestOneRunCatchesUpAndTheOlderSlotsAreMissed(t *testing.T) {
	t.Parallel()
	l := newLab(t, evening)
	l.connect(1)
	s := l.scheduler(0)
	l.set(s, store.Schedule{TenantID: 1, Rule: "every 4h"})
	l.advance(15 * time.Hour) // everything is down until 09:00
	for range 3 {
		l.tick(l.scheduler(0))
	}
	want := []string{"11-23 20:00 missed", "11-24 00:00 missed", "11-24 04:00 missed", "11-24 08:00 started"}
	if diff := cmp.Diff(want, l.slots(1)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := l.count("SELECT COUNT(*) FROM crm_runs"); n != 1 {
		t.Errorf("%d runs", n)
	}
}

func TestACatchUpWaitsForTheEndOfTheQuietTime(t *testing.T) {
	t.Parallel()
	l := newLab(t, evening)
	l.connect(1)
	s := l.scheduler(0)
	l.set(s, store.Schedule{TenantID: 1, Rule: "every 2h", Quiet: "22:00-07:00"})
	l.advance(5 * time.Hour) // 23:00, inside the quiet time
	l.tick(s)
	if diff := cmp.Diff([]string(nil), l.slots(1)); diff != "" {
		t.Errorf("in the quiet time (-want +got):\n%s", diff)
	}
	l.advance(8 * time.Hour) // 07:00
	l.tick(s)
	l.finishAll()
	l.advance(time.Hour)
	l.tick(s)
	if diff := cmp.Diff([]string{"11-23 20:00 started", "11-24 08:00 started"}, l.slots(1)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAMissedSlotNeverReplacesOneThatWasStarted(t *testing.T) {
	t.Parallel()
	l := newLab(t, evening)
	l.connect(1)
	s := l.scheduler(0)
	l.set(s, store.Schedule{TenantID: 1, Rule: "hourly"})
	l.advance(time.Hour)
	before, err := l.store.DueSchedules(t.Context(), l.now, 10)
	if err != nil {
		t.Fatal(err)
	}
	l.tick(s)
	l.advance(2 * time.Hour)
	// A host that was asleep since it looked goes on two hours later.
	if err := s.startAll(t.Context(), before, l.now, func(int64) time.Duration { return 0 }); err != nil {
		t.Fatal(err)
	}
	l.tick(s)
	want := []string{"11-23 19:00 started", "11-23 20:00 missed", "11-23 21:00 started"}
	if diff := cmp.Diff(want, l.slots(1)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTenantsThatCannotRunArePassedOver(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]string{
		"connection off": "UPDATE crm_connections SET enabled = 0", "no portal": "UPDATE crm_connections SET portal = ''",
		"connection gone": "DELETE FROM crm_connections", "blocked": "UPDATE tenants SET subscription_status = 'blocked'",
		"deleted": "UPDATE tenants SET deleted_at = NOW()", "schedule off": "UPDATE crm_schedules SET enabled = 0",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, evening)
			l.connect(1)
			s := l.scheduler(0)
			l.set(s, store.Schedule{TenantID: 1, Rule: "hourly"})
			l.exec(change)
			l.advance(90 * time.Minute)
			l.tick(s)
			l.tick(s)
			if slots := l.slots(1); slots != nil {
				t.Errorf("slots %v", slots)
			}
			if due, err := l.store.DueSchedules(t.Context(), l.now, 10); err != nil || len(due) != 0 {
				t.Errorf("still due: %+v, error %v", due, err)
			}
		})
	}
}

func TestAPersonsChangeIsNotOverwrittenByAnOlderPlan(t *testing.T) {
	t.Parallel()
	l := newLab(t, evening)
	l.connect(1)
	s := l.scheduler(0)
	l.set(s, store.Schedule{TenantID: 1, Rule: "hourly"})
	l.advance(time.Hour)
	before, err := l.store.DueSchedules(t.Context(), l.now, 10)
	if err != nil {
		t.Fatal(err)
	}
	l.set(s, store.Schedule{TenantID: 1, Rule: "daily 05:00"})
	if err := s.startAll(t.Context(), before, l.now, func(int64) time.Duration { return 0 }); err != nil {
		t.Fatal(err)
	}
	row, err := l.store.Schedule(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, time.November, 24, 2, 0, 0, 0, time.UTC); row.Rule != "daily 05:00" || !row.NextAt.Equal(want) {
		t.Errorf("%+v", row)
	}
}

func TestATenantWithoutCompanyHasNoSpread(t *testing.T) {
	t.Parallel()
	l := newLab(t, evening)
	s := l.scheduler(0)
	next := func() time.Duration {
		l.tick(s)
		row, err := l.store.Schedule(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		return row.NextAt.Sub(row.SlotAt)
	}
	l.connect(1)
	if offset := next(); offset != 0 {
		t.Errorf("alone: %s after the slot", offset)
	}
	l.exec("INSERT INTO tenants (id, name) VALUES (2, 'second')")
	l.exec("INSERT INTO crm_connections (tenant_id, plugin, enabled, portal, settings, created_at, updated_at) VALUES (2, 'acme', 1, 'p', '{}', NOW(), NOW())")
	l.advance(12 * time.Hour)
	if offset := next(); offset != Offset(1, 10*time.Minute) || offset == 0 {
		t.Errorf("together: %s after the slot", offset)
	}
}

func TestAScheduleThatIsNotUnderstoodHoldsUpNobody(t *testing.T) {
	t.Parallel()
	l := newLab(t, evening)
	l.connect(2)
	s := l.scheduler(0)
	var told bytes.Buffer
	s.Log = slog.New(slog.NewTextHandler(&told, nil))
	for tenant := range int64(2) {
		l.set(s, store.Schedule{TenantID: tenant + 1, Rule: "hourly"})
	}
	l.exec("UPDATE crm_schedules SET rule = 'whenever' WHERE tenant_id = 1")
	l.advance(80 * time.Minute)
	l.tick(s)
	l.tick(s)
	if diff := cmp.Diff([]string{"11-23 19:00 started"}, l.slots(2)); diff != "" {
		t.Errorf("the other tenant (-want +got):\n%s", diff)
	}
	if n := strings.Count(told.String(), "a schedule is not understood"); n != 1 || l.slots(1) != nil {
		t.Errorf("told %d times, slots %v", n, l.slots(1))
	}
}

func TestAnIdleSchedulerSendsOneStatementHoweverManyTenants(t *testing.T) {
	t.Parallel()
	l := newLab(t, evening)
	l.connect(10_000)
	s := l.scheduler(0)
	l.tick(s)
	if n := l.count("SELECT COUNT(*) FROM crm_schedules WHERE next_at IS NOT NULL"); n != 10_000 {
		t.Fatalf("%d tenants are planned", n)
	}
	l.sent.Take()
	for range 12 { // a minute
		l.advance(LookPause)
		l.tick(s)
	}
	if sent := l.sent.Take(); len(sent) > 13 {
		t.Errorf("%d statements in a minute, the last: %s", len(sent), sent[len(sent)-1])
	}
}

func TestRunStartsWhatIsDueAndEndsWithItsContext(t *testing.T) {
	t.Parallel()
	l := newLab(t, evening)
	l.connect(1)
	s := l.scheduler(0)
	l.set(s, store.Schedule{TenantID: 1, Rule: "hourly"})
	l.advance(time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	for deadline := time.Now().Add(20 * time.Second); l.slots(1) == nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the slot that is due was not started")
		}
	}
	cancel()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("it goes on after its context has ended")
	}
}
