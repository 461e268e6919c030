package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"booking/shared/crm"
)

// FinishRun ends a run with the counters it carries. A run that did not come to
// a result of its own (failed, cancelled) is counted from its history instead:
// that is what was really written. The row's lock makes the statement wait for a
// chunk whose transaction is still open, and the new fence stops the next one.
// After an error it may be called again: an end that was written, though nobody was
// told, is found so.
func (s *Store) FinishRun(ctx context.Context, run *Run) error {
	err := s.write(ctx, "finish a run", func(ctx context.Context, tx bun.Tx) error {
		result, err := tx.NewRaw(`UPDATE crm_runs SET status = ?, active_tenant = NULL, active_portal = NULL, lease_until = NULL, fence = fence + 1,
			finished_at = UTC_TIMESTAMP(6), error_code = ?, error_ru = ?, error_en = ?, held = ?, plan_hash = ?, requests = ?
			WHERE id = ? AND fence = ? AND status = 'running'`,
			string(run.Status), nullable(string(run.ErrorCode)), nullable(run.ErrorRU), nullable(run.ErrorEN), run.Held, run.PlanHash, run.Requests,
			run.ID, run.Fence).Exec(ctx)
		if err != nil {
			return err
		}
		if err := leaseHeld(result); err != nil {
			return err
		}
		return ended(ctx, tx, run)
	})
	lost := errors.Is(err, ErrLeaseLost)
	if err != nil && !lost {
		return err
	}
	now, err := s.Run(ctx, run.ID)
	if err != nil {
		return err
	}
	// Nobody else ends a run as this, and the next fence is that of its end.
	if lost && (now.Status != run.Status || now.Fence != run.Fence+1) {
		return ErrLeaseLost
	}
	now.PortalSaid, *run = run.PortalSaid, now
	return nil
}

// ended does what belongs to a run's end, however it came, in the transaction that wrote
// it: all of it happens once, or the run has not ended. run.Status is its end.
func ended(ctx context.Context, tx bun.Tx, run *Run) error {
	if run.Status != StatusSucceeded && run.Status != StatusPartial {
		counts, err := countChanges(ctx, tx, run.ID)
		if err != nil {
			return err
		}
		run.SetCounts(counts)
	}
	if err := storeCounts(ctx, tx, *run); err != nil {
		return err
	}
	if err := noteHealth(ctx, tx, run.ID); err != nil {
		return err
	}
	if err := noteRunEnd(ctx, tx, *run); err != nil {
		return err
	}
	return queueRetry(ctx, tx, *run)
}

// ReturnRun puts a claimed run back into the queue: its host is going away. What
// was written stays, and the next attempt finds it right already.
func (s *Store) ReturnRun(ctx context.Context, run Run) error {
	err := s.write(ctx, "put a run back into the queue", func(ctx context.Context, tx bun.Tx) error {
		var now Run
		err := tx.NewSelect().Model(&now).Where("r.id = ?", run.ID).Where("r.fence = ?", run.Fence).Where("r.status = 'running'").For("UPDATE").Scan(ctx)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrLeaseLost
		}
		if err != nil {
			return err
		}
		return handBack(ctx, tx, now, AttemptReturned)
	})
	if errors.Is(err, ErrLeaseLost) {
		return ErrLeaseLost
	}
	return err
}

// enoughAttempts is how often a run may lose its host before it is left alone: it may
// be the run that brings them down.
const enoughAttempts = 5

// suspectFrom is how often a run lost its host when it may be the reason.
const suspectFrom = 2

// Suspect reports whether the run may be the one that brings its hosts down. A host
// carries out one such run at a time: so the guilty one is found out, and the others
// that were lost with it come to their end.
func (r Run) Suspect() bool { return r.Lost >= suspectFrom }

// settle takes a run whose lease has run out from its host, unless somebody has done
// so meanwhile. One that came from the queue goes back there, and whoever claims it
// continues it: what is written stays and is right already. One that somebody ran in
// the foreground ends as interrupted. The new fence keeps the old host from writing
// when it was only asleep.
func settle(ctx context.Context, tx bun.Tx, id int64) error {
	var run Run
	err := tx.NewSelect().Model(&run).Where("r.id = ?", id).Where("r.lease_until < UTC_TIMESTAMP(6)").For("UPDATE").Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	run.Lost++
	if run.queuedOnce() && run.Lost < enoughAttempts {
		return handBack(ctx, tx, run, AttemptLost)
	}
	run.Status = StatusInterrupted
	_, err = tx.NewRaw(`UPDATE crm_runs SET status = ?, active_tenant = NULL, active_portal = NULL, lease_until = NULL, fence = fence + 1,
		lost = ?, finished_at = UTC_TIMESTAMP(6) WHERE id = ?`, string(run.Status), run.Lost, run.ID).Exec(ctx)
	if err != nil {
		return err
	}
	return ended(ctx, tx, &run)
}

// handBack puts a run, whose row is locked, back into the queue and notes the attempt
// that has ended. It keeps its turn, unless it is suspect: then others come first.
func handBack(ctx context.Context, tx bun.Tx, run Run, reason string) error {
	if err := noteAttempt(ctx, tx, run, reason); err != nil {
		return err
	}
	back := func(key string) error {
		_, err := tx.NewRaw(`UPDATE crm_runs SET status = ?, queue_key = ?, active_tenant = NULL, active_portal = NULL, lease_until = NULL,
			fence = fence + 1, host = '', lost = ?, queue_at = IF(?, UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND, queue_at) WHERE id = ?`,
			string(run.queuedStatus()), key, run.Lost, run.Suspect(), (time.Duration(run.Lost-1) * lostWaits).Microseconds(), run.ID).Exec(ctx)
		return err
	}
	err := back(run.queueKey())
	if number(err) == duplicateKey {
		// Somebody asked for the same while it was going on. Both are carried out.
		err = back(run.againKey())
	}
	return err
}

func storeCounts(ctx context.Context, tx bun.Tx, run Run) error {
	_, err := tx.NewRaw(`UPDATE crm_runs SET fetched = ?, created = ?, updated = ?, unchanged = ?, skipped = ?, conflicts = ?, deactivated = ? WHERE id = ?`,
		run.Fetched, run.Created, run.Updated, run.Unchanged, run.Skipped, run.Conflicts, run.Deactivated, run.ID).Exec(ctx)
	return err
}

// countChanges counts people by what the run's history says happened to them.
func countChanges(ctx context.Context, tx bun.Tx, run int64) (crm.Counts, error) {
	var rows []struct {
		Action crm.Action
		People int
	}
	err := tx.NewRaw(`SELECT action AS action, COUNT(DISTINCT external_id) AS people FROM crm_changes WHERE run_id = ? GROUP BY action`, run).Scan(ctx, &rows)
	if err != nil {
		return crm.Counts{}, err
	}
	var c crm.Counts
	for _, row := range rows {
		switch row.Action {
		case crm.ActionCreated:
			c.Created += row.People
		case crm.ActionUpdated, crm.ActionReactivated:
			c.Updated += row.People
		case crm.ActionSkipped:
			c.Skipped += row.People
		case crm.ActionConflict:
			c.Conflicts += row.People
		case crm.ActionDeactivated:
			c.Deactivated += row.People
		case crm.ActionReported:
		}
	}
	c.Fetched = c.Synced() + c.Skipped + c.Conflicts
	return c, nil
}
