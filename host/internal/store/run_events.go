package store

import (
	"context"
	"time"

	"booking/shared/crm"
)

// eventRunsLookedAt is how many of a tenant's newest runs are looked at: more than the
// caller allows within the time.
const eventRunsLookedAt = 50

// EventRuns is what a portal's events have led to lately.
type EventRuns struct {
	// People counts the runs for one person each (fifty at most).
	People int `bun:"people"`
	// Waiting is the tenant's run for everybody that waits, whoever asked for it; 0: none.
	Waiting int64 `bun:"waiting"`
}

// EventRuns tells it of a tenant, since a while ago, with one statement that reads the
// end of an index, however long the history is.
func (s *Store) EventRuns(ctx context.Context, tenantID int64, since time.Duration) (EventRuns, error) {
	var found EventRuns
	everybody := Run{TenantID: tenantID, Mode: crm.ModeApply}.queueKey()
	err := s.ask(ctx, "look what events have led to", func(ctx context.Context) error {
		return s.db.NewRaw(`SELECT
			(SELECT COUNT(*) FROM (SELECT mode, started_by, requested_at FROM crm_runs WHERE tenant_id = ? ORDER BY id DESC LIMIT ?) AS l
				WHERE l.mode = ? AND l.started_by = ? AND l.requested_at > UTC_TIMESTAMP(6) - INTERVAL ? MICROSECOND) AS people,
			(SELECT COALESCE(MAX(id), 0) FROM crm_runs WHERE queue_key = ? AND `+waits+` AND NOT `+postponed+`) AS waiting`,
			tenantID, eventRunsLookedAt, string(crm.ModePerson), TriggerEvent, since.Microseconds(), everybody).Scan(ctx, &found)
	})
	return found, err
}
