package store

import (
	"errors"
	"strings"
	"testing"
	"time"

	"booking/shared/crm"
)

// steps are the steps that the end of a run has queued.
func (b bundle) steps(t *testing.T, run int64) string {
	t.Helper()
	var kinds []string
	err := b.DB().NewRaw("SELECT kind AS kind FROM booking_mail_queue WHERE run_id = ? AND lane = ? ORDER BY kind", run, LaneSteps).Scan(b.ctx, &kinds)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(kinds, " ")
}

func TestARunsEndQueuesWhatMayBeWorthTelling(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, c := range map[string]struct {
		end  Run
		told string
		want string
	}{
		"nothing happened":            {end: Run{Status: StatusSucceeded, Unchanged: 5}},
		"newcomers":                   {end: Run{Status: StatusSucceeded, Created: 5}},
		"somebody was updated":        {end: Run{Status: StatusSucceeded, Updated: 1}, want: "addresses"},
		"partial":                     {end: Run{Status: StatusPartial, Updated: 1}, want: "addresses"},
		"failed":                      {end: Run{Status: StatusFailed, ErrorCode: crm.CodeUnauthorized}, want: "run_ended"},
		"held":                        {end: Run{Status: StatusSucceeded, Held: true}, want: "run_ended"},
		"not configured":              {end: Run{Status: StatusNotConfigured}, want: "run_ended"},
		"good, and was good":          {end: Run{Status: StatusSucceeded}, told: "-"},
		"good, and was bad":           {end: Run{Status: StatusSucceeded, Updated: 2}, told: "unauthorized", want: "addresses run_ended"},
		"a preview that failed":       {end: Run{Status: StatusFailed, Mode: crm.ModePreview, ErrorCode: crm.CodeUnauthorized}},
		"a preview with much to show": {end: Run{Status: StatusSucceeded, Mode: crm.ModePreview, Updated: 9}, told: "unauthorized"},
	} {
		tenant := b.tenant(t, name).ID
		if c.told != "" {
			b.exec(t, "INSERT INTO booking_notices (tenant_id, told, updated_at) VALUES (?, ?, UTC_TIMESTAMP(6))", tenant, strings.Trim(c.told, "-"))
		}
		run := Run{TenantID: tenant, Plugin: "acme", Mode: crm.ModeApply, Trigger: "schedule"}
		if c.end.Mode != "" {
			run.Mode = c.end.Mode
		}
		if _, err := b.EnqueueRun(b.ctx, &run); err != nil {
			t.Fatal(err)
		}
		b.claim(t, &run, "host")
		end := run
		end.Status, end.ErrorCode, end.Held = c.end.Status, c.end.ErrorCode, c.end.Held
		end.SetCounts(c.end.Counts())
		if err := b.FinishRun(b.ctx, &end); err != nil {
			t.Fatal(err)
		}
		if got := b.steps(t, run.ID); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// A run that failed half-way is counted from its history: whose address it has changed
// is told though nobody counted them.
func TestARunThatFailsHalfWayTellsOfWhatItHasWritten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.claimed(t, b.tenant(t, "x").ID)
	b.exec(t, `INSERT INTO crm_changes (run_id, tenant_id, user_id, external_id, action, before_values, after_values, created_at)
		VALUES (?, ?, 7, '7', 'updated', '{"email":"old@example.com"}', '{"email":"new@example.com"}', UTC_TIMESTAMP(6))`, run.ID, run.TenantID)
	end := run
	end.Status, end.ErrorCode = StatusFailed, crm.CodePortalAnswer
	if err := b.FinishRun(b.ctx, &end); err != nil {
		t.Fatal(err)
	}
	if got := b.steps(t, run.ID); got != "addresses run_ended" {
		t.Errorf("%q", got)
	}
}

// The steps belong to the run's end: where that is refused there are none.
func TestARunsEndAndItsStepsAreOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.claimed(t, b.tenant(t, "x").ID)
	b.exec(t, "UPDATE crm_runs SET fence = fence + 1 WHERE id = ?", run.ID)
	end := run
	end.Status, end.ErrorCode = StatusFailed, crm.CodeUnauthorized
	if err := b.FinishRun(b.ctx, &end); !errors.Is(err, ErrLeaseLost) {
		t.Fatal(err)
	}
	if got := b.steps(t, run.ID); got != "" {
		t.Errorf("steps %q of a run that was not ended", got)
	}
	b.exec(t, "UPDATE crm_runs SET fence = fence - 1 WHERE id = ?", run.ID)
	b.exec(t, "RENAME TABLE booking_mail_queue TO gone")
	if err := b.FinishRun(b.ctx, &end); err == nil {
		t.Fatal("the run ended without its steps")
	}
	b.exec(t, "RENAME TABLE gone TO booking_mail_queue")
	if now, err := b.Run(b.ctx, run.ID); err != nil || now.Status != StatusRunning {
		t.Errorf("the run is %s (%v)", now.Status, err)
	}
}

