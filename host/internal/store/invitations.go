package store

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"booking/shared/crm"
	"booking/shared/usersync"
)

// invitePage is how many newcomers one statement invites.
const invitePage = 500

// Invitations counts the newcomers of a run.
type Invitations struct {
	// Newcomers are the people it created who are still there.
	Newcomers int
	// Invited have got an invitation, of this run or another; Sent of them have it in
	// their mailbox and Failed will never have it, the others wait for theirs.
	Invited, Sent, Failed int
	// Open can be invited: active, no password yet, not invited.
	Open int
}

// Waiting are those whose invitation is on its way.
func (i Invitations) Waiting() int { return i.Invited - i.Sent - i.Failed }

// Invitation says what became of a person's newest invitation.
type Invitation struct {
	ID     int64
	Status string
	At     time.Time `bun:",nullzero"`
}

// mayBeInvited is true of a row u of users that can be invited: whoever has never had
// a password has never been here.
func mayBeInvited() string { return "u.is_active = 1 AND " + usersync.NobodysPasswordSQL("u.password") }

// newest is the status of a person's newest invitation, NULL without one.
const newest = `(SELECT m.status FROM booking_mail_queue AS m WHERE m.user_id = u.id AND m.kind = 'invitation' ORDER BY m.id DESC LIMIT 1)`

// newcomers are the rows u of users that a run has created.
const newcomers = `crm_changes AS c JOIN users AS u ON u.id = c.user_id AND u.tenant_id = c.tenant_id WHERE c.run_id = ? AND c.action = 'created'`

// RunInvitations counts the newcomers of a run, with one statement.
func (s *Store) RunInvitations(ctx context.Context, run int64) (Invitations, error) {
	var i Invitations
	err := s.read(ctx, "count invitations", func(ctx context.Context) error {
		return s.db.NewRaw(`SELECT COUNT(*) AS newcomers, COUNT(t.status) AS invited, COALESCE(SUM(t.status = 'sent'), 0) AS sent,
			COALESCE(SUM(t.status IN ('failed', 'dropped')), 0) AS failed, COALESCE(SUM(t.status IS NULL AND t.may), 0) AS open
			FROM (SELECT `+newest+` AS status, `+mayBeInvited()+` AS may FROM `+newcomers+`) AS t`, run).Scan(ctx, &i)
	})
	return i, err
}

// Invitee is a person as inviting sees them.
type Invitee struct {
	ID int64
	// May be invited: active, and has never set a password.
	May bool
	// Invitation is the newest one, the zero value without any.
	Invitation Invitation `bun:"embed:invitation_"`
}

// Invitees tells of a tenant's people, by number, whether they can be invited and were.
func (s *Store) Invitees(ctx context.Context, tenant int64, people []int64) (map[int64]Invitee, error) {
	found := map[int64]Invitee{}
	if len(people) == 0 {
		return found, nil
	}
	var rows []Invitee
	err := s.read(ctx, "look for invitations", func(ctx context.Context) error {
		rows = nil
		return s.db.NewRaw(`SELECT u.id AS id, `+mayBeInvited()+` AS may, COALESCE(m.id, 0) AS invitation_id, COALESCE(m.status, '') AS invitation_status,
				COALESCE(m.finished_at, m.created_at) AS invitation_at
			FROM users AS u LEFT JOIN booking_mail_queue AS m ON m.id = (SELECT MAX(n.id) FROM booking_mail_queue AS n WHERE n.user_id = u.id AND n.kind = 'invitation')
			WHERE u.tenant_id = ? AND u.id IN (?)`, tenant, bun.List(people)).Scan(ctx, &rows)
	})
	for _, row := range rows {
		found[row.ID] = row
	}
	return found, err
}

// Invite queues an invitation of a person. before is the newest one there is, 0 for
// none: of two who invite at once, one does.
func (s *Store) Invite(ctx context.Context, who Account, before int64, by string) error {
	return s.QueueMail(ctx, invitation(who.TenantID, who.ID, 0, before, who.Email, by))
}

func invitation(tenant, user, run, before int64, address, by string) QueuedMail {
	return QueuedMail{
		Cause: fmt.Sprintf("invite:%d:%d", user, before), Kind: MailInvitation, Lane: LanePlain, TenantID: tenant, UserID: user, RunID: run,
		Recipient: address, Data: MailData{By: by},
	}
}

// InviteNewcomers queues an invitation for everybody whom a run created, who can be
// invited and was not, and returns how many. One that is killed in the middle has
// invited some, and the next call invites the others.
func (s *Store) InviteNewcomers(ctx context.Context, run Run, by string) (int, error) {
	if run.Mode == crm.ModePreview {
		return 0, nil
	}
	invited, after := 0, int64(0)
	for {
		var people []User
		err := s.read(ctx, "list newcomers", func(ctx context.Context) error {
			people = nil
			return s.db.NewRaw(`SELECT u.id AS id, u.email AS email FROM `+newcomers+` AND u.id > ? AND `+mayBeInvited()+` AND `+newest+` IS NULL
				ORDER BY u.id LIMIT ?`, run.ID, after, invitePage).Scan(ctx, &people)
		})
		if err != nil || len(people) == 0 {
			return invited, err
		}
		mails := make([]QueuedMail, 0, len(people))
		for _, person := range people {
			after = person.ID
			mails = append(mails, invitation(run.TenantID, person.ID, run.ID, 0, person.Email, by))
		}
		err = s.repeat(ctx, "queue invitations", func(ctx context.Context) error { return queueMails(ctx, s.db, mails...) })
		if err != nil {
			return invited, err
		}
		invited += len(people)
	}
}
