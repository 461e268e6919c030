// Package health says whether this host can do its work, for load balancers and
// orchestrators: GET /readyz. Reasons are codes of a closed list with a sentence; no
// address, name or secret is in them.
package health

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"booking/host/internal/secrets"
	"booking/host/internal/store"
	"booking/migrations"
	"booking/shared/crm"
)

const (
	// patience is how long the database may take to answer.
	patience = 2 * time.Second
	// fresh is how long an answer is good: anybody may ask, and as often as they like.
	fresh = time.Second
)

// Reason is why a host is not ready.
type Reason struct {
	Code     string
	Sentence crm.Text
}

// The reasons, a closed list.
var (
	Draining   = Reason{"draining", crm.Text{RU: "хост останавливается", EN: "the host is about to stop"}}
	Database   = Reason{"database", crm.Text{RU: "база данных не отвечает", EN: "the database does not answer"}}
	KeyChanged = Reason{"key_changed", crm.Text{RU: "ключ шифрования сменили: перезапустите хост", EN: "the encryption key was changed: start this host again"}}
	Migrations = Reason{"migrations", crm.Text{RU: "не хватает таблиц: booking-host migrate up", EN: "tables are missing: booking-host migrate up"}}
)

// Checker looks whether the host is ready. It is safe for use by several goroutines.
type Checker struct {
	store *store.Store
	box   *secrets.Box
	sets  []migrations.Set
	clock func() time.Time

	draining atomic.Bool

	mu      sync.Mutex
	reasons []Reason
	until   time.Time
}

// New makes a Checker; sets are the migrations that the host needs.
func New(s *store.Store, box *secrets.Box, sets []migrations.Set, clock func() time.Time) *Checker {
	return &Checker{store: s, box: box, sets: sets, clock: clock}
}

// Drain makes the host unready for good: it is about to stop.
func (c *Checker) Drain() { c.draining.Store(true) }

// Ready returns why the host is not ready, nothing when it is. Whoever asks within a
// second of somebody else gets the same answer.
func (c *Checker) Ready(ctx context.Context) []Reason {
	if c.draining.Load() {
		return []Reason{Draining}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.clock(); !now.Before(c.until) {
		// Not the asker's context: one that hangs up must not decide for the others.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		c.reasons, c.until = c.look(ctx), now.Add(fresh)
	}
	return c.reasons
}

// look asks for one thing after the other; without a database nothing else is known.
func (c *Checker) look(ctx context.Context) []Reason {
	if err := c.store.DB().PingContext(ctx); err != nil {
		return []Reason{Database}
	}
	for _, set := range c.sets {
		if there, err := set.Satisfied(ctx, c.store.DB()); err != nil || !there {
			return []Reason{c.blame(ctx, Migrations)}
		}
	}
	if err := c.store.CheckKey(ctx, c.box); err != nil {
		return []Reason{c.blame(ctx, KeyChanged)}
	}
	return nil
}

// blame is the database where that has gone meanwhile, else what was found.
func (c *Checker) blame(ctx context.Context, found Reason) Reason {
	if err := c.store.DB().PingContext(ctx); err != nil {
		return Database
	}
	return found
}
