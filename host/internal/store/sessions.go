package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"
)

// Session is a row of booking_sessions: one browser that is signed in.
type Session struct {
	bun.BaseModel `bun:"table:booking_sessions"`

	// TokenHash is what the cookie's token hashes to; the token itself is kept nowhere.
	TokenHash []byte    `bun:"token_hash,pk"`
	UserID    int64     `bun:"user_id"`
	Data      []byte    `bun:"data"`
	Address   string    `bun:"address"`
	Agent     string    `bun:"agent"`
	CreatedAt time.Time `bun:"created_at"`
	ExpiresAt time.Time `bun:"expires_at"`
}

// SaveSession writes a session, over the one with the same token if there is one.
func (s *Store) SaveSession(ctx context.Context, session Session) error {
	session.CreatedAt = s.Clock().UTC()
	_, err := s.db.NewInsert().Model(&session).On("DUPLICATE KEY UPDATE").
		Set("user_id = VALUES(user_id)").Set("data = VALUES(data)").Set("expires_at = VALUES(expires_at)").Exec(ctx)
	return databaseError("save a session", err)
}

// SessionData returns a session's data; found is false when there is none or it is over.
func (s *Store) SessionData(ctx context.Context, tokenHash []byte) (data []byte, found bool, err error) {
	err = s.read(ctx, "read a session", func(ctx context.Context) error {
		return s.db.NewSelect().Model((*Session)(nil)).Column("data").Where("token_hash = ?", tokenHash).
			Where("expires_at > ?", s.Clock().UTC()).Scan(ctx, &data)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	return data, err == nil, err
}

// Sessions lists a person's sessions that are not over, the newest first.
func (s *Store) Sessions(ctx context.Context, userID int64) ([]Session, error) {
	var sessions []Session
	err := s.read(ctx, "list sessions", func(ctx context.Context) error {
		sessions = nil
		return s.db.NewSelect().Model(&sessions).Where("user_id = ?", userID).
			Where("expires_at > ?", s.Clock().UTC()).Order("created_at DESC").Scan(ctx)
	})
	return sessions, err
}

// EndSession ends the session of a token.
func (s *Store) EndSession(ctx context.Context, tokenHash []byte) error {
	_, err := s.db.NewDelete().Model((*Session)(nil)).Where("token_hash = ?", tokenHash).Exec(ctx)
	return databaseError("end a session", err)
}

// EndSessions ends all sessions of a person but the one of the token except (nil: all).
func (s *Store) EndSessions(ctx context.Context, userID int64, except []byte) error {
	q := s.db.NewDelete().Model((*Session)(nil)).Where("user_id = ?", userID)
	if except != nil {
		q.Where("token_hash <> ?", except)
	}
	_, err := q.Exec(ctx)
	return databaseError("end a person's sessions", err)
}

// Sweep removes what is over: sessions, one-time links, first-run codes and mails.
func (s *Store) Sweep(ctx context.Context) error {
	for _, table := range []string{"booking_sessions", "booking_recoveries", "booking_first_run_codes", "booking_mails"} {
		if _, err := s.db.NewDelete().Table(table).Where("expires_at <= ?", s.Clock().UTC()).Exec(ctx); err != nil {
			return databaseError("remove what is over from "+table, err)
		}
	}
	return s.sweepMailQueue(ctx)
}
