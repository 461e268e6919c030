package store

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"booking/shared/crm"
)

func TestTwoPressesInTheSameInstantQueueOneRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	kinds := []Run{
		{Mode: crm.ModeApply}, {Mode: crm.ModePreview}, {Mode: crm.ModePerson, PersonID: "7"},
		{Mode: crm.ModePerson, PersonID: "8"}, {Mode: crm.ModeApply, PlanID: 55, PlanHash: "abc"}, {Mode: crm.ModeApply, PlanID: 56, PlanHash: "abd"},
	}
	const tenants, presses = 4, 8
	var mu sync.Mutex
	ids := map[string]map[int64]bool{}
	fresh := 0
	var together sync.WaitGroup
	for range presses {
		for tenant := range int64(tenants) {
			for _, kind := range kinds {
				together.Go(func() {
					run := kind
					run.TenantID, run.Plugin, run.Trigger = tenant+1, "acme", "button"
					joined, err := b.EnqueueRun(b.ctx, &run)
					if err != nil {
						t.Errorf("press: %v", err)
						return
					}
					mu.Lock()
					defer mu.Unlock()
					key := run.queueKey()
					if ids[key] == nil {
						ids[key] = map[int64]bool{}
					}
					ids[key][run.ID] = true
					if !joined {
						fresh++
					}
				})
			}
		}
	}
	together.Wait()
	if n := b.number(t, "SELECT COUNT(*) FROM crm_runs"); n != tenants*len(kinds) || fresh != n {
		t.Errorf("%d runs for %d kinds, %d presses were the first", n, tenants*len(kinds), fresh)
	}
	for key, runs := range ids {
		if len(runs) != 1 {
			t.Errorf("%s: the presses were told of %d runs", key, len(runs))
		}
	}
}

func TestPressesAndSlotsInTheSameInstantQueueOneRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const tenants = 30
	var due []DueSlot
	for tenant := range int64(tenants) {
		due = append(due, DueSlot{Slot: Slot{TenantID: tenant + 1, Task: TaskSyncUsers, At: slotTime}, Plugin: "acme", Portal: "portal.example"})
	}
	var together sync.WaitGroup
	for range 3 {
		together.Go(func() {
			if _, err := b.StartSlots(b.ctx, due); err != nil {
				t.Errorf("start slots: %v", err)
			}
		})
	}
	for tenant := range int64(tenants) {
		together.Go(func() {
			run := Run{TenantID: tenant + 1, Plugin: "acme", Mode: crm.ModeApply, Trigger: "button"}
			if _, err := b.EnqueueRun(b.ctx, &run); err != nil {
				t.Errorf("press: %v", err)
			}
		})
	}
	together.Wait()
	for query, want := range map[string]int{
		"SELECT COUNT(*) FROM crm_slots":                                                                          tenants,
		"SELECT COUNT(*) FROM crm_runs WHERE status = 'queued'":                                                   tenants,
		"SELECT COUNT(*) FROM crm_runs WHERE status <> 'queued'":                                                  0,
		"SELECT COUNT(*) FROM crm_slots AS l JOIN crm_runs AS r ON r.id = l.run_id AND r.tenant_id = l.tenant_id": tenants,
	} {
		if got := b.number(t, query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
}

func TestAReservationOfADeadHostIsUsedByTheNextPress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	slot, dead := b.slotRun(t, 1)
	if err := b.insertRun(b.ctx, dead, StatusReserved); err != nil {
		t.Fatal(err)
	}
	b.exec(t, "UPDATE crm_runs SET requested_at = requested_at - INTERVAL 1 DAY")
	pressed := b.queued(t, Run{TenantID: 1})
	if pressed.ID != dead.ID || pressed.Status != StatusQueued || pressed.Trigger != "button" || time.Since(pressed.RequestedAt) > time.Hour {
		t.Errorf("the press got %+v", pressed)
	}
	// The host was only asleep: its slot takes the run that waits, or has begun meanwhile.
	b.claim(t, &pressed, "next")
	if written, err := b.insertSlots(b.ctx, "test", []Slot{{TenantID: 1, Task: slot.Task, At: slot.At, RunID: dead.ID}}, SlotStarted); err != nil || written != 1 {
		t.Fatalf("%d, error %v", written, err)
	}
	if err := b.release(b.ctx, []Slot{slot}); err != nil {
		t.Fatal(err)
	}
	if now, err := b.Run(b.ctx, dead.ID); err != nil || now.Status != StatusRunning {
		t.Errorf("the run that goes on is %s, error %v", now.Status, err)
	}
}

// turn puts a waiting run's request into the past.
func (b bundle) turn(t *testing.T, run int64, ago time.Duration) {
	t.Helper()
	b.exec(t, fmt.Sprintf("UPDATE crm_runs SET queue_at = queue_at - INTERVAL %d MICROSECOND WHERE id = ?", ago.Microseconds()), run)
}

