package runs

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"booking/host/internal/hosttest"
	"booking/host/internal/secrets"
	"booking/host/internal/store"
	"booking/migrations"
	"booking/shared/crm"
	"booking/shared/testdb"
)

// fixture is a service on a database of its own, with a plugin made of functions.
type fixture struct {
	*Service
	t         *testing.T
	dsn, data string
	plugin    *scripted
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	ctx := t.Context()
	dsn, data := testdb.New(t), t.TempDir()
	db := hosttest.Database(t, dsn, migrations.Bitrix24)
	box, err := secrets.Unlock(ctx, db, secrets.Options{DataDir: data})
	if err != nil {
		t.Fatal(err)
	}
	plugin := &scripted{}
	return &fixture{t: t, dsn: dsn, data: data, plugin: plugin, Service: &Service{
		Store: store.New(db), Box: box, Plugins: plugin, Log: slog.New(slog.DiscardHandler), Lease: 10 * time.Second, Host: "test", Locale: "en",
	}}
}

// tenant makes a connected tenant.
func (f *fixture) tenant(name string) int64 {
	f.t.Helper()
	tenant, err := f.Store.AddTenant(f.t.Context(), name)
	if err != nil {
		f.t.Fatal(err)
	}
	_, err = f.Store.EditConnection(f.t.Context(), f.Box, tenant.ID, func(e *store.ConnectionEdit) error {
		e.UsePlugin("scripted")
		e.Portal = "portal.example"
		return nil
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return tenant.ID
}

func (f *fixture) sync(ctx context.Context, tenant int64) Outcome {
	f.t.Helper()
	outcome, err := f.Sync(ctx, Request{TenantID: tenant, Mode: crm.ModeApply, Trigger: "cli"}, nobody{})
	if err != nil {
		f.t.Fatal(err)
	}
	return outcome
}

// until polls the run's row until it has the status.
func (f *fixture) until(run int64, status store.Status) store.Run {
	f.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		row, err := f.Store.Run(f.t.Context(), run)
		if err != nil {
			f.t.Fatal(err)
		}
		if row.Status == status {
			return row
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("run %d is %s, not %s", run, row.Status, status)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// scripted is a plugin whose SyncUsers is a function.
type scripted struct {
	unscripted
	run func(ctx context.Context, r crm.SyncRequest, events crm.Events) (crm.SyncResult, error)
}

// unscripted is every other call of a plugin: none of them is made here.
type unscripted interface{ crm.Plugin }

var errNotScripted = errors.New("no script for this call")

func (s *scripted) Plugin(context.Context, string) (crm.Plugin, crm.Description, func(), error) {
	return s, crm.Description{Name: "scripted", ExternalIDColumn: "bitrix24_user_id"}, func() {}, nil
}

func (s *scripted) SyncUsers(ctx context.Context, r crm.SyncRequest, events crm.Events) (crm.SyncResult, error) {
	if s.run == nil {
		return crm.SyncResult{}, errNotScripted
	}
	return s.run(ctx, r, events)
}

// gate lets a script say that it has begun and wait to be let on.
type gate struct{ entered, open chan struct{} }

func newGate() gate { return gate{entered: make(chan struct{}, 16), open: make(chan struct{})} }

func (g gate) pass(ctx context.Context, _ crm.SyncRequest, _ crm.Events) (crm.SyncResult, error) {
	g.entered <- struct{}{}
	select {
	case <-g.open:
		return crm.SyncResult{}, nil
	case <-ctx.Done():
		return crm.SyncResult{}, ctx.Err()
	}
}

func (g gate) waitEntered(t *testing.T) {
	t.Helper()
	select {
	case <-g.entered:
	case <-time.After(20 * time.Second):
		t.Fatal("no run began")
	}
}
