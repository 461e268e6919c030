// Package mail brings one message at a time to a person: by SMTP where a server is
// configured, else into the outbox, which the operator reads with `booking-host mail
// list` (and the demo on a page). The pages' recovery is its only caller.
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
	// Expires is when the text is worth nothing any more and may be removed.
	Expires time.Time
}

// Sender brings a message on its way.
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
