// Package provider is the Bitrix24 plugin: it brings a portal's people (package rest)
// and the sync engine (package usersync) together behind the contract (package crm).
package provider

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"booking/migrations"
	"booking/plugin-bitrix24/internal/rest"
	"booking/shared/crm"
	"booking/shared/usersync"
)

// Provider implements [crm.Plugin]. One serves all tenants.
type Provider struct {
	// portals outlives Configure: a portal's limits do not care who asks.
	portals    *rest.Portals
	clock      rest.Clock // zero but in tests: the system's
	structures structures

	mu    sync.Mutex
	setup *setup
}

var _ crm.Plugin = (*Provider)(nil)

// New makes a Provider that still wants a Configure.
func New() *Provider {
	return &Provider{portals: rest.NewPortals()}
}

func (p *Provider) now() time.Time {
	if p.clock.Now == nil {
		return time.Now()
	}
	return p.clock.Now()
}

// setup is what one Configure said.
type setup struct {
	crm.Configuration
	transport *rest.Transport
	calls     sync.WaitGroup

	opening sync.Mutex
	db      *bun.DB // nil until somebody needs it
}

// database opens the database when it is first needed: the account may get its
// rights, and the server may come up, after Configure.
func (s *setup) database(ctx context.Context) (*bun.DB, error) {
	s.opening.Lock()
	defer s.opening.Unlock()
	if s.db != nil {
		return s.db, nil
	}
	if s.DSN.Empty() {
		return nil, errNotConfigured
	}
	db, err := usersync.WaitForDB(ctx, s.DSN)
	if err != nil {
		return nil, fmt.Errorf("set up the database: %w", err)
	}
	s.db = db
	return db, nil
}

// Configure implements [crm.Plugin]. Calls that run go on with the values they began
// with.
func (p *Provider) Configure(_ context.Context, c crm.Configuration) error {
	s := &setup{Configuration: c}
	var err error
	s.transport, err = rest.NewTransport(rest.Policy{HTTPPortals: c.HTTPPortals, Proxy: c.Proxy})
	if err != nil {
		return fmt.Errorf("set up calls to portals: %w", err)
	}
	p.mu.Lock()
	old := p.setup
	p.setup = s
	p.mu.Unlock()
	if old != nil {
		go old.close()
	}
	return nil
}

// close lets the calls that use the setup end first.
func (s *setup) close() {
	s.calls.Wait()
	s.transport.Close()
	if s.db != nil {
		_ = s.db.Close()
	}
}

var errNotConfigured = errors.New("the plugin was not configured")

// use returns the setup of now; done must be called after the last use.
func (p *Provider) use() (s *setup, done func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.setup == nil {
		return nil, nil, errNotConfigured
	}
	p.setup.calls.Add(1)
	return p.setup, p.setup.calls.Done, nil
}

// Migrate implements [crm.Plugin]. The DSN is used for this call only.
func (p *Provider) Migrate(ctx context.Context, m crm.Migration) (crm.MigrationResult, error) {
	db, err := usersync.WaitForDB(ctx, m.DSN)
	if err != nil {
		return crm.MigrationResult{}, fmt.Errorf("set up the database for the migration: %w", err)
	}
	defer func() { _ = db.Close() }()
	applied, err := migrations.Bitrix24.Up(ctx, db)
	if err != nil {
		return crm.MigrationResult{}, fmt.Errorf("bring the table users up: %w", err)
	}
	return crm.MigrationResult{Applied: applied}, nil
}
