package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"booking/host/internal/store"
	"booking/shared/secret"
)

// What a token looks like, and how often it may be used.
const (
	// TokenPrefix is how every token of a machine begins, so that people and programs
	// that search for leaked secrets know one when they see it. 52 letters and digits
	// (A-Z, 2-7) follow, 260 bits.
	TokenPrefix = "booking_"
	// CallsAtOnce is how many calls a token may make in a row, CallEvery how long one
	// of them takes to come back.
	CallsAtOnce = 50
	CallEvery   = 200 * time.Millisecond
)

// Why a token lets nobody in.
var (
	ErrNoToken      = errors.New("the request has no bearer token")
	ErrTokenUnknown = errors.New("nobody knows this token")
	ErrTokenExpired = errors.New("the token's time is over")
	ErrTokenRevoked = errors.New("the token was revoked")
)

// AddToken makes a token for a machine and stores what it hashes to. The token itself
// is returned this once and kept nowhere.
func AddToken(ctx context.Context, s *store.Store, actor store.Actor, t *store.Token) (secret.Text, error) {
	token := TokenPrefix + rand.Text() + rand.Text()
	t.TokenHash = digest(token)
	if err := s.AddToken(ctx, actor, t); err != nil {
		return secret.Text{}, err
	}
	return secret.New(token), nil
}

// Machines lets machines in. It is safe for use by several goroutines.
type Machines struct {
	store *store.Store
	log   *slog.Logger
	clock func() time.Time
	calls *throttle
}

// NewMachines makes Machines.
func NewMachines(s *store.Store, log *slog.Logger, clock func() time.Time) *Machines {
	return &Machines{store: s, log: log, clock: clock, calls: newThrottle(clock, CallEvery, CallsAtOnce)}
}

// Who returns the token of a request and its tenant. The token comes in the header
// Authorization, scheme Bearer, and from nowhere else: no cookie, no address. Each one
// costs the same work, whatever is wrong with it: a hash and one look-up.
//
// Errors are those above, a *TooManyError, what the tenant's Refusal says, or the
// database's; the token is returned with them as far as it is known.
func (m *Machines) Who(ctx context.Context, header http.Header) (store.Token, store.Tenant, error) {
	given, err := bearer(header)
	if err != nil {
		return store.Token{}, store.Tenant{}, err
	}
	token, tenant, err := m.store.TokenByHash(ctx, digest(given))
	if errors.Is(err, store.ErrNotFound) {
		return store.Token{}, store.Tenant{}, ErrTokenUnknown
	}
	if err != nil {
		return store.Token{}, store.Tenant{}, err
	}
	return token, tenant, m.admit(ctx, token, tenant)
}

func (m *Machines) admit(ctx context.Context, token store.Token, tenant store.Tenant) error {
	if err := m.calls.take(strconv.FormatInt(token.ID, 10)); err != nil {
		return err
	}
	switch {
	case token.Revoked():
		return ErrTokenRevoked
	case token.Expired(m.clock()):
		return ErrTokenExpired
	}
	if err := tenant.Refusal(); err != nil {
		return err
	}
	if err := m.store.NoteTokenUse(ctx, token); err != nil {
		m.log.Debug("note the use of a token", "token", token.ID, "error", err.Error())
	}
	return nil
}

// bearer is the token of the one Authorization header.
func bearer(header http.Header) (string, error) {
	values := header.Values("Authorization")
	if len(values) == 0 {
		return "", ErrNoToken
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", ErrNoToken
	}
	if token = strings.TrimSpace(token); token == "" {
		return "", ErrNoToken
	}
	if len(values) > 1 {
		return "", ErrTokenUnknown
	}
	return token, nil
}
