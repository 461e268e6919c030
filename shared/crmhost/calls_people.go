package crmhost

import (
	"context"

	"booking/shared/crm"
)

// Limits of one reading beside those of the Limits: the engine holds all of it in
// memory.
const (
	maxPeople      = 2_000_000
	maxPeopleBytes = 512 << 20
)

var _ crm.PeopleSource = calls{}

// ReadPeople implements crm.PeopleSource. People are counted and pass as they are:
// usersync.People cleans them.
func (c calls) ReadPeople(ctx context.Context, q crm.PeopleRequest, out crm.PeopleEvents) error {
	source, ok := c.p.remote.(crm.PeopleSource)
	if !ok {
		return contradiction(nil, "плагин «%s» не умеет присылать сотрудников", "plugin %q cannot stream people", c.p.options.Found.Name)
	}
	c.remember(q.Settings)
	limits := c.p.options.Limits
	limits.Events, limits.Bytes = min(limits.Events, maxPeople), min(limits.Bytes, maxPeopleBytes)
	bounded := &peopleMeter{meter: meter{name: c.p.options.Found.Name, limits: limits}, to: out}
	return c.guard(ctx, func() error { return source.ReadPeople(ctx, q, bounded) })
}

// peopleMeter is the meter of a reading.
type peopleMeter struct {
	meter
	to crm.PeopleEvents
}

var _ crm.PeopleEvents = (*peopleMeter)(nil)

// Person implements crm.PeopleEvents.
func (m *peopleMeter) Person(p crm.Person) error {
	if err := m.count(1, int64(len(p.ExternalID)+len(p.Name)+len(p.Email)+len(p.Phone)+len(p.Position))); err != nil {
		return err
	}
	return m.to.Person(p)
}

// Progress implements crm.PeopleEvents.
func (m *peopleMeter) Progress(p crm.Progress) error {
	if err := m.count(1, 0); err != nil {
		return err
	}
	return m.to.Progress(p)
}
