// Package notice decides what people are told by mail, when and in which words:
// one-time links, invitations, a changed address, a sync that failed or works again.
// How a mail gets to its reader is for package mail, whose [mail.Writer] it is.
//
// Who is told of a run: the tenant's active administrators, of runs that came out of
// the queue (schedule, button, API, event, `sync-users --queue`), because nobody has to
// be looking at those; a foreground `sync-users` and every preview tell on the screen.
package notice

import (
	"context"
	"errors"
	"fmt"
	"time"

	"booking/host/internal/mail"
	"booking/host/internal/store"
)

// shown is how long the outbox of a host without a mail server keeps a mail.
const shown = 30 * 24 * time.Hour

// Why a mail is not needed any more.
const (
	// ReasonInside: the person has set a password meanwhile.
	ReasonInside = "inside"
	// ReasonInactive: the person may not sign in.
	ReasonInactive = "inactive"
	// ReasonOutdated: something newer is true, and that is told.
	ReasonOutdated = "outdated"
	// ReasonSwitchedOff: the tenant does not want to be told.
	ReasonSwitchedOff = "switched_off"
)

// Writer writes every kind of mail.
type Writer struct {
	Store *store.Store
	// PublicURL is what links begin with.
	PublicURL string
	// Locale is the language of whoever has not chosen one.
	Locale string
	// Zone is that of tenants whose schedule names none.
	Zone *time.Location
}

var _ mail.Writer = Writer{}

// Write implements mail.Writer.
func (w Writer) Write(ctx context.Context, m store.QueuedMail) (mail.Message, error) {
	write := map[store.MailKind]func(context.Context, store.QueuedMail) (mail.Message, error){
		store.MailLink: w.link, store.MailInvitation: w.invitation, store.MailAddress: w.address, store.MailRun: w.run,
	}[m.Kind]
	if write == nil {
		return mail.Message{}, fmt.Errorf("write a mail: nobody knows the kind %q", m.Kind)
	}
	message, err := write(ctx, m)
	if message.Expires.IsZero() {
		message.Expires = w.Store.Clock().Add(shown)
	}
	return message, err
}

// Step implements mail.Writer.
func (w Writer) Step(ctx context.Context, m store.QueuedMail, lease time.Duration) error {
	switch m.Kind {
	case store.StepRunEnded:
		return w.judge(ctx, m)
	case store.StepAddresses:
		return w.Store.QueueAddressNotices(ctx, m, lease)
	}
	return fmt.Errorf("carry out a step: nobody knows the kind %q", m.Kind)
}

func dropped(reason string) error { return &mail.DroppedError{Reason: reason} }

// reader is the person a mail is for, as things are now; a *mail.DroppedError when it
// is nobody who may sign in.
func (w Writer) reader(ctx context.Context, user int64) (store.Account, error) {
	account, err := w.Store.Account(ctx, user)
	if errors.Is(err, store.ErrNotFound) || (err == nil && !account.MaySignIn()) {
		return store.Account{}, dropped(ReasonInactive)
	}
	return account, err
}
