package store

import (
	"testing"
	"time"

	"booking/shared/crm"
)

// retries are the tenant's retries that wait for their time.
func (b bundle) retries(t *testing.T, tenant int64) []Run {
	t.Helper()
	var runs []Run
	err := b.DB().NewSelect().Model(&runs).Where("tenant_id = ? AND retry > 0 AND "+waits, tenant).Scan(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	return runs
}

func TestAFailedRunIsTriedAgainAfterFiveFifteenAndSixtyMinutes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.claimed(t, 1)
	run := first
	for retry, want := range []time.Duration{5 * time.Minute, 15 * time.Minute, time.Hour} {
		b.fail(t, &run, crm.CodePortalUnreachable)
		retries := b.retries(t, 1)
		if len(retries) != 1 {
			t.Fatalf("after failure %d: retries %+v", retry+1, retries)
		}
		next := retries[0]
		if next.RetryOf != first.ID || next.Retry != retry+1 || next.Trigger != first.Trigger || next.Mode != first.Mode || next.Plugin != "acme" {
			t.Errorf("retry %d: %+v", retry+1, next)
		}
		if wait := next.NotBefore.Sub(run.FinishedAt); wait < want-time.Minute || wait > want+time.Minute {
			t.Errorf("retry %d after %s, want %s", retry+1, wait, want)
		}
		if waiting := b.waiting(t); len(waiting) != 0 {
			t.Errorf("it can be claimed before its time: %+v", waiting)
		}
		b.due(t, next.ID)
		waiting := b.waiting(t)
		if len(waiting) != 1 || waiting[0].ID != next.ID {
			t.Fatalf("at its time: %+v", waiting)
		}
		run = waiting[0]
		b.claim(t, &run, "next")
	}
	b.fail(t, &run, crm.CodePortalUnreachable)
	if retries := b.retries(t, 1); len(retries) != 0 {
		t.Errorf("a fourth retry: %+v", retries)
	}
}

func TestARateLimitedRunIsTriedWhenThePortalSaid(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.claimed(t, 1)
	run.PortalSaid = 40 * time.Minute
	b.fail(t, &run, crm.CodeRateLimited)
	retries := b.retries(t, 1)
	if len(retries) != 1 {
		t.Fatalf("%+v", retries)
	}
	if wait := retries[0].NotBefore.Sub(run.FinishedAt); wait < 39*time.Minute || wait > 41*time.Minute {
		t.Errorf("after %s", wait)
	}
}

func TestWhatNeedsAPersonIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i, code := range []crm.Code{
		crm.CodeUnauthorized, crm.CodeScopeMissing, crm.CodePortalChanged, crm.CodeTenantBlocked,
		crm.CodePluginMissing, crm.CodePluginUntrusted, crm.CodeInternal,
	} {
		run := b.claimed(t, int64(i+1))
		b.fail(t, &run, code)
	}
	end := func(tenant int64, status Status) {
		run := b.claimed(t, tenant)
		run.Status = status
		if err := b.FinishRun(b.ctx, &run); err != nil {
			t.Fatal(err)
		}
	}
	end(100, StatusNotConfigured)
	end(101, StatusCancelled)
	end(102, StatusSucceeded)
	preview := b.queued(t, Run{TenantID: 103, Mode: crm.ModePreview})
	b.claim(t, &preview, "host")
	b.fail(t, &preview, crm.CodePortalUnreachable)
	if n := b.number(t, "SELECT COUNT(*) FROM crm_runs WHERE retry > 0"); n != 0 {
		t.Errorf("%d retries", n)
	}
}

func TestAForegroundRunIsItsCallersBusiness(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := Run{TenantID: 1, Plugin: "acme", Mode: crm.ModeApply, Trigger: "cli"}
	if err := b.StartRun(b.ctx, &run, time.Hour); err != nil {
		t.Fatal(err)
	}
	b.fail(t, &run, crm.CodePortalUnreachable)
	if retries := b.retries(t, 1); len(retries) != 0 {
		t.Errorf("%+v", retries)
	}
}

func TestAPressDropsTheRetryAndStartsNow(t *testing.T) {
	t.Parallel()
	for _, trigger := range []string{"button", "cli", "api"} {
		b := setup(t)
		run := b.claimed(t, 1)
		b.fail(t, &run, crm.CodePortalUnreachable)
		retry := b.retries(t, 1)[0]
		if _, err := b.ActiveRun(b.ctx, 1); err == nil {
			t.Errorf("%s: a retry that waits for its time goes on", trigger)
		}
		pressed := b.queued(t, Run{TenantID: 1, Trigger: trigger})
		if pressed.ID == retry.ID || pressed.RetryOf != 0 {
			t.Errorf("%s: the press got %+v", trigger, pressed)
		}
		wantOrder(t, b.waiting(t), pressed)
		if dropped, err := b.Run(b.ctx, retry.ID); err != nil || dropped.Status != StatusCancelled || dropped.RetryOf != run.ID || dropped.FinishedAt.IsZero() {
			t.Errorf("%s: the history says %+v, error %v", trigger, dropped, err)
		}
	}
}

