// Package auth decides who is on the other side of a request: sign-in with an e-mail
// address and a password of the shared users table, sessions in MySQL, recovery by a
// one-time link. The pages of web are its only caller.
//
// A session is believed only together with the person's row: role, activity, tenant
// and password are looked at on every request, so that whoever is deactivated or
// changes the password, here or in the server beside us, is out at once.
package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/alexedwards/scs/v2"

	"booking/host/internal/store"
	"booking/shared/secret"
	"booking/shared/usersync"
)

const (
	// lifetime is how long a sign-in lasts.
	lifetime = 12 * time.Hour
	// maxPassword bounds what is hashed; bcrypt itself reads 72 bytes.
	maxPassword = 1024
)

// Keys of a session's values.
const (
	keyUser   = "user"
	keyProof  = "proof"
	keyTenant = "tenant"
)

// ErrRefused is the one answer to an unknown address, a wrong password and a person
// who may not sign in.
var ErrRefused = errors.New("nobody signs in with this address and password")

// Options of a Gate.
type Options struct {
	Store *store.Store
	Log   *slog.Logger
	// Secure sets the Secure flag of the cookie: the pages are served by TLS.
	Secure bool
	Clock  func() time.Time
}

// Gate signs people in and out. It is safe for use by several goroutines.
type Gate struct {
	store     *store.Store
	log       *slog.Logger
	sessions  *scs.SessionManager
	clock     func() time.Time
	accounts  *throttle
	addresses *throttle
	links     *throttle
	codes     *throttle
	hashing   chan struct{}
	// closed: the first run is over, which never changes again.
	closed atomic.Bool
}

// New makes a Gate.
func New(o Options) *Gate {
	g := &Gate{
		store: o.Store, log: o.Log, clock: o.Clock, sessions: scs.New(),
		accounts:  newThrottle(o.Clock, 10*time.Second, 10),
		addresses: newThrottle(o.Clock, 2*time.Second, 30),
		links:     newThrottle(o.Clock, 5*time.Minute, 5),
		codes:     newThrottle(o.Clock, 10*time.Second, 10),
		hashing:   make(chan struct{}, atOnce()),
	}
	g.sessions.Store = sessionStore{o.Store}
	g.sessions.HashTokenInStore = true
	g.sessions.Lifetime = lifetime
	g.sessions.Cookie.Name = "booking_session"
	if o.Secure {
		// The prefix keeps other hosts of the domain from setting the cookie.
		g.sessions.Cookie.Name = "__Host-booking_session"
	}
	g.sessions.Cookie.Secure = o.Secure
	g.sessions.Cookie.SameSite = http.SameSiteLaxMode
	g.sessions.ErrorFunc = func(w http.ResponseWriter, _ *http.Request, err error) {
		o.Log.Error("sessions", "error", err.Error())
		http.Error(w, "База данных не ответила, обновите страницу. / The database did not answer, reload the page.", http.StatusServiceUnavailable)
	}
	return g
}

// Middleware loads the session of every request and saves it when it was changed.
func (g *Gate) Middleware(next http.Handler) http.Handler { return g.sessions.LoadAndSave(next) }

// SignIn starts a session for the person with this address and password. Whatever is
// wrong, the answer is ErrRefused after the same work; a *TooManyError says when the
// next try makes sense. from is the visitor's address, agent the browser's name.
func (g *Gate) SignIn(ctx context.Context, email string, password secret.Text, from Visitor) error {
	if err := g.mayTry(email, from); err != nil {
		return err
	}
	account, err := g.store.AccountByEmail(ctx, email)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	matches, err := g.compare(ctx, account.PasswordHash, password, !account.MaySignIn())
	if err != nil {
		return err
	}
	if !matches {
		return ErrRefused
	}
	g.accounts.forgive(accountKey(email))
	return g.begin(ctx, account, from)
}

func (g *Gate) mayTry(email string, from Visitor) error {
	if err := g.addresses.take(from.network()); err != nil {
		return err
	}
	return g.accounts.take(accountKey(email))
}

// begin puts the person into a session with a new token: one that was known before
// the sign-in is worth nothing after it.
func (g *Gate) begin(ctx context.Context, account store.Account, from Visitor) error {
	if err := g.sessions.RenewToken(ctx); err != nil {
		return err
	}
	if err := g.sessions.Clear(ctx); err != nil {
		return err
	}
	g.sessions.Put(ctx, keyUser, account.ID)
	g.sessions.Put(ctx, keyProof, proof(account.PasswordHash))
	g.sessions.Put(ctx, keyAddress, from.Address)
	g.sessions.Put(ctx, keyAgent, from.Agent)
	return nil
}

// Who returns the person of the request's session, with the tenant that was chosen in
// it; ErrNotFound of the store when there is none, or none that may be here any more.
func (g *Gate) Who(ctx context.Context) (store.Account, error) {
	id := g.sessions.GetInt64(ctx, keyUser)
	if id == 0 {
		return store.Account{}, store.ErrNotFound
	}
	account, err := g.store.AccountIn(ctx, id, g.sessions.GetInt64(ctx, keyTenant))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.Account{}, err
	}
	if err == nil && account.MaySignIn() && g.sessions.GetString(ctx, keyProof) == proof(account.PasswordHash) {
		return account, nil
	}
	if err := g.sessions.Destroy(ctx); err != nil {
		return store.Account{}, err
	}
	return store.Account{}, store.ErrNotFound
}

// SignOut ends the request's session.
func (g *Gate) SignOut(ctx context.Context) error { return g.sessions.Destroy(ctx) }

// SignOutOthers ends every other session of the request's person.
func (g *Gate) SignOutOthers(ctx context.Context) error {
	return g.store.EndSessions(ctx, g.sessions.GetInt64(ctx, keyUser), g.Current(ctx))
}

// SignOutOne ends one session of the request's person, chosen by its name ([SessionName]).
func (g *Gate) SignOutOne(ctx context.Context, name string) error {
	sessions, err := g.store.Sessions(ctx, g.sessions.GetInt64(ctx, keyUser))
	if err != nil {
		return err
	}
	for _, session := range sessions {
		if SessionName(session) == name {
			return g.store.EndSession(ctx, session.TokenHash)
		}
	}
	return nil // it has ended by itself
}

// SessionName tells a person's sessions apart on a page, and nothing else.
func SessionName(session store.Session) string {
	sum := sha256.Sum256(session.TokenHash)
	return hex.EncodeToString(sum[:8])
}

// Current is the hash under which the request's session is kept.
func (g *Gate) Current(ctx context.Context) []byte { return hashToken(g.sessions.Token(ctx)) }

// ChooseTenant remembers the tenant that a super administrator has chosen in this session.
func (g *Gate) ChooseTenant(ctx context.Context, id int64) { g.sessions.Put(ctx, keyTenant, id) }

func accountKey(email string) string { return usersync.Normalize(email) }
