package crm

import "time"

// Mode is what a run may do.
type Mode string

// The modes of a run.
const (
	ModeApply   Mode = "apply"
	ModePreview Mode = "preview" // plans and records, writes no user
	ModePerson  Mode = "person"  // apply, for SyncRequest.PersonID only
)

// Policy is what the tenant wants done in cases the rules leave open.
type Policy struct {
	// Leavers is "keep" (the default) or "deactivate".
	Leavers string
}

// SyncRequest asks for one run. RunID and Fence name the run's row in crm_runs:
// nothing is written once the row does not hold that fence any more.
type SyncRequest struct {
	Tenant   Tenant
	Settings Settings
	Mode     Mode
	// PersonID is the external id that ModePerson is about.
	PersonID string
	Policy   Policy
	RunID    int64
	Fence    int64
	// PlanID is the preview run whose plan, and no other, is to be applied;
	// PlanHash is what it came to. Both empty: plan afresh.
	PlanID   string
	PlanHash string
}

// Stage is what a run is doing.
type Stage string

// The stages of a run, in their order. A run may go back from writing to
// planning when rows were changed under its hands.
const (
	StageReading  Stage = "reading"
	StagePlanning Stage = "planning"
	StageWriting  Stage = "writing"
)

// Progress is where a run stands.
type Progress struct {
	Stage Stage
	// Done and Total count people; Total is 0 while nobody knows it.
	Done, Total int
	Requests    int
	// LimitedUntil is set while a portal's limit makes the run wait.
	LimitedUntil time.Time
}

// Action is what became of a person.
type Action string

// The actions, a closed list. People who are right already are only counted.
const (
	ActionCreated     Action = "created"
	ActionUpdated     Action = "updated"
	ActionSkipped     Action = "skipped"
	ActionConflict    Action = "conflict"
	ActionDeactivated Action = "deactivated"
	ActionReactivated Action = "reactivated"
	ActionReported    Action = "reported"
)

// Reason is why; empty where the action says it all. It is a closed list.
type Reason string

// The reasons of the rules of the sync.
const (
	ReasonLinked         Reason = "linked"          // updated: matched by e-mail and linked (rule 3)
	ReasonNoEmail        Reason = "no_email"        // skipped (rule 5)
	ReasonInvalid        Reason = "invalid"         // skipped: cannot be stored (rule 10)
	ReasonDuplicateEmail Reason = "duplicate_email" // conflict: another person gets the address (rule 6)
	ReasonEmailTaken     Reason = "email_taken"     // conflict: a row keeps the address (rule 7)
	ReasonAdminEmail     Reason = "admin_email"     // conflict: an administrator's address stays (rule 9)
	ReasonDuplicateLink  Reason = "duplicate_link"  // reported: a further row under one link (rule 3)
	ReasonGone           Reason = "gone"            // reported: not even found by id (rule 11)
)

// Change is the record of one person's decision.
type Change struct {
	ExternalID string
	UserID     int64 // 0 while there is no row
	Name       string
	Email      string
	Action     Action
	Reason     Reason
	// Field is the value that ReasonInvalid is about: id, name, email, phone or position.
	Field string
	// The other party of a conflict, when it belongs to the same tenant.
	OtherExternalID string
	OtherUserID     int64
	// Before and After hold the columns of a row that change, by column name. A value is
	// nil (NULL), a string, an int64 or a bool; other types arrive as one of these.
	// A preview's After is what would be written. The engine leaves both empty for
	// ActionCreated: the fields above say it, and the history has the whole row.
	Before, After map[string]any
}

// Counts of a run, in people.
// Created+Updated+Unchanged+Skipped+Conflicts = Fetched.
type Counts struct {
	Fetched, Created, Updated, Unchanged, Skipped, Conflicts, Deactivated int
}

// Synced is everybody whose row is right now.
func (c Counts) Synced() int { return c.Created + c.Updated + c.Unchanged }

// SyncResult is the end of a run that did not fail.
type SyncResult struct {
	Counts
	// Partial: somebody was skipped as ReasonInvalid.
	Partial bool
	// Held: leavers were too many to be deactivated (rule 11).
	Held     bool
	Portal   string
	Requests int
	// PlanHash names what was decided; a preview's hash can be applied later.
	PlanHash string
}