func wantOrder(t *testing.T, got []Run, want ...Run) {
	t.Helper()
	var ids, wanted []int64
	for _, run := range got {
		ids = append(ids, run.ID)
	}
	for _, run := range want {
		wanted = append(wanted, run.ID)
	}
	if fmt.Sprint(ids) != fmt.Sprint(wanted) {
		t.Errorf("the queue is %v, want %v", ids, wanted)
	}
}

func TestPressesComeBeforeTheScheduleWhichNeverStarves(t *testing.T) {
	t.Parallel()
	b := setup(t)
	scheduled := b.queued(t, Run{TenantID: 1, Trigger: "schedule"})
	button := b.queued(t, Run{TenantID: 2, Trigger: "button"})
	cli := b.queued(t, Run{TenantID: 3, Trigger: "cli"})
	api := b.queued(t, Run{TenantID: 4, Trigger: "api"})
	event := b.queued(t, Run{TenantID: 5, Trigger: "event"})
	wantOrder(t, b.waiting(t), button, cli, api, event, scheduled)
	// It has waited for longer than presses overtake: those that come now come after it.
	b.turn(t, scheduled.ID, scheduleWaits+time.Second)
	wantOrder(t, b.waiting(t), scheduled, button, cli, api, event)
}

func TestATenantWithManyRequestsHoldsUpNobody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var greedy []Run
	for person := range 40 {
		greedy = append(greedy, b.queued(t, Run{TenantID: 1, Mode: crm.ModePerson, PersonID: fmt.Sprint(person + 1)}))
	}
	modest := b.queued(t, Run{TenantID: 2})
	waiting := b.waiting(t)
	if waiting[0].ID != greedy[0].ID || waiting[1].ID != modest.ID {
		t.Errorf("the queue begins with %d and %d", waiting[0].ID, waiting[1].ID)
	}
	// However many it asks for, each has its turn: none lies further ahead than mostShare.
	last := waiting[len(waiting)-1]
	if later := last.QueueAt.Sub(modest.QueueAt); later > mostShare {
		t.Errorf("the last one takes its turn %s after the modest tenant's", later)
	}
}

func TestAPressHurriesTheScheduledRunThatItJoins(t *testing.T) {
	t.Parallel()
	b := setup(t)
	scheduled := b.queued(t, Run{TenantID: 1, Trigger: "schedule"})
	other := b.queued(t, Run{TenantID: 2, Trigger: "schedule"})
	b.turn(t, other.ID, time.Minute)
	wantOrder(t, b.waiting(t), other, scheduled)
	if joined := b.queued(t, Run{TenantID: 1}); joined.ID != scheduled.ID {
		t.Fatalf("the press got run %d", joined.ID)
	}
	wantOrder(t, b.waiting(t), scheduled, other)
}

func TestTheDatabaseDecidesHowManyRunsAPortalHas(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, second := b.queued(t, Run{TenantID: 1}), b.queued(t, Run{TenantID: 2})
	first.Place, second.Place = "portal.example#0", "portal.example#0"
	b.claim(t, &first, "one host")
	if mine, err := b.ClaimRun(b.ctx, &second, "another", time.Hour); err != nil || mine {
		t.Fatalf("two runs have one place: %v, error %v", mine, err)
	}
	if waiting := b.waiting(t); len(waiting) != 1 || waiting[0].ID != second.ID {
		t.Errorf("waiting: %+v", waiting)
	}
	// Each way that a run can end frees it.
	for name, end := range map[string]func(Run) error{
		"finished": func(r Run) error { r.Status = StatusSucceeded; return b.FinishRun(b.ctx, &r) },
		"returned": func(r Run) error { return b.ReturnRun(b.ctx, r) },
		"settled":  func(r Run) error { b.expire(t, r.ID); return b.SettleExpired(b.ctx, r) },
	} {
		if err := end(first); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		second.Place = "portal.example#0"
		b.claim(t, &second, name)
		second.Status = StatusSucceeded
		if err := b.FinishRun(b.ctx, &second); err != nil {
			t.Fatal(err)
		}
		first, second = b.queued(t, Run{TenantID: 11}), b.queued(t, Run{TenantID: 12})
		first.Place = "portal.example#0"
		b.claim(t, &first, "one host")
	}
}

func TestARunThatComesBackIsJoinedLikeAnyOtherThatWaits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.claimed(t, 1)
	if err := b.ReturnRun(b.ctx, run); err != nil {
		t.Fatal(err)
	}
	if pressed := b.queued(t, Run{TenantID: 1}); pressed.ID != run.ID {
		t.Errorf("the press got run %d", pressed.ID)
	}
}

func TestARunComesBackThoughTheSameWaitsAlready(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.claimed(t, 1)
	pressed := b.queued(t, Run{TenantID: 1})
	if pressed.ID == run.ID {
		t.Fatal("a press joined a run that goes on")
	}
	if err := b.ReturnRun(b.ctx, run); err != nil {
		t.Fatal(err)
	}
	if waiting := b.waiting(t); len(waiting) != 2 {
		t.Fatalf("waiting: %+v", waiting)
	}
	// None of the two is lost, and both are seen.
	if active, err := b.ActiveRun(b.ctx, 1); err != nil || active.Status != StatusQueued {
		t.Errorf("%+v, error %v", active, err)
	}
	b.claim(t, &run, "next")
}

