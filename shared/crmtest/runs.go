package crmtest

import (
	"context"
	"fmt"
	"sync"

	"booking/shared/crm"
	"booking/shared/usersync"
)

// run is one sync, as a host does it.
type run struct {
	tenant   int64
	mode     crm.Mode
	person   string
	fence    int64
	settings map[string]string
	// on is called with every event; an error stops the run.
	on func() error
}

// told is what a run said.
type told struct {
	mu      sync.Mutex
	on      func() error
	changes []crm.Change
	stages  []crm.Stage
	people  []crm.Person
}

var (
	_ crm.Events       = (*told)(nil)
	_ crm.PeopleEvents = (*told)(nil)
)

// Progress implements crm.Events and crm.PeopleEvents.
func (t *told) Progress(p crm.Progress) error {
	t.mu.Lock()
	t.stages = append(t.stages, p.Stage)
	t.mu.Unlock()
	return t.event()
}

// Changes implements crm.Events.
func (t *told) Changes(changes []crm.Change) error {
	t.mu.Lock()
	t.changes = append(t.changes, changes...)
	t.mu.Unlock()
	return t.event()
}

// Person implements crm.PeopleEvents.
func (t *told) Person(p crm.Person) error {
	t.mu.Lock()
	t.people = append(t.people, p)
	t.mu.Unlock()
	return t.event()
}

func (t *told) event() error {
	if t.on == nil {
		return nil
	}
	return t.on()
}

// count is how many changes there were of an action.
func (t *told) count(action crm.Action) int {
	n := 0
	for _, c := range t.changes {
		if c.Action == action {
			n++
		}
	}
	return n
}

// sync carries out a run on a session: the plugin does, or the engine here with the
// plugin's people.
func (x *exam) sync(ctx context.Context, s *session, r run) (crm.SyncResult, *told, error) {
	events := &told{on: r.on}
	if r.settings == nil {
		r.settings = x.Settings
	}
	if r.mode == "" {
		r.mode = crm.ModeApply
	}
	if r.fence == 0 {
		r.fence = fence
	}
	id, err := x.house.run(ctx, max(r.tenant, 1), r.mode)
	if err != nil {
		return crm.SyncResult{}, events, x.fault(err)
	}
	tenant := crm.Tenant{ID: r.tenant, Name: fmt.Sprintf("Tenant %d", r.tenant)}
	if !x.description.HostSyncs() {
		result, err := s.client.SyncUsers(ctx, crm.SyncRequest{
			Tenant: tenant, Settings: settings(r.settings), Mode: r.mode, PersonID: r.person,
			Policy: crm.Policy{Leavers: "keep"}, RunID: id, Fence: r.fence,
		}, events)
		return result, events, err
	}
	db, err := usersync.OpenDB(x.house.narrow)
	if err != nil {
		return crm.SyncResult{}, events, x.fault(err)
	}
	defer db.Close()
	engine := usersync.Engine{DB: db, Column: x.description.ExternalIDColumn}
	result, err := engine.Run(ctx, usersync.Request{
		Tenant: tenant, Mode: r.mode, PersonID: r.person, RunID: id, Fence: r.fence, Options: usersync.Options{Phone: true, Position: true},
	}, &usersync.People{Plugin: s.client, Request: crm.PeopleRequest{Tenant: tenant, Settings: settings(r.settings), RunID: id}, Events: events}, events)
	return result, events, err
}

// read is the first half of a run, without a database: what mid-run checks need.
func (x *exam) read(ctx context.Context, s *session, tenant int64, values map[string]string, on func() error) (*told, error) {
	events := &told{on: on}
	err := s.client.ReadPeople(ctx, crm.PeopleRequest{Tenant: crm.Tenant{ID: tenant}, Settings: settings(values)}, events)
	return events, err
}

// begin starts a long run and returns when its first event has come; its end arrives
// on ended.
func (x *exam) begin(ctx context.Context, s *session) (ended <-chan error, err error) {
	first, end := make(chan struct{}), make(chan error, 1)
	var once sync.Once
	on := func() error { once.Do(func() { close(first) }); return nil }
	if !x.description.HostSyncs() {
		if _, err := x.ready(ctx); err != nil {
			return nil, err
		}
	}
	go func() {
		if x.description.HostSyncs() {
			_, err := x.read(ctx, s, tenantA, x.Many, on)
			end <- err
			return
		}
		_, _, err := x.sync(ctx, s, run{tenant: tenantA, settings: x.Many, on: on})
		end <- err
	}()
	select {
	case <-first:
		return end, nil
	case err := <-end:
		return nil, fmt.Errorf("a run with many people ended before its first event: %w", err)
	case <-ctx.Done():
		return nil, fmt.Errorf("a run with many people sends no event: %w", ctx.Err())
	}
}
