package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"

	"booking/shared/usersync"
)

// AskForLink queues the mail with a one-time link for the person of an address, in the
// language that was asked in. Whether there is such a person nobody looks at here; what
// cannot be an address is nobody's.
func (s *Store) AskForLink(ctx context.Context, address, locale string) error {
	if address = usersync.Normalize(address); !isAddress(address) {
		return nil
	}
	return s.QueueMail(ctx, QueuedMail{Cause: "link:" + rand.Text(), Kind: MailLink, Lane: LaneUrgent, Recipient: address, Data: MailData{Locale: locale}})
}

// NoteLink remembers whom a one-time link was sent to, so that whoever opens it when it
// is over can ask for a new one.
func (s *Store) NoteLink(ctx context.Context, m QueuedMail, user int64, tokenHash []byte) error {
	return s.settleMail(ctx, "note a link", `UPDATE booking_mail_queue SET user_id = ?, token_hash = ? WHERE id = ? AND fence = ?`, user, tokenHash, m.ID, m.Fence)
}

// LinkOwner finds the person a one-time link was sent to, whether or not it still
// opens anything; ErrNotFound when nobody knows it (any more).
func (s *Store) LinkOwner(ctx context.Context, tokenHash []byte) (Account, error) {
	var user int64
	err := s.read(ctx, "look whom a link was sent to", func(ctx context.Context) error {
		return s.db.NewSelect().Model((*QueuedMail)(nil)).Column("user_id").Where("m.token_hash = ?", tokenHash).
			Where("m.user_id IS NOT NULL").Order("m.id DESC").Limit(1).Scan(ctx, &user)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Account{}, noLink()
	}
	if err != nil {
		return Account{}, err
	}
	return s.Account(ctx, user)
}
