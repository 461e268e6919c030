package crm

import "context"

// PeopleSource is what a plugin of the capability people is beside [Plugin], and
// all its author must write: see [ServePeople]. A host finds the same interface
// on the other side of the process boundary.
type PeopleSource interface {
	// ReadPeople hands everybody in the tenant's portal to out and returns nil only
	// when nobody can be missing: from then on who was not handed over is not there.
	// It stops at out's first error, or when ctx ends, and returns that error. A
	// reading that may be incomplete returns an error, never a short list; an
	// [*Error] keeps its code.
	ReadPeople(ctx context.Context, r PeopleRequest, out PeopleEvents) error
}

// PeopleRequest asks for everybody in a tenant's portal.
type PeopleRequest struct {
	Tenant   Tenant
	Settings Settings
	// RunID is for log lines; 0 when the reading belongs to no run.
	RunID int64
}

// PeopleEvents receives what a reading finds. An error means that nobody listens
// any more: stop.
type PeopleEvents interface {
	// Person takes one person; batches are made on the way.
	Person(Person) error
	// Progress is for readings that take long, or have to wait for a limit.
	Progress(Progress) error
}

// Person is an active employee as the portal knows them. Empty means that the
// portal has no value: what the host has then stays. The host cleans the values.
type Person struct {
	// ExternalID is a whole number from 1 to 2^63-1, without leading zeros.
	ExternalID string
	Name       string
	Email      string
	Phone      string
	Position   string
}

// PeopleFunc is a function as a [PeopleSource].
type PeopleFunc func(ctx context.Context, r PeopleRequest, out PeopleEvents) error

// ReadPeople implements [PeopleSource].
func (f PeopleFunc) ReadPeople(ctx context.Context, r PeopleRequest, out PeopleEvents) error {
	return f(ctx, r, out)
}

// HostSyncs reports whether it is the host who writes this plugin's people: it
// streams them and does not write users itself.
func (d Description) HostSyncs() bool {
	return d.Has(CapabilityPeople) && !d.Has(CapabilitySyncUsers)
}
