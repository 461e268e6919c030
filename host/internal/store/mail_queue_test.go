package store

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// letters queues so many mails of a lane.
func (b bundle) letters(t *testing.T, lane, n int) {
	t.Helper()
	for i := range n {
		if err := b.QueueMail(b.ctx, QueuedMail{Cause: fmt.Sprintf("test:%d:%d", lane, i), Kind: MailAddress, Lane: lane, TenantID: 1, Recipient: "a@example.com"}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMailIsQueuedOnceForACause(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.letters(t, LanePlain, 3)
	b.exec(t, "UPDATE booking_mail_queue SET status = 'sent', data = '{\"by\":\"first\"}'")
	b.letters(t, LanePlain, 3)
	if n := b.number(t, "SELECT COUNT(*) FROM booking_mail_queue WHERE status = 'sent'"); n != 3 {
		t.Errorf("%d of the first are there", n)
	}
	if n := b.number(t, "SELECT COUNT(*) FROM booking_mail_queue"); n != 3 {
		t.Errorf("%d rows", n)
	}
}

// Eight processes want every one of the rows: each is claimed once.
func TestMailIsClaimedOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const rows = 25
	b.letters(t, LanePlain, rows)
	due, err := b.DueMails(b.ctx, [lanes]int{LanePlain: 100})
	if err != nil || len(due) != rows {
		t.Fatalf("%d rows, %v", len(due), err)
	}
	var claims atomic.Int64
	var hosts sync.WaitGroup
	for range 8 {
		hosts.Go(func() {
			for _, m := range due {
				mine, err := b.ClaimMail(b.ctx, &m, time.Hour)
				if err != nil {
					t.Error(err)
				}
				if mine {
					claims.Add(1)
				}
			}
		})
	}
	hosts.Wait()
	if claims.Load() != rows || b.number(t, "SELECT SUM(attempt) FROM booking_mail_queue") != rows {
		t.Errorf("%d claims of %d rows", claims.Load(), rows)
	}
	if again, err := b.DueMails(b.ctx, [lanes]int{LanePlain: 100}); err != nil || len(again) != 0 {
		t.Errorf("%d rows are due, %v", len(again), err)
	}
}

func TestMailIsLookedAtLaneByLane(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.letters(t, LaneSteps, 5)
	b.letters(t, LanePlain, 5)
	b.letters(t, LaneUrgent, 5)
	b.exec(t, "UPDATE booking_mail_queue SET expires_at = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND WHERE cause = 'test:0:0'")
	for limits, want := range map[[lanes]int]string{
		{1, 1, 1}: "0 1 2", {4, 3, 2}: "0 0 0 0 1 1 1 2 2", {0, 2, 0}: "1 1", {2, 0, 1}: "0 0 2", {9, 0, 0}: "0 0 0 0 0",
	} {
		due, err := b.DueMails(b.ctx, limits)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, m := range due {
			got += fmt.Sprint(" ", m.Lane)
			if m.Expired != (m.Cause == "test:0:0") {
				t.Errorf("%s is expired: %v", m.Cause, m.Expired)
			}
		}
		if got != " "+want {
			t.Errorf("%v: %s", limits, got)
		}
	}
}

// What is over is removed in its time; what waits never is.
func TestMailThatIsOverIsRemovedInItsTime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.letters(t, LanePlain, 4)
	due, err := b.DueMails(b.ctx, [lanes]int{LanePlain: 3})
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range due {
		if mine, err := b.ClaimMail(b.ctx, &m, time.Hour); err != nil || !mine {
			t.Fatal(mine, err)
		}
		if err := b.EndMail(b.ctx, m, []string{MailSent, MailFailed, MailDropped}[i], ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Sweep(b.ctx); err != nil {
		t.Fatal(err)
	}
	if n := b.number(t, "SELECT COUNT(*) FROM booking_mail_queue"); n != 4 {
		t.Errorf("%d rows are left at once", n)
	}
	b.exec(t, "UPDATE booking_mail_queue SET due_at = due_at - INTERVAL 91 DAY")
	if err := b.Sweep(b.ctx); err != nil {
		t.Fatal(err)
	}
	if n := b.number(t, "SELECT COUNT(*) FROM booking_mail_queue WHERE status = 'waiting'"); n != 1 || b.number(t, "SELECT COUNT(*) FROM booking_mail_queue") != 1 {
		t.Errorf("%d rows wait", n)
	}
}

func TestAddressIsMasked(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"anna.muller@example.com": "a***@example.com", "ann@example.com": "a***@example.com", "an@example.com": "***@example.com",
		"a@example.com": "***@example.com", "женя@пример.рф": "ж***@пример.рф", `"a@b"@example.com`: `"***@example.com`, "none": "***", "": "***",
	} {
		if got := MaskAddress(address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}