// A run that brought all its hosts down ends without any of them; so does one in the
// foreground whose host is gone.
func TestAnInterruptedRunQueuesItsSteps(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.claimed(t, b.tenant(t, "x").ID)
	b.exec(t, "UPDATE crm_runs SET lost = ? WHERE id = ?", enoughAttempts-1, run.ID)
	b.exec(t, `INSERT INTO crm_changes (run_id, tenant_id, external_id, action, created_at) VALUES (?, ?, '7', 'updated', UTC_TIMESTAMP(6))`, run.ID, run.TenantID)
	b.expire(t, run.ID)
	if live, err := b.LiveRun(b.ctx, run.ID); err != nil || live.Status != StatusInterrupted {
		t.Fatalf("%s, %v", live.Status, err)
	}
	if got := b.steps(t, run.ID); got != "addresses run_ended" {
		t.Errorf("%q", got)
	}
	// One that goes back into the queue has not ended.
	again := b.claimed(t, b.tenant(t, "y").ID)
	b.expire(t, again.ID)
	if live, err := b.LiveRun(b.ctx, again.ID); err != nil || live.Status != StatusQueued {
		t.Fatalf("%s, %v", live.Status, err)
	}
	if got := b.steps(t, again.ID); got != "" {
		t.Errorf("%q", got)
	}
}

func TestNoticesAreSwitchedOffAndOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tenant := b.tenant(t, "x").ID
	if n, err := b.Notices(b.ctx, tenant); err != nil || !n.Enabled || n.Told != "" {
		t.Errorf("%+v, %v", n, err)
	}
	b.exec(t, "INSERT INTO booking_notices (tenant_id, told, told_run, updated_at) VALUES (?, 'unauthorized', 5, UTC_TIMESTAMP(6))", tenant)
	if err := b.SwitchNotices(b.ctx, tenant, true); err != nil {
		t.Fatal(err)
	}
	if n, err := b.Notices(b.ctx, tenant); err != nil || !n.Enabled || n.Told != "unauthorized" {
		t.Errorf("switched on: %+v, %v", n, err)
	}
	if err := b.SwitchNotices(b.ctx, tenant, false); err != nil {
		t.Fatal(err)
	}
	if n, err := b.Notices(b.ctx, tenant); err != nil || n.Enabled || n.Told != "" {
		t.Errorf("switched off: %+v, %v", n, err)
	}
	if err := b.SwitchNotices(b.ctx, 999, false); !errors.Is(err, ErrNotFound) {
		t.Errorf("a tenant that nobody knows: %v", err)
	}
}

// A page of StepAddresses and how far it has come are one: whoever goes on after a host
// that died begins there, and one that was only asleep adds nothing.
func TestAddressesAreToldOnceWhoeverDies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.claimed(t, b.tenant(t, "x").ID)
	const people = 2*addressPage + 7
	for i := 1; i <= people; i += 100 {
		values := make([]string, 0, 100)
		var args []any
		for j := i; j < min(i+100, people+1); j++ {
			values = append(values, "(?, ?, ?, ?, 'updated', JSON_OBJECT('email', ?), JSON_OBJECT('email', ?), UTC_TIMESTAMP(6))")
			args = append(args, run.ID, run.TenantID, j, j, address("old", j), address("new", j))
		}
		b.exec(t, "INSERT INTO crm_changes (run_id, tenant_id, user_id, external_id, action, before_values, after_values, created_at) VALUES "+strings.Join(values, ", "), args...)
	}
	end := run
	end.Status = StatusSucceeded
	end.Updated = people
	if err := b.FinishRun(b.ctx, &end); err != nil {
		t.Fatal(err)
	}
	take := func() QueuedMail {
		due, err := b.DueMails(b.ctx, [lanes]int{LaneSteps: 9})
		if err != nil || len(due) != 1 || due[0].Kind != StepAddresses {
			t.Fatalf("%+v, %v", due, err)
		}
		if mine, err := b.ClaimMail(b.ctx, &due[0], time.Hour); err != nil || !mine {
			t.Fatal(mine, err)
		}
		return due[0]
	}
	asleep := take()
	// The first host does one page and dies.
	page, err := b.updatedPeople(b.ctx, asleep)
	if err != nil || len(page) != addressPage {
		t.Fatal(len(page), err)
	}
	done := asleep
	done.Data.After = page[len(page)-1].ID
	mail, _ := addressChange(page[0], run).mail()
	if mine, err := b.queueAddressPage(b.ctx, done, []QueuedMail{mail}, false, time.Hour); err != nil || !mine {
		t.Fatal(mine, err)
	}
	b.exec(t, "UPDATE booking_mail_queue SET due_at = UTC_TIMESTAMP(6) WHERE lane = ?", LaneSteps)
	second := take()
	if second.Data.After != done.Data.After || second.Attempt != 2 {
		t.Errorf("the second host begins at %d (attempt %d)", second.Data.After, second.Attempt)
	}
	// It was only asleep: nothing it does is written.
	if err := b.QueueAddressNotices(b.ctx, asleep, time.Hour); err != nil {
		t.Fatal(err)
	}
	if n := b.number(t, "SELECT COUNT(*) FROM booking_mail_queue WHERE kind = ?", MailAddress); n != 1 {
		t.Errorf("%d mails, one was there", n)
	}
	if err := b.QueueAddressNotices(b.ctx, second, time.Hour); err != nil {
		t.Fatal(err)
	}
	want := 1 + people - addressPage // the page of the first host held one mail in this test
	if n := b.number(t, "SELECT COUNT(*) FROM booking_mail_queue WHERE kind = ?", MailAddress); n != want {
		t.Errorf("%d mails, want %d", n, want)
	}
	if got := b.steps(t, run.ID); got != "" {
		t.Errorf("left: %q", got)
	}
}

func address(name string, i int) string {
	return name + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + "@example.com"
}
