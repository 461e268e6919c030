package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"booking/shared/crm"
)

// However many watch a run, its news is made once for each way of speaking.
func TestFeedMakesItsNewsOnce(t *testing.T) {
	t.Parallel()
	one := &feed{news: make(chan struct{})}
	one.tell(liveRun{}, false)
	made := 0
	render := func(liveRun) ([]byte, error) {
		made++
		return []byte(fmt.Sprint("event ", made)), nil
	}
	for range 200 {
		for _, in := range []tongue{{"ru", "UTC"}, {"en", "UTC"}} {
			if event, err := one.event(1, in, render); err != nil || event == nil {
				t.Fatalf("%q, %v", event, err)
			}
		}
	}
	if made != 2 {
		t.Errorf("it was made %d times", made)
	}
	one.tell(liveRun{}, false)
	if event, _ := one.event(1, tongue{"ru", "UTC"}, render); event != nil {
		t.Errorf("old news: %q", event)
	}
	if event, _ := one.event(2, tongue{"ru", "UTC"}, render); string(event) != "event 3" {
		t.Errorf("news: %q", event)
	}
}

// All who watched a run load its page when it is over: one after the other.
func TestWatchersOfARunAreSentOnOneAfterTheOther(t *testing.T) {
	t.Parallel()
	var turns turns
	now := time.Date(2026, time.November, 26, 12, 0, 0, 0, time.UTC)
	for i := range 200 {
		if wait, want := turns.take(now), time.Duration(i)*turnPause; wait != want {
			t.Fatalf("the %dth waits %s, want %s", i, wait, want)
		}
	}
	if wait := turns.take(now.Add(200 * turnPause)); wait != 0 {
		t.Errorf("with nobody before them somebody waits %s", wait)
	}
}

// A page that is opened in the middle of a large run has its numbers counted by the
// database; what comes later is added up. Both agree, and watchers make no more of it.
func TestFeedOfALargeRunCostsLittle(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	run := s.exec(`INSERT INTO crm_runs (tenant_id, plugin, portal, mode, started_by, status, active_tenant, fence, lease_until, requested_at, started_at)
		VALUES (?, 'scripted', 'portal.example', 'apply', 'cli', 'running', ?, 1, UTC_TIMESTAMP(6) + INTERVAL 600 SECOND, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))`, s.ours, s.ours)
	add := func(count int, action crm.Action) {
		rows := strings.TrimSuffix(strings.Repeat(fmt.Sprintf("(%d, %d, '1', '%s', 'Кто-то', 'x@ours.example', UTC_TIMESTAMP(6)),", run, s.ours, action), count), ",")
		s.exec("INSERT INTO crm_changes (run_id, tenant_id, external_id, action, name, email, created_at) VALUES " + rows)
	}
	add(700, crm.ActionCreated)
	add(30, crm.ActionConflict)
	v := s.signedIn("admin@ours.example")
	s.asked.take()
	v.get(runPath(run)).contains(t, "<dd>700</dd>", "<dd>30</dd>")
	if asked := s.asked.take(); len(asked) > 10 {
		t.Errorf("%d statements:\n%s", len(asked), strings.Join(asked, "\n"))
	}
	first := v.events(runPath(run))
	for live := ""; !strings.Contains(live, "<dd>700</dd>"); {
		live = first.next(t, "live")
	}
	add(5, crm.ActionCreated)
	for live := ""; !strings.Contains(live, "<dd>705</dd>") || !strings.Contains(live, "<dd>30</dd>"); {
		live = first.next(t, "live")
	}
	// A page beside a feed asks for nothing of the run but its row.
	s.asked.take()
	if a := v.get(runPath(run)); a.status != http.StatusOK || !strings.Contains(a.body, "<dd>705</dd>") {
		t.Errorf("%d", a.status)
	}
	for _, statement := range s.asked.take() {
		if strings.Contains(statement, "COUNT(*) AS n") {
			t.Errorf("it was counted again: %s", statement)
		}
	}
	// The last event has what the run came to, for a page that stays.
	s.exec("UPDATE crm_runs SET status = 'partial', active_tenant = NULL, finished_at = UTC_TIMESTAMP(6), created = 705, conflicts = 30, requests = 41 WHERE id = ?", run)
	for live := ""; !strings.Contains(live, "<dd>41</dd>"); {
		live = first.next(t, "live")
		if !strings.Contains(live, "<dd>705</dd>") || !strings.Contains(live, "<dd>30</dd>") {
			t.Fatalf("the end: %s", live)
		}
	}
	first.next(t, "over")
}
