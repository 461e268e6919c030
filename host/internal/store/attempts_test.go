package store

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"booking/host/internal/hosttest"
	"booking/shared/crm"
)

func (b bundle) attempts(t *testing.T, run int64) []string {
	t.Helper()
	row, err := b.Run(b.ctx, run)
	if err != nil {
		t.Fatal(err)
	}
	all, err := b.Attempts(b.ctx, row)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for i, a := range all {
		lines = append(lines, a.Host+": "+a.Reason)
		if a.Attempt != i+1 || a.StartedAt.IsZero() || (a.EndedAt.IsZero() != (a.Reason == string(StatusRunning))) || a.EndedAt.Before(a.StartedAt) && !a.EndedAt.IsZero() {
			t.Errorf("attempt %+v", a)
		}
	}
	return lines
}

func TestTheHistoryShowsEveryAttempt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.claimed(t, 1)
	if got := b.attempts(t, run.ID); got != nil {
		t.Errorf("of a run with a single attempt: %v", got)
	}
	if err := b.ReturnRun(b.ctx, run); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"first: returned"}, b.attempts(t, run.ID)); diff != "" {
		t.Errorf("handed back (-want +got):\n%s", diff)
	}
	b.claim(t, &run, "second")
	if diff := cmp.Diff([]string{"first: returned", "second: running"}, b.attempts(t, run.ID)); diff != "" {
		t.Errorf("going on (-want +got):\n%s", diff)
	}
	// As if the server that knows of its start were a minute behind.
	b.exec(t, "UPDATE crm_runs SET started_at = started_at - INTERVAL 1 MINUTE WHERE id = ?", run.ID)
	b.expire(t, run.ID)
	b.claim(t, &run, "third")
	run.Status = StatusSucceeded
	if err := b.FinishRun(b.ctx, &run); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"first: returned", "second: lost", "third: succeeded"}, b.attempts(t, run.ID)); diff != "" {
		t.Errorf("at the end (-want +got):\n%s", diff)
	}
}

func TestAnOrdinaryRunPaysNothingForAttemptsAndRetries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.queued(t, Run{TenantID: 1})
	sent := &hosttest.Statements{}
	s := New(b.DB().WithQueryHook(sent))
	if mine, err := s.ClaimRun(b.ctx, &run, "host", time.Hour); err != nil || !mine {
		t.Fatalf("%v, error %v", mine, err)
	}
	run.Status = StatusSucceeded
	run.SetCounts(crm.Counts{Fetched: 1, Unchanged: 1})
	if err := s.FinishRun(b.ctx, &run); err != nil {
		t.Fatal(err)
	}
	writes := 0
	for _, statement := range sent.Take() {
		if strings.Contains(statement, "crm_run_attempts") || strings.Contains(statement, "INSERT INTO crm_runs") {
			t.Errorf("an ordinary run sends %s", statement)
		}
		if strings.HasPrefix(statement, "UPDATE crm_runs") {
			writes++
		}
	}
	if writes != 3 { // its claim, its end and its counts
		t.Errorf("the run's row was written %d times", writes)
	}
}

func TestMissedSlotsAreToldByTenant(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for tenant, hours := range map[int64]int{1: 3, 2: 1} {
		var slots []time.Time
		for hour := range hours {
			slots = append(slots, slotTime.Add(time.Duration(hour)*time.Hour))
		}
		if err := b.MissSlots(b.ctx, tenant, TaskSyncUsers, slots); err != nil {
			t.Fatal(err)
		}
	}
	slot, run := b.slotRun(t, 3)
	if _, err := b.StartSlot(b.ctx, slot, run); err != nil {
		t.Fatal(err)
	}
	want := map[int64]Missed{
		1: {TenantID: 1, Count: 2, First: slotTime.Add(time.Hour), Last: slotTime.Add(2 * time.Hour)},
	}
	since := slotTime.Add(time.Hour)
	if got, err := b.MissedSlots(b.ctx, 0, TaskSyncUsers, since); err != nil || !cmp.Equal(want, got) {
		t.Errorf("%v (error %v)", cmp.Diff(want, got), err)
	}
	if got, err := b.MissedSlots(b.ctx, 2, TaskSyncUsers, since); err != nil || len(got) != 0 {
		t.Errorf("of another tenant: %+v, error %v", got, err)
	}
}
