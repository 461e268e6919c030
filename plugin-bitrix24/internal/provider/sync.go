package provider

import (
	"context"
	"time"

	"booking/plugin-bitrix24/internal/rest"
	"booking/shared/crm"
	"booking/shared/usersync"
)

// SyncUsers implements [crm.Plugin].
func (p *Provider) SyncUsers(ctx context.Context, r crm.SyncRequest, events crm.Events) (crm.SyncResult, error) {
	setup, done, err := p.use()
	if err != nil {
		return crm.SyncResult{}, err
	}
	defer done()
	s, problems := readSettings(r.Settings)
	if err := usable(problems); err != nil {
		return crm.SyncResult{}, err
	}
	db, err := setup.database(ctx)
	if err != nil {
		return crm.SyncResult{}, err
	}
	told := &told{Events: events}
	told.client, err = p.client(setup, s, requestLog{locale: setup.Locale, tenant: r.Tenant.ID, run: r.RunID}, told.limited, setup.LimitWait)
	if err != nil {
		return crm.SyncResult{}, err
	}
	engine := usersync.Engine{DB: db, Column: linkColumn}
	result, err := engine.Run(ctx, usersync.Request{
		Tenant: r.Tenant, Mode: r.Mode, PersonID: r.PersonID, RunID: r.RunID, Fence: r.Fence,
		PlanHash: r.PlanHash, Portal: s.webhook.Portal(),
		Options: usersync.Options{Phone: s.phone, Position: s.position},
	}, &source{settings: s, told: told}, told)
	result.Requests = told.client.Requests()
	if err != nil && ctx.Err() == nil {
		// A failure carries no result: the last progress says what it cost.
		_ = told.limited(time.Time{})
	}
	return result, err
}

// client makes the client of one call, which waits for limits up to wait in all.
func (p *Provider) client(setup *setup, s settings, log requestLog, limited func(time.Time) error, wait time.Duration) (*rest.Client, error) {
	return rest.New(rest.Options{
		Webhook: s.webhook, Transport: setup.transport, Portals: p.portals, Clock: p.clock,
		Rate: s.rate, LimitWait: wait, OnRequest: log.write, OnLimited: limited,
	})
}

// source is the portal as the engine reads it.
type source struct {
	settings settings
	told     *told
}

// Read implements [usersync.Source].
func (s *source) Read(ctx context.Context, yield func(usersync.Person) error) (usersync.Complete, error) {
	query := rest.Query{Phone: s.settings.phone, Position: s.settings.position}
	var err error
	if query.Departments, err = departments(ctx, s.told.client, s.settings.departments); err != nil {
		return usersync.Complete{}, err
	}
	complete, err := s.told.client.ReadPeople(ctx, query, s.told.reading, func(person rest.Person) error {
		return yield(usersync.Person{
			ExternalID: person.ID, Name: person.Name, Email: person.Email, Phone: person.Phone, Position: person.Position,
		})
	})
	if err != nil {
		return usersync.Complete{}, err
	}
	return usersync.Complete{People: complete.People()}, nil
}

// departments are those of the settings with everything below them.
func departments(ctx context.Context, client *rest.Client, ids []string) ([]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	tree, err := client.Departments(ctx)
	if err != nil {
		return nil, err
	}
	return rest.Below(tree, ids)
}

// told passes events on to the host and adds what only the reading knows: how many
// requests there were and what a limit makes us wait for.
type told struct {
	crm.Events
	client *rest.Client
	last   crm.Progress
}

// Progress implements [crm.Events]. People are handed to the engine when all of them
// have been read: its own counting up would seem to begin the reading anew.
func (t *told) Progress(p crm.Progress) error {
	if p.Stage == crm.StageReading && p.Total == 0 {
		return nil
	}
	p.Requests = t.client.Requests()
	return t.Events.Progress(p)
}

func (t *told) reading(p rest.Progress) error {
	t.last = crm.Progress{Stage: crm.StageReading, Done: p.People, Total: max(p.Total, 0), Requests: p.Requests}
	return t.Events.Progress(t.last)
}

func (t *told) limited(until time.Time) error {
	p := t.last
	p.Stage, p.Requests, p.LimitedUntil = crm.StageReading, t.client.Requests(), until
	return t.Events.Progress(p)
}
