// Package mail brings mails to people. What is to be sent stands in the database, a
// row for each mail ([store.QueuedMail]), so that no host which dies loses one; the
// [Room] of any serving host has them written and sends them: by SMTP where a server
// is configured, else into the outbox, which the operator reads with `booking-host
// mail list` (and the demo on a page). What is said in a mail is for package notice.
package mail

import (
	"context"
	"time"

	"booking/host/internal/secrets"
	"booking/host/internal/store"
)

// Message is a mail of plain text.
type Message struct {
	To, Subject, Body string
	// ID tells this mail from others; the same mail sent twice has the same one, and
	// many mailboxes then show it once. Only letters, digits, dots and hyphens.
	ID string
	// Expires is when the text is worth nothing any more and may be removed.
	Expires time.Time
}

// Sender brings a message on its way. Why it does not is a *[Failure], or any other
// error for what is wrong here.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// Outbox keeps messages in the database, sealed.
type Outbox struct {
	Store *store.Store
	Box   *secrets.Box
}

var _ Sender = Outbox{}

// Send implements Sender.
func (o Outbox) Send(ctx context.Context, m Message) error {
	return o.Store.AddMail(ctx, o.Box, store.Mail{To: m.To, Subject: m.Subject, Body: m.Body, ExpiresAt: m.Expires})
}