func TestARequestComesThroughTheQueueWhole(t *testing.T) {
	t.Parallel()
	b := setup(t)
	person := b.queued(t, Run{TenantID: 1, Mode: crm.ModePerson, PersonID: "7"})
	exact := b.queued(t, Run{TenantID: 2, PlanID: 55, PlanHash: "abc"})
	for _, run := range b.waiting(t) {
		b.claim(t, &run, "next")
	}
	for _, want := range []Run{person, exact} {
		got, err := b.Run(b.ctx, want.ID)
		if err != nil || got.Status != StatusRunning || got.Mode != want.Mode || got.PersonID != want.PersonID || got.PlanID != want.PlanID || got.PlanHash != want.PlanHash {
			t.Errorf("%+v, want %+v, error %v", got, want, err)
		}
	}
}

func TestACancelledRunLeavesTheQueueWithItsKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, run := range []Run{b.queued(t, Run{TenantID: 1}), b.queued(t, Run{TenantID: 1, Mode: crm.ModePerson, PersonID: "7"})} {
		if err := b.RequestCancel(b.ctx, run.ID); err != nil {
			t.Fatal(err)
		}
		if now, err := b.Run(b.ctx, run.ID); err != nil || now.Status != StatusCancelled {
			t.Errorf("%s, error %v", now.Status, err)
		}
	}
	if n := b.number(t, "SELECT COUNT(*) FROM crm_runs WHERE queue_key IS NOT NULL"); n != 0 {
		t.Errorf("%d keys are left", n)
	}
}

func TestAClaimOfManyLeavesOutWhatItCannotHave(t *testing.T) {
	t.Parallel()
	b := setup(t)
	busy, overtaken, moved, free := b.queued(t, Run{TenantID: 1}), b.queued(t, Run{TenantID: 2}), b.queued(t, Run{TenantID: 3}), b.queued(t, Run{TenantID: 4})
	going := Run{TenantID: 1, Plugin: "acme", Mode: crm.ModeApply, Trigger: "cli"}
	if err := b.StartRun(b.ctx, &going, time.Hour); err != nil {
		t.Fatal(err)
	}
	faster := overtaken
	b.claim(t, &faster, "faster")
	again := moved // claimed and handed back since the others read it
	b.claim(t, &again, "faster")
	if err := b.ReturnRun(b.ctx, again); err != nil {
		t.Fatal(err)
	}
	claimed, err := b.ClaimRuns(b.ctx, []Run{busy, overtaken, moved, free}, "host", time.Hour)
	if err != nil || len(claimed) != 1 || claimed[0].ID != free.ID || claimed[0].Status != StatusRunning || claimed[0].Host != "host" || claimed[0].Attempt != 1 {
		t.Errorf("%+v, error %v", claimed, err)
	}
	if waiting := b.waiting(t); len(waiting) != 2 {
		t.Errorf("waiting: %+v", waiting)
	}
}

func TestHostsThatShareANameDoNotShareARun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for tenant := range int64(20) {
		b.queued(t, Run{TenantID: tenant + 1})
	}
	waiting := b.waiting(t)
	var mu sync.Mutex
	times := map[int64]int{}
	var hosts sync.WaitGroup
	for range 6 {
		hosts.Go(func() {
			claimed, err := b.ClaimRuns(b.ctx, waiting, "container:1", time.Hour)
			if err != nil {
				t.Errorf("claim: %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, run := range claimed {
				times[run.ID]++
			}
		})
	}
	hosts.Wait()
	for _, run := range waiting {
		if times[run.ID] != 1 {
			t.Errorf("run %d was claimed %d times", run.ID, times[run.ID])
		}
	}
}

func TestWhatOnlyThisReleaseCarriesOutIsListedAsQueued(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tenant := b.tenant(t, "x").ID
	person := b.queued(t, Run{TenantID: tenant, Mode: crm.ModePerson, PersonID: "7"})
	failed := b.claimed(t, tenant)
	b.fail(t, &failed, crm.CodePortalUnreachable)
	page, err := b.RunPage(b.ctx, RunFilter{TenantID: tenant, Status: StatusQueued, Limit: 10})
	if err != nil || len(page) != 2 || page[1].ID != person.ID || page[0].RetryOf != failed.ID || page[0].Status != StatusQueued {
		t.Errorf("%+v, error %v", page, err)
	}
	// The retry waits for its time, and nobody waits for it.
	if totals, err := b.HealthTotals(b.ctx); err != nil || totals.Queued != 1 {
		t.Errorf("%d wait, error %v", totals.Queued, err)
	}
	if active, err := b.ActiveRun(b.ctx, tenant); err != nil || active.ID != person.ID {
		t.Errorf("%+v, error %v", active, err)
	}
}
