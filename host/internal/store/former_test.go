package store

import (
	"fmt"
	"testing"
	"time"

	"booking/shared/crm"
)

// What the former release (16144e7) does to the queue, word for word: it may work on the
// same database while hosts are brought up one after the other.
const (
	formerInsert = `INSERT INTO crm_runs (tenant_id, plugin, portal, mode, started_by, status, requested_at)
		VALUES (?, 'acme', 'portal.example', 'apply', 'schedule', ?, UTC_TIMESTAMP(6))`
	formerLook = `SELECT COUNT(*) FROM crm_runs AS r WHERE r.status = 'queued'
		AND r.id IN (SELECT MIN(q.id) FROM crm_runs AS q WHERE q.status = 'queued' GROUP BY q.tenant_id)`
	formerClaim = `UPDATE crm_runs SET status = 'running', active_tenant = tenant_id, fence = fence + 1, attempt = attempt + 1,
		host = 'former', lease_until = UTC_TIMESTAMP(6) + INTERVAL 1 HOUR, started_at = UTC_TIMESTAMP(6) WHERE id = ? AND status = 'queued'`
	formerEnd = `UPDATE crm_runs SET status = 'succeeded', active_tenant = NULL, lease_until = NULL, fence = fence + 1,
		finished_at = UTC_TIMESTAMP(6) WHERE id = ?`
	formerCancel = `UPDATE crm_runs SET status = 'cancelled', finished_at = UTC_TIMESTAMP(6) WHERE id = ? AND status = 'queued'`
	formerSettle = `UPDATE crm_runs SET status = 'queued', active_tenant = NULL, lease_until = NULL, fence = fence + 1, host = '' WHERE id = ?`
	formerSlot   = `INSERT INTO crm_slots (tenant_id, task, slot_at, status, run_id, created_at) VALUES (?, ?, ?, 'started', ?, UTC_TIMESTAMP(6))`
)

func TestARunOfTheFormerReleaseIsClaimedFirst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	pressed := b.queued(t, Run{TenantID: 1})
	b.exec(t, formerInsert, 2, "queued")
	waiting := b.waiting(t)
	if len(waiting) != 2 || waiting[0].TenantID != 2 || waiting[1].ID != pressed.ID {
		t.Fatalf("waiting: %+v", waiting)
	}
	b.claim(t, &waiting[0], "next")
}

func TestAKeyThatTheFormerReleaseLeavesBehindBlocksNobody(t *testing.T) {
	t.Parallel()
	for name, statements := range map[string][]string{
		"claimed": {formerClaim}, "claimed and ended": {formerClaim, formerEnd}, "cancelled": {formerCancel},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			first := b.queued(t, Run{TenantID: 1})
			for _, statement := range statements {
				b.exec(t, statement, first.ID)
			}
			if n := b.number(t, "SELECT COUNT(*) FROM crm_runs WHERE queue_key IS NOT NULL"); n != 1 {
				t.Fatalf("%d keys are left behind: this test is about one", n)
			}
			if second := b.queued(t, Run{TenantID: 1}); second.ID == first.ID || second.Status != StatusQueued {
				t.Errorf("a press got %+v", second)
			}
			slot, run := b.slotRun(t, 1)
			if mine, err := b.StartSlot(b.ctx, slot, run); err != nil || !mine || run.ID == first.ID {
				t.Errorf("a slot: %v with run %d, error %v", mine, run.ID, err)
			}
		})
	}
}

func TestASlotMeetsAKeyThatTheFormerReleaseLeftBehind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.queued(t, Run{TenantID: 1})
	b.exec(t, formerClaim, first.ID)
	slot, run := b.slotRun(t, 1)
	if mine, err := b.StartSlot(b.ctx, slot, run); err != nil || !mine || run.ID == first.ID {
		t.Errorf("%v with run %d, error %v", mine, run.ID, err)
	}
	if waiting := b.waiting(t); len(waiting) != 1 || waiting[0].ID != run.ID {
		t.Errorf("waiting: %+v", waiting)
	}
}

func TestAPlaceThatTheFormerReleaseLeavesBehindIsFreed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	held := b.queued(t, Run{TenantID: 1})
	held.Place = "portal.example#0"
	b.claim(t, &held, "dead")
	// It settles the run of a host that died, and somebody cancels what waits there.
	b.exec(t, formerSettle, held.ID)
	b.exec(t, formerCancel, held.ID)
	next := b.queued(t, Run{TenantID: 2})
	next.Place = "portal.example#0"
	b.claim(t, &next, "next")
}

