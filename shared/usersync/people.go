package usersync

import (
	"context"

	"booking/shared/crm"
)

// People is the [Source] of a plugin that streams people (capability people): a
// host that runs the engine for it reads through one. Use it for one run.
type People struct {
	Plugin  crm.PeopleSource
	Request crm.PeopleRequest
	// Events gets the progress that the plugin reports.
	Events   crm.Events
	requests int
}

// Requests is how many requests to its portal the plugin has reported.
func (p *People) Requests() int { return p.requests }

// Read implements [Source]. What comes from a plugin is cleaned here; how much may
// come is limited by whoever runs its process (crmhost.Limits).
func (p *People) Read(ctx context.Context, yield func(Person) error) (Complete, error) {
	reading := &reading{people: p, yield: yield}
	if err := p.Plugin.ReadPeople(ctx, p.Request, reading); err != nil {
		return Complete{}, err
	}
	return Complete{People: reading.count}, nil
}

// reading is one call of Read: what the plugin's people and progress go to.
type reading struct {
	people *People
	yield  func(Person) error
	count  int
}

// Person implements [crm.PeopleEvents].
func (r *reading) Person(p crm.Person) error {
	r.count++
	return r.yield(Person{ExternalID: Clean(p.ExternalID), Name: Clean(p.Name), Email: Clean(p.Email), Phone: Clean(p.Phone), Position: Clean(p.Position)})
}

// Progress implements [crm.PeopleEvents]. A reading can report nothing but reading.
func (r *reading) Progress(progress crm.Progress) error {
	r.people.requests = max(r.people.requests, progress.Requests)
	progress.Stage = crm.StageReading
	return r.people.Events.Progress(progress)
}
