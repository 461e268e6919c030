package usersync

import "booking/shared/crm"

// Options of a tenant's sync: which values beyond name and address are kept up.
type Options struct {
	Phone    bool
	Position bool
}

// Storable says what the users table can hold; see rule 10.
type Storable struct {
	Name, Email, Phone, Position, Link Column
}

// Column is a text column of users.
type Column struct {
	// MaxChars is its length in characters.
	MaxChars int
	// Charset is MySQL's name of its character set, for example "utf8mb4".
	Charset string
}

// Address is what the database says about one wanted address.
type Address struct {
	// Class is equal for two addresses exactly when the column's collation calls them equal.
	Class int
	// Holder is the row that occupies the class, in any tenant.
	Holder Holder
}

// Holder is who occupies an address class.
type Holder struct {
	Taken bool
	// RowID is the row of this tenant; 0 while Taken means that it is somebody else's,
	// of whom nothing may be told.
	RowID int64
}

// Values are what a decision writes; nil leaves a column alone. The link is written
// when Decision.SetLink is true.
type Values struct {
	Name, Email, Phone, Position *string
}

// Decision is what becomes of one person (or, as ActionReported, of one row).
type Decision struct {
	Person Person
	// Row is the person's row as it was read; nil when there is none.
	Row *Row
	// Action is empty for a person whose row is right already.
	Action crm.Action
	Reason crm.Reason
	// Field, OtherExternalID and OtherUserID explain the reason, see crm.Change.
	Field           string
	OtherExternalID string
	OtherUserID     int64
	// Set is what to write: for ActionCreated a whole new row, for everybody else
	// what differs. A conflict may carry values too (rule 8).
	Set     Values
	SetLink bool
	// Group joins decisions that must be one transaction, because addresses move
	// between their rows; 0 stands alone. Groups count from 1.
	Group int
}

// Plan is the decision about everybody, in the order of the external ids
// (numerically; invalid ids last, in byte order).
type Plan struct {
	Decisions []Decision
	Counts    crm.Counts
	// Hash is equal for two plans exactly when they decide the same.
	Hash string
}

// only is the part of a plan that is about one person: decided among everybody, as
// a whole run would, and with the people between whose rows addresses must move for
// it, for a group is carried out whole or not at all.
func (p Plan) only(externalID string) Plan {
	group := 0
	for _, d := range p.Decisions {
		if d.Person.ExternalID == externalID {
			group = max(group, d.Group)
		}
	}
	part := Plan{}
	for _, d := range p.Decisions {
		if d.Person.ExternalID != externalID && (group == 0 || d.Group != group) {
			continue
		}
		part.Decisions = append(part.Decisions, d)
		if d.Action != crm.ActionReported {
			count(&part.Counts, d)
		}
	}
	part.Hash = fingerprint(part)
	return part
}
