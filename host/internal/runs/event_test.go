package runs

import (
	"strconv"
	"testing"
	"time"

	"booking/host/internal/hosttest"
	"booking/host/internal/store"
	"booking/shared/crm"
)

// event is what becomes of an event about these people.
func (f *fixture) event(tenant int64, ids ...string) (queued int) {
	f.t.Helper()
	queued, err := f.QueuePeople(f.t.Context(), tenant, ids)
	if err != nil {
		f.t.Fatal(err)
	}
	return queued
}

func (f *fixture) exec(query string) {
	f.t.Helper()
	if _, err := f.Store.DB().Exec(query); err != nil {
		f.t.Fatal(err)
	}
}

const (
	peopleWaiting    = "SELECT COUNT(*) FROM crm_runs WHERE mode = 'person' AND started_by = 'event' AND status = 'waiting'"
	everybodyWaiting = "SELECT COUNT(*) FROM crm_runs WHERE mode = 'apply' AND started_by = 'event' AND status = 'queued'"
)

func TestAnEventQueuesARunForItsPersonOnce(t *testing.T) {
	t.Parallel()
	f, g := newFixture(t), newGate()
	f.plugin.run = g.pass
	tenant := f.tenant("x")
	if n := f.event(tenant, "7", "8"); n != 2 || f.number(peopleWaiting) != 2 {
		t.Fatalf("%d runs", n)
	}
	if n := f.event(tenant, "8"); n != 0 || f.number(peopleWaiting) != 2 {
		t.Errorf("the same again: %d more", n)
	}
	f.work(1)
	g.waitEntered(t)
	// Somebody's run has begun, and may have read already: the next event is not in it.
	if n := f.event(tenant, "7"); n != 1 {
		t.Errorf("while it goes on: %d more", n)
	}
	close(g.open)
	f.wait("all of them are done", func() bool {
		return f.number("SELECT COUNT(*) FROM crm_runs WHERE mode = 'person' AND status = 'succeeded'") == 3
	})
}

func TestEventsOfThousandsBecomeOneRunForEverybody(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	tenant, other := f.tenant("imports"), f.tenant("other")
	sent := &hosttest.Statements{}
	f.Store = store.New(f.Store.DB().WithQueryHook(sent))
	const thousands, before = 2000, peopleAMinute + 1
	for id := range before {
		f.event(tenant, strconv.Itoa(id+1))
	}
	sent.Take()
	for id := before; id < thousands; id++ {
		f.event(tenant, strconv.Itoa(id+1))
	}
	if n := len(sent.Take()); n != thousands-before {
		t.Errorf("%d statements for %d events", n, thousands-before)
	}
	if people, all := f.number(peopleWaiting), f.number(everybodyWaiting); people != peopleAMinute || all != 1 {
		t.Errorf("%d runs for one person, %d for everybody", people, all)
	}
	if n := f.number(everybodyWaiting + " AND not_before > UTC_TIMESTAMP(6) + INTERVAL 1 SECOND AND not_before < UTC_TIMESTAMP(6) + INTERVAL 31 SECOND"); n != 1 {
		t.Error("it does not wait for the rest of them")
	}
	if n := f.event(other, "7"); n != 1 {
		t.Error("another tenant's event was held up")
	}
	// A minute later people have runs of their own again.
	f.exec("UPDATE crm_runs SET requested_at = requested_at - INTERVAL 61 SECOND")
	if n := f.event(tenant, "9001"); n != 1 || f.number(peopleWaiting+" AND person_id = '9001'") != 1 {
		t.Errorf("a minute later: %d", n)
	}
	f.exec("UPDATE crm_runs SET not_before = not_before - INTERVAL 31 SECOND")
	f.began()
	f.work(1)
	f.wait("everything is done", func() bool {
		return f.number("SELECT COUNT(*) FROM crm_runs WHERE status = 'succeeded'") == peopleAMinute+3
	})
}

func TestOneMessageAboutManyIsARunForEverybody(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ids := make([]string, peopleAMinute+1)
	for i := range ids {
		ids[i] = strconv.Itoa(i + 1)
	}
	if n := f.event(f.tenant("x"), ids...); n != 1 || f.number(peopleWaiting) != 0 || f.number(everybodyWaiting) != 1 {
		t.Errorf("%d runs", n)
	}
}

// Whoever presses the button while a run gathers events need not wait for it.
func TestAPressDoesNotWaitForARunThatGathersEvents(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	tenant := f.tenant("x")
	run := store.Run{TenantID: tenant, Plugin: "scripted", Portal: "portal.example", Mode: crm.ModeApply, Trigger: store.TriggerEvent, Delay: gathering}
	if _, err := f.Store.EnqueueRun(t.Context(), &run); err != nil || !run.Postponed(time.Now().UTC()) {
		t.Fatalf("%+v, error %v", run, err)
	}
	f.event(tenant, "7") // asks for no hurry
	if now, err := f.Store.Run(t.Context(), run.ID); err != nil || !now.Postponed(time.Now().UTC()) {
		t.Errorf("after an event: %+v, error %v", now, err)
	}
	pressed := f.asks(Request{TenantID: tenant, Mode: crm.ModeApply})
	if pressed.ID != run.ID || !pressed.NotBefore.IsZero() || pressed.QueueAt.After(time.Now().UTC().Add(gathering/2)) {
		t.Errorf("the press got %+v", pressed)
	}
}

func TestAnEventOfATenantThatCannotBeSyncedStartsNothing(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]string{
		"paused": "UPDATE crm_connections SET enabled = 0", "not connected": "UPDATE crm_connections SET portal = ''",
		"removed": "DELETE FROM crm_connections", "blocked": "UPDATE tenants SET subscription_status = 'blocked'", "deleted": "UPDATE tenants SET deleted_at = NOW()",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			tenant := f.tenant("x")
			f.exec(statement)
			if n := f.event(tenant, "7"); n != 0 || f.number("SELECT COUNT(*) FROM crm_runs") != 0 {
				t.Errorf("%d runs", n)
			}
		})
	}
}
