package store

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"booking/host/internal/secrets"
	"booking/shared/secret"
)

// Mail is a row of booking_mails: one message of the outbox.
type Mail struct {
	ID        int64
	To        string
	Subject   string
	Body      string
	CreatedAt time.Time
	ExpiresAt time.Time
}

type mailRow struct {
	bun.BaseModel `bun:"table:booking_mails"`

	ID        int64     `bun:"id,pk,autoincrement"`
	Recipient string    `bun:"recipient"`
	Subject   string    `bun:"subject"`
	Sealed    []byte    `bun:"sealed"`
	CreatedAt time.Time `bun:"created_at"`
	ExpiresAt time.Time `bun:"expires_at"`
}

func (r mailRow) place() secrets.Place { return secrets.Place{Plugin: "mail", Field: r.Recipient} }

// AddMail puts a message into the outbox until it is over.
func (s *Store) AddMail(ctx context.Context, box *secrets.Box, m Mail) error {
	row := mailRow{Recipient: m.To, Subject: m.Subject, CreatedAt: s.Clock().UTC(), ExpiresAt: m.ExpiresAt.UTC()}
	var err error
	if row.Sealed, err = box.Seal(row.place(), secret.New(m.Body)); err != nil {
		return fmt.Errorf("seal a mail: %w", err)
	}
	_, err = s.db.NewInsert().Model(&row).Exec(ctx)
	return databaseError("keep a mail", err)
}

// Mails lists the messages that are not over, the newest first. One that was sealed
// with an older key is left out.
func (s *Store) Mails(ctx context.Context, box *secrets.Box) ([]Mail, error) {
	var rows []mailRow
	err := s.read(ctx, "list the mails", func(ctx context.Context) error {
		rows = nil
		return s.db.NewSelect().Model(&rows).Where("expires_at > ?", s.Clock().UTC()).Order("id DESC").Limit(200).Scan(ctx)
	})
	mails := make([]Mail, 0, len(rows))
	for _, row := range rows {
		body, err := box.Open(row.place(), row.Sealed)
		if err != nil {
			continue
		}
		mails = append(mails, Mail{ID: row.ID, To: row.Recipient, Subject: row.Subject, Body: body.Reveal(), CreatedAt: row.CreatedAt, ExpiresAt: row.ExpiresAt})
	}
	return mails, err
}