func TestAPreviewDropsNoRetry(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.claimed(t, 1)
	b.fail(t, &run, crm.CodePortalUnreachable)
	b.queued(t, Run{TenantID: 1, Mode: crm.ModePreview})
	if retries := b.retries(t, 1); len(retries) != 1 {
		t.Errorf("%+v", retries)
	}
}

func TestASlotDropsTheRetryAndHasARunOfItsOwn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.claimed(t, 1)
	b.fail(t, &run, crm.CodePortalUnreachable)
	retry := b.retries(t, 1)[0]
	slot, own := b.slotRun(t, 1)
	if mine, err := b.StartSlot(b.ctx, slot, own); err != nil || !mine || own.ID == retry.ID {
		t.Fatalf("%v with run %d, error %v", mine, own.ID, err)
	}
	if waiting := b.waiting(t); len(waiting) != 1 || waiting[0].ID != own.ID || waiting[0].Retry != 0 {
		t.Errorf("waiting: %+v", waiting)
	}
}

func TestAGoodRunMeanwhileMakesTheRetryNeedless(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.claimed(t, 1)
	b.fail(t, &run, crm.CodeDatabase)
	retry := b.retries(t, 1)[0]
	needless := func() bool {
		t.Helper()
		answer, err := b.RetryNeedless(b.ctx, retry)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	if needless() {
		t.Error("needless at once")
	}
	good := func(r Run) {
		if err := b.StartRun(b.ctx, &r, time.Hour); err != nil {
			t.Fatal(err)
		}
		r.Status = StatusSucceeded
		if err := b.FinishRun(b.ctx, &r); err != nil {
			t.Fatal(err)
		}
	}
	good(Run{TenantID: 2, Plugin: "acme", Mode: crm.ModeApply, Trigger: "cli"})
	good(Run{TenantID: 1, Plugin: "acme", Mode: crm.ModePreview, Trigger: "cli"})
	good(Run{TenantID: 1, Plugin: "acme", Mode: crm.ModePerson, PersonID: "7", Trigger: "cli"})
	if needless() {
		t.Error("another tenant's run, a preview or one person's run did what it is for")
	}
	good(Run{TenantID: 1, Plugin: "acme", Mode: crm.ModeApply, Trigger: "cli"})
	if !needless() {
		t.Error("still needed after a good run")
	}
}

func TestARunThatLostItsHostsTooOftenIsTriedOnceEachTime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.claimed(t, 1)
	for range enoughAttempts - 1 {
		b.expire(t, run.ID)
		b.claim(t, &run, "next")
	}
	b.expire(t, run.ID)
	if err := b.SettleExpired(b.ctx, run); err != nil {
		t.Fatal(err)
	}
	retries := b.retries(t, 1)
	if len(retries) != 1 || retries[0].RetryOf != run.ID {
		t.Fatalf("%+v", retries)
	}
	b.due(t, retries[0].ID)
	next := b.waiting(t)[0]
	if !next.Suspect() {
		t.Error("the retry counts as innocent")
	}
	b.claim(t, &next, "next")
	b.expire(t, next.ID)
	if err := b.SettleExpired(b.ctx, next); err != nil {
		t.Fatal(err)
	}
	if now, err := b.Run(b.ctx, next.ID); err != nil || now.Status != StatusInterrupted || now.Attempt != 1 {
		t.Errorf("after one more lost host: %+v, error %v", now, err)
	}
}

// A reservation that no slot came back to has the key, but is no run that waits.
func TestARetryIsQueuedBesideAReservation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run := b.claimed(t, 1)
	if err := b.insertReserved(b.ctx, dueSlots(1)); err != nil {
		t.Fatal(err)
	}
	b.fail(t, &run, crm.CodeDatabase)
	retries := b.retries(t, 1)
	if len(retries) != 1 || retries[0].RetryOf != run.ID || !retries[0].Postponed(time.Now()) {
		t.Fatalf("%+v", retries)
	}
	slot, own := b.slotRun(t, 1)
	if mine, err := b.StartSlot(b.ctx, slot, own); err != nil || !mine || own.ID == retries[0].ID {
		t.Errorf("the next slot has run %d, mine %v, error %v", own.ID, mine, err)
	}
	if pressed := b.queued(t, Run{TenantID: 1, Trigger: "button"}); pressed.ID != own.ID {
		t.Errorf("a press got %+v", pressed)
	}
	if left := b.retries(t, 1); len(left) != 0 {
		t.Errorf("a press leaves %+v", left)
	}
}
