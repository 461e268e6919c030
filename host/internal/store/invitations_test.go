package store

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"booking/shared/crm"
)

// unset is a password of those that a sync gives; set is one that somebody has chosen.
var (
	unset = "$2y$12$" + strings.Repeat("x", 53)
	set   = "$2y$12$" + strings.Repeat("x", 52) + "y"
)

// created makes a run of a tenant and its newcomers, each with a password and activity.
func (b bundle) created(t *testing.T, tenant int64, people ...string) (Run, []int64) {
	t.Helper()
	run := b.claimed(t, tenant)
	var ids []int64
	for i, password := range people {
		b.exec(t, "INSERT INTO users (tenant_id, name, email, password, role, is_active) VALUES (?, 'x', ?, ?, 'employee', ?)",
			tenant, fmt.Sprintf("p%d-%d@example.com", run.ID, i), strings.TrimPrefix(password, "-"), !strings.HasPrefix(password, "-"))
		id := int64(b.number(t, "SELECT MAX(id) FROM users"))
		ids = append(ids, id)
		b.exec(t, "INSERT INTO crm_changes (run_id, tenant_id, user_id, external_id, action, created_at) VALUES (?, ?, ?, ?, 'created', UTC_TIMESTAMP(6))", run.ID, tenant, id, i)
	}
	end := run
	end.Status, end.Created = StatusSucceeded, len(people)
	if err := b.FinishRun(b.ctx, &end); err != nil {
		t.Fatal(err)
	}
	return end, ids
}

func (b bundle) invitations(t *testing.T, run int64) Invitations {
	t.Helper()
	i, err := b.RunInvitations(b.ctx, run)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestNewcomersAreInvitedOnceEach(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tenant := b.tenant(t, "x").ID
	run, ids := b.created(t, tenant, unset, unset, set, "-"+unset, unset)
	// Somebody who is not of this run, and the same number in another tenant.
	b.created(t, tenant, unset)
	if i := b.invitations(t, run.ID); i != (Invitations{Newcomers: 5, Open: 3}) {
		t.Errorf("before: %+v", i)
	}
	var press sync.WaitGroup
	for range 4 { // four administrators press the button at once
		press.Go(func() {
			if _, err := b.InviteNewcomers(b.ctx, run, "Анна"); err != nil {
				t.Error(err)
			}
		})
	}
	press.Wait()
	if n, err := b.InviteNewcomers(b.ctx, run, "Анна"); err != nil || n != 0 {
		t.Errorf("once more: %d invited (%v)", n, err)
	}
	if n := b.number(t, "SELECT COUNT(*) FROM booking_mail_queue WHERE kind = 'invitation'"); n != 3 {
		t.Errorf("%d invitations", n)
	}
	b.exec(t, "UPDATE booking_mail_queue SET status = 'sent', finished_at = UTC_TIMESTAMP(6) WHERE user_id = ?", ids[0])
	b.exec(t, "UPDATE booking_mail_queue SET status = 'failed', finished_at = UTC_TIMESTAMP(6) WHERE user_id = ?", ids[1])
	if i := b.invitations(t, run.ID); i != (Invitations{Newcomers: 5, Invited: 3, Sent: 1, Failed: 1}) || i.Waiting() != 1 {
		t.Errorf("after: %+v", i)
	}
}

func TestSomebodyIsInvitedAgainOnlyWhereThatIsMeant(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, ids := b.created(t, b.tenant(t, "x").ID, unset)
	who, err := b.Account(b.ctx, ids[0])
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // a double press
		if err := b.Invite(b.ctx, who, 0, "Анна"); err != nil {
			t.Fatal(err)
		}
	}
	first, err := b.Invitees(b.ctx, who.TenantID, ids)
	if err != nil || first[ids[0]].Invitation.Status != MailWaiting || b.number(t, "SELECT COUNT(*) FROM booking_mail_queue") != 1 {
		t.Fatalf("%+v, %v", first, err)
	}
	for range 2 { // "again", pressed twice
		if err := b.Invite(b.ctx, who, first[ids[0]].Invitation.ID, "Анна"); err != nil {
			t.Fatal(err)
		}
	}
	second, err := b.Invitees(b.ctx, who.TenantID, ids)
	if err != nil || !second[ids[0]].May || second[ids[0]].Invitation.ID == first[ids[0]].Invitation.ID || b.number(t, "SELECT COUNT(*) FROM booking_mail_queue") != 2 {
		t.Errorf("%+v, %v", second, err)
	}
	if theirs, err := b.Invitees(b.ctx, who.TenantID+1, ids); err != nil || len(theirs) != 0 {
		t.Errorf("another tenant: %v, %v", theirs, err)
	}
}

func TestAPreviewHasNobodyToInvite(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run, _ := b.created(t, b.tenant(t, "x").ID, unset)
	run.Mode = crm.ModePreview
	if n, err := b.InviteNewcomers(b.ctx, run, "Анна"); err != nil || n != 0 {
		t.Errorf("%d, %v", n, err)
	}
}

// More newcomers than one statement takes.
func TestManyNewcomersAreInvited(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tenant := b.tenant(t, "x").ID
	run, _ := b.created(t, tenant)
	const people = invitePage + 30
	for i := 0; i < people; i += 106 {
		rows, changes := []string{}, []string{}
		for j := i; j < min(i+106, people); j++ {
			rows = append(rows, fmt.Sprintf("(%d, %d, 'x', 'many%d@example.com', '%s', 'employee', 1)", 100_000+j, tenant, j, unset))
			changes = append(changes, fmt.Sprintf("(%d, %d, %d, '%d', 'created', UTC_TIMESTAMP(6))", run.ID, tenant, 100_000+j, j))
		}
		b.exec(t, "INSERT INTO users (id, tenant_id, name, email, password, role, is_active) VALUES "+strings.Join(rows, ", "))
		b.exec(t, "INSERT INTO crm_changes (run_id, tenant_id, user_id, external_id, action, created_at) VALUES "+strings.Join(changes, ", "))
	}
	if n, err := b.InviteNewcomers(b.ctx, run, "Анна"); err != nil || n != people {
		t.Errorf("%d invited (%v)", n, err)
	}
	if i := b.invitations(t, run.ID); i.Invited != people || i.Open != 0 {
		t.Errorf("%+v", i)
	}
}