func TestTheFormerReleaseDoesNotTakeWhatItKnowsNothingOf(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i, run := range []Run{
		{TenantID: 1, Mode: crm.ModePerson, PersonID: "7"},
		{TenantID: 2, PlanID: 55, PlanHash: "abc"},
	} {
		queued := b.queued(t, run)
		if n := b.number(t, formerLook); n != 0 {
			t.Errorf("%d: it sees the run", i)
		}
		b.exec(t, formerClaim, queued.ID)
		if now, err := b.Run(b.ctx, queued.ID); err != nil || now.Status != StatusQueued {
			t.Errorf("%d: it claims the run: %+v, error %v", i, now, err)
		}
	}
	failed := b.claimed(t, 3)
	b.fail(t, &failed, crm.CodePortalUnreachable)
	if n := b.number(t, formerLook); n != 0 {
		t.Error("it sees the retry, long before its time")
	}
	if waiting := b.waiting(t); len(waiting) != 2 {
		t.Errorf("this release sees %+v", waiting)
	}
}

// Both releases start the same slot, in every order of their steps that matters.
func TestASlotOfBothReleasesGetsOneRun(t *testing.T) {
	t.Parallel()
	formerReserves := func(b bundle) int64 {
		b.exec(t, formerInsert, 1, "reserved")
		return int64(b.number(t, "SELECT MAX(id) FROM crm_runs"))
	}
	t.Run("the former wins and dies before it queues the run", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		reserved := formerReserves(b)
		slot, run := b.slotRun(t, 1)
		b.exec(t, formerSlot, slot.TenantID, slot.Task, slot.At, reserved)
		if mine, err := b.StartSlot(b.ctx, slot, run); err != nil || mine || run.ID != reserved {
			t.Errorf("%v with run %d, error %v", mine, run.ID, err)
		}
		if waiting := b.waiting(t); len(waiting) != 1 || waiting[0].ID != reserved {
			t.Errorf("waiting: %+v", waiting)
		}
	})
	t.Run("this one wins, the former comes late", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		reserved := formerReserves(b)
		slot, run := b.slotRun(t, 1)
		if mine, err := b.StartSlot(b.ctx, slot, run); err != nil || !mine {
			t.Fatalf("%v, error %v", mine, err)
		}
		if _, err := b.DB().NewRaw(formerSlot, slot.TenantID, slot.Task, slot.At, reserved).Exec(b.ctx); number(err) != duplicateKey {
			t.Errorf("the former release claims the slot, too: %v", err)
		}
		b.exec(t, "DELETE FROM crm_runs WHERE id = ? AND status = 'reserved'", reserved)
		if waiting := b.waiting(t); len(waiting) != 1 || waiting[0].ID != run.ID {
			t.Errorf("waiting: %+v", waiting)
		}
	})
}

// queued asks for a run as a button does, of the mode apply unless it says otherwise.
func (b bundle) queued(t *testing.T, run Run) Run {
	t.Helper()
	run.Plugin, run.Portal = "acme", "portal.example"
	if run.Mode == "" {
		run.Mode = crm.ModeApply
	}
	if run.Trigger == "" {
		run.Trigger = "button"
	}
	if _, err := b.EnqueueRun(b.ctx, &run); err != nil {
		t.Fatal(err)
	}
	return run
}

func (b bundle) waiting(t *testing.T) []Run {
	t.Helper()
	runs, err := b.WaitingRuns(b.ctx, Look{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	return runs
}

// fail ends a run that goes on as failed.
func (b bundle) fail(t *testing.T, run *Run, code crm.Code) {
	t.Helper()
	run.Status = StatusFailed
	run.SetError(code, crm.Text{RU: "беда", EN: "trouble"})
	if err := b.FinishRun(b.ctx, run); err != nil {
		t.Fatal(err)
	}
}

// due makes the time of a retry come.
func (b bundle) due(t *testing.T, run int64) {
	t.Helper()
	b.exec(t, fmt.Sprintf("UPDATE crm_runs SET queue_at = queue_at - INTERVAL %[1]d MICROSECOND, not_before = not_before - INTERVAL %[1]d MICROSECOND WHERE id = ?",
		(2*time.Hour).Microseconds()), run)
}
