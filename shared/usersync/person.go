// Package usersync is the engine every CRM plugin uses: it reconciles the people
// of a portal with the rows of a tenant in the users table.
//
// A [Source] is read to its end, a pure planner decides about every person
// ([Draft], [Plan]), and Apply writes the plan in chunks, each one transaction
// with its history. The rules are those of the contract ("Rules of the sync");
// tests are named after them. The package never calls a portal and never knows
// one by name: the column of the link is a parameter.
package usersync

import "context"

// Person is somebody a portal's reading returned, cleaned by the source: trimmed,
// NFC, without control characters except those that make a value invalid (NUL).
// Empty means that the portal has no value.
type Person struct {
	ExternalID string
	Name       string
	Email      string // as the portal spells it, trimmed
	Phone      string
	Position   string
}

// Complete is the proof that a reading reached its end: without one there is no plan.
type Complete struct {
	// People is how many were yielded; the engine compares.
	People int
}

// Source is the only thing a plugin author must write to get the whole engine.
type Source interface {
	// Read hands every person to yield and returns Complete only when nobody can
	// be missing. It stops at yield's first error and returns it. A failed reading
	// returns an error, never a short list; a *crm.Error keeps its code.
	Read(ctx context.Context, yield func(Person) error) (Complete, error)
}

// Row is a row of users that belongs to the tenant.
type Row struct {
	ID       int64
	Name     string
	Email    string
	Link     string // "" for NULL too
	Role     string
	Phone    string
	Position string
}

// Administrator reports whether the row's address is out of a sync's reach (rule 9).
func (r Row) Administrator() bool { return r.Role == "admin" || r.Role == "super_admin" }
