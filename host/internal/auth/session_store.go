package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/alexedwards/scs/v2"

	"booking/host/internal/store"
)

const (
	keyAddress = "address"
	keyAgent   = "agent"
)

// sessionStore keeps scs sessions in the database, each with the person it belongs to
// beside it, so that a person's sessions can be listed and ended. scs hands over the
// token as its hash already (HashTokenInStore).
type sessionStore struct{ store *store.Store }

var _ scs.CtxStore = sessionStore{}

// FindCtx implements scs.CtxStore.
func (s sessionStore) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	return s.store.SessionData(ctx, []byte(token))
}

// CommitCtx implements scs.CtxStore.
func (s sessionStore) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	_, values, err := scs.GobCodec{}.Decode(data)
	if err != nil {
		return fmt.Errorf("read the session to be saved: %w", err)
	}
	row := store.Session{TokenHash: []byte(token), Data: data, ExpiresAt: expiry.UTC()}
	row.UserID, _ = values[keyUser].(int64)
	row.Address, _ = values[keyAddress].(string)
	row.Agent, _ = values[keyAgent].(string)
	return s.store.SaveSession(ctx, row)
}

// DeleteCtx implements scs.CtxStore.
func (s sessionStore) DeleteCtx(ctx context.Context, token string) error {
	return s.store.EndSession(ctx, []byte(token))
}

// Find implements scs.Store.
func (s sessionStore) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit implements scs.Store.
func (s sessionStore) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

// Delete implements scs.Store.
func (s sessionStore) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

// hashToken is how scs hashes a token.
func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return []byte(base64.RawURLEncoding.EncodeToString(sum[:]))
}
