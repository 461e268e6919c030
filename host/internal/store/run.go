package store

import (
	"fmt"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"booking/shared/crm"
)

// Status is where a run stands; a closed list that scripts rely on.
type Status string

// The statuses of a run. Partial: finished, but somebody could not be stored.
// NotConfigured never stands in a row: nothing was started.
const (
	StatusQueued        Status = "queued"
	StatusRunning       Status = "running"
	StatusSucceeded     Status = "succeeded"
	StatusPartial       Status = "partial"
	StatusFailed        Status = "failed"
	StatusCancelled     Status = "cancelled"
	StatusInterrupted   Status = "interrupted"
	StatusNotConfigured Status = "not_configured"

	// StatusReserved is a run that a slot has not got yet ([Store.StartSlots]): nobody
	// sees it, in no list and in no queue.
	StatusReserved Status = "reserved"

	// statusWaiting stands in the row of a queued run that the former release must not
	// carry out, because it knows nothing of what is asked: it looks for 'queued' alone.
	// Whoever reads the row is told StatusQueued.
	statusWaiting Status = "waiting"
)

// waits is true of a run in the queue, in SQL.
const waits = `status IN ('queued', 'waiting')`

// Scan implements sql.Scanner.
func (s *Status) Scan(value any) error {
	switch value := value.(type) {
	case []byte:
		*s = Status(value)
	case string:
		*s = Status(value)
	default:
		return fmt.Errorf("a run's status is a %T", value)
	}
	if *s == statusWaiting {
		*s = StatusQueued
	}
	return nil
}

// Run is a row of crm_runs. Times are UTC and the database's own, so that the
// clocks of several hosts need not agree.
type Run struct {
	bun.BaseModel `bun:"table:crm_runs,alias:r"`

	ID       int64    `bun:"id,pk,autoincrement"`
	TenantID int64    `bun:"tenant_id"`
	Plugin   string   `bun:"plugin"`
	Portal   string   `bun:"portal"`
	Mode     crm.Mode `bun:"mode"`
	// PersonID is the external id that crm.ModePerson is about.
	PersonID string `bun:"person_id"`
	// PlanID is the preview that is to be applied exactly; 0 for none. PlanHash is what
	// it came to until the run has a plan of its own.
	PlanID int64 `bun:"plan_id,nullzero"`
	// Trigger is who asked: cli, button, schedule, api or event.
	Trigger string `bun:"started_by"`
	Status  Status `bun:"status"`
	// Fence is the right to write: it changes when the run ends or changes hands.
	Fence      int64     `bun:"fence"`
	Attempt    int       `bun:"attempt"`
	Host       string    `bun:"host"`
	LeaseUntil time.Time `bun:"lease_until,nullzero"`
	// Place is the run's place at its portal ("portal#1") while it goes on; "" where
	// places are not counted. ClaimRun takes it.
	Place string `bun:"active_portal,nullzero"`
	// Lost is how often the run lost its host.
	Lost int `bun:"lost"`
	// RetryOf is the run whose retry this is, and Retry which of them, from 1.
	RetryOf int64 `bun:"retry_of,nullzero"`
	Retry   int   `bun:"retry"`
	// NotBefore is when a retry, or a run with a Delay, may begin; zero once it has begun.
	NotBefore time.Time `bun:"not_before,nullzero"`
	// QueueAt is the run's turn in the queue.
	QueueAt time.Time `bun:"queue_at"`

	Fetched     int `bun:"fetched"`
	Created     int `bun:"created"`
	Updated     int `bun:"updated"`
	Unchanged   int `bun:"unchanged"`
	Skipped     int `bun:"skipped"`
	Conflicts   int `bun:"conflicts"`
	Deactivated int `bun:"deactivated"`
	Requests    int `bun:"requests"`
	Held        bool
	PlanHash    string `bun:"plan_hash"`

	ErrorCode crm.Code `bun:"error_code,nullzero"`
	ErrorRU   string   `bun:"error_ru,nullzero"`
	ErrorEN   string   `bun:"error_en,nullzero"`

	RequestedAt time.Time `bun:"requested_at"`
	StartedAt   time.Time `bun:"started_at,nullzero"`
	FinishedAt  time.Time `bun:"finished_at,nullzero"`

	// Delay is how long the run is to wait at least when it is queued ([Store.EnqueueRun]).
	Delay time.Duration `bun:"-"`
	// PortalSaid is how long a portal that was asked too much wants to be left alone;
	// the end of a rate_limited run carries it ([Store.FinishRun]).
	PortalSaid time.Duration `bun:"-"`
}

// Postponed reports whether the run's time has not come (a retry's, mostly): nothing goes
// on, and whoever asks for a run does not wait for it.
func (r Run) Postponed(now time.Time) bool {
	return r.Status == StatusQueued && r.NotBefore.After(now)
}

// Outdated reports whether the run was to apply a preview that was not true any more:
// nothing was written, and nothing is wrong.
func (r Run) Outdated() bool {
	return r.PlanID != 0 && r.Status == StatusFailed && r.ErrorCode == crm.CodeInternal
}

// queuedStatus is what a run has in its row while it waits.
func (r Run) queuedStatus() Status {
	if r.PersonID != "" || r.PlanID != 0 || r.RetryOf != 0 {
		return statusWaiting
	}
	return StatusQueued
}

// queueKey says what is asked for: of each, one waits.
func (r Run) queueKey() string {
	plan := ""
	if r.PlanID != 0 {
		plan = strconv.FormatInt(r.PlanID, 10)
	}
	return fmt.Sprintf("%d/%s/%s/%s", r.TenantID, r.Mode, plan, r.PersonID)
}

// againKey is for what waits beside somebody who has its key.
func (r Run) againKey() string { return fmt.Sprintf("%d/again/%d", r.TenantID, r.ID) }

// noTurn is the year of queue_at in a row that never got a turn: its default.
const noTurn = 2000

// queuedOnce: the run came from the queue, where it got its turn. One that began in the
// foreground has none, nor have the former release's; of those, a foreground run has its
// two times from one statement. (Of the others the times say nothing: on a cluster they
// are two servers'.)
func (r Run) queuedOnce() bool {
	return r.QueueAt.Year() > noTurn || r.StartedAt.After(r.RequestedAt)
}

// Counts returns the run's counters as the contract names them.
func (r Run) Counts() crm.Counts {
	return crm.Counts{
		Fetched: r.Fetched, Created: r.Created, Updated: r.Updated, Unchanged: r.Unchanged,
		Skipped: r.Skipped, Conflicts: r.Conflicts, Deactivated: r.Deactivated,
	}
}

// SetCounts stores c in the run.
func (r *Run) SetCounts(c crm.Counts) {
	r.Fetched, r.Created, r.Updated, r.Unchanged = c.Fetched, c.Created, c.Updated, c.Unchanged
	r.Skipped, r.Conflicts, r.Deactivated = c.Skipped, c.Conflicts, c.Deactivated
}

// SetError stores a failure's code and both its sentences.
func (r *Run) SetError(code crm.Code, message crm.Text) {
	r.ErrorCode, r.ErrorRU, r.ErrorEN = code, message.RU, message.EN
}

// Duration is how long the run took, or has taken until now.
func (r Run) Duration(now time.Time) time.Duration {
	if r.StartedAt.IsZero() {
		return 0
	}
	if !r.FinishedAt.IsZero() {
		now = r.FinishedAt
	}
	return max(0, now.Sub(r.StartedAt))
}
