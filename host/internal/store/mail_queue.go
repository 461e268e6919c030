package store

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// MailKind says what a row of the queue is about.
type MailKind string

// The kinds of mail.
const (
	// MailLink is a one-time link that somebody asked for at the sign-in.
	MailLink MailKind = "link"
	// MailInvitation is a one-time link that an administrator sends to a newcomer.
	MailInvitation MailKind = "invitation"
	// MailAddress tells an old address that the person signs in with another one now.
	MailAddress MailKind = "address_changed"
	// MailRun tells an administrator that a run failed, was held or works again.
	MailRun MailKind = "run"
)

// The kinds of steps: work that queues mails.
const (
	// StepRunEnded judges whether the end of a run is worth telling.
	StepRunEnded MailKind = "run_ended"
	// StepAddresses finds the people whose address a run has changed.
	StepAddresses MailKind = "addresses"
)

// IsStep reports whether a row of the kind is work and no mail.
func (k MailKind) IsStep() bool { return k == StepRunEnded || k == StepAddresses }

// life is how long a mail is worth sending: a link that somebody asked for as long as
// the link would be good, news for longer than a mail server is away; 0 for a step,
// which has to be done whenever it is.
func (k MailKind) life() time.Duration {
	switch {
	case k.IsStep():
		return 0
	case k == MailLink:
		return time.Hour
	}
	return 3 * 24 * time.Hour
}

// What has become of a row of the queue.
const (
	MailWaiting = "waiting"
	MailSent    = "sent"
	// MailFailed: the mail server says that it will never arrive.
	MailFailed = "failed"
	// MailDropped: nobody needs it any more.
	MailDropped = "dropped"
)

// Lanes keep what somebody waits for from standing behind ten thousand others.
const (
	LaneUrgent = iota
	LanePlain
	LaneSteps
	lanes
)

// mailKept is how long a row that is over stays, so that lists can show it and nobody
// is invited twice.
const mailKept = 90 * 24 * time.Hour

// QueuedMail is a row of booking_mail_queue.
type QueuedMail struct {
	bun.BaseModel `bun:"table:booking_mail_queue,alias:m"`

	ID int64 `bun:"id,pk,autoincrement"`
	// Cause is what the row is there for: a second row with the same cause is not made.
	Cause    string   `bun:"cause"`
	Kind     MailKind `bun:"kind"`
	Lane     int      `bun:"lane"`
	TenantID int64    `bun:"tenant_id,nullzero"`
	UserID   int64    `bun:"user_id,nullzero"`
	RunID    int64    `bun:"run_id,nullzero"`
	// Recipient is the address; where UserID says who it is, that person's address at
	// the time of sending counts.
	Recipient string   `bun:"recipient"`
	Data      MailData `bun:"data,type:json"`
	Status    string   `bun:"status"`
	Attempt   int      `bun:"attempt"`
	// Fence is the right to end the row: it changes with every claim.
	Fence int64 `bun:"fence"`
	// Reason is why it is not sent (yet): a word of ours, or what the mail server said.
	Reason     string    `bun:"reason"`
	CreatedAt  time.Time `bun:"created_at"`
	DueAt      time.Time `bun:"due_at"`
	ExpiresAt  time.Time `bun:"expires_at,nullzero"`
	FinishedAt time.Time `bun:"finished_at,nullzero"`
	// Expired: it was not sent while it was worth sending.
	Expired bool `bun:"expired,scanonly"`
}

// MailData is what a mail of one kind or another has to say beside whom it is for.
// Nothing in it opens anything.
type MailData struct {
	// Locale is the language that was asked for; "" for the host's.
	Locale string `json:"locale,omitempty"`
	// NewAddress is masked.
	NewAddress string `json:"new_address,omitempty"`
	// Portal or By says who changed an address, By who invites.
	Portal string `json:"portal,omitempty"`
	By     string `json:"by,omitempty"`
	// Trouble is what a run met ("" when it works again), Before what it met until then.
	Trouble string `json:"trouble,omitempty"`
	Before  string `json:"before,omitempty"`
	// After is how far a step has come.
	After int64 `json:"after,omitempty"`
}

// QueueMail stores a mail. One with the same cause that is there already stays as it is.
func (s *Store) QueueMail(ctx context.Context, m QueuedMail) error {
	return s.repeat(ctx, "queue a mail", func(ctx context.Context) error { return queueMails(ctx, s.db, m) })
}

// queueMails stores mails of one kind, or steps; it is for transactions, too.
func queueMails(ctx context.Context, db bun.IDB, mails ...QueuedMail) error {
	if len(mails) == 0 {
		return nil
	}
	for i := range mails {
		mails[i].Status = MailWaiting
	}
	expires := "NULL"
	if life := mails[0].Kind.life(); life > 0 {
		expires = fmt.Sprintf("UTC_TIMESTAMP(6) + INTERVAL %d SECOND", int(life.Seconds()))
	}
	_, err := db.NewInsert().Model(&mails).
		Value("created_at", "UTC_TIMESTAMP(6)").Value("due_at", "UTC_TIMESTAMP(6)").Value("expires_at", expires).
		On("DUPLICATE KEY UPDATE").Set("cause = VALUES(cause)").Exec(ctx)
	return err
}
