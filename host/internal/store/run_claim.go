package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"booking/shared/crm"
)

// BusyError says that a run for the tenant is going on.
type BusyError struct{ Run Run }

// Error implements error.
func (e *BusyError) Error() string {
	return fmt.Sprintf("run %d of tenant %d is going on since %s", e.Run.ID, e.Run.TenantID, e.Run.StartedAt.Format(time.RFC3339))
}

// ErrLeaseLost says that the run's row does not belong to this process any more.
var ErrLeaseLost = errors.New("the run was taken from this host: its lease had run out")

// StartRun claims the tenant with one autocommitted INSERT: the unique key on
// active_tenant leaves exactly one winner, on a single server and on a cluster.
// A run whose lease has run out is settled first (see settle). The loser gets a
// *BusyError.
func (s *Store) StartRun(ctx context.Context, run *Run, lease time.Duration) error {
	if err := s.interruptExpired(ctx, run.TenantID); err != nil {
		return err
	}
	run.Status, run.Fence, run.Attempt = StatusRunning, 1, 1
	result, err := s.db.NewRaw(`INSERT INTO crm_runs
		(tenant_id, plugin, portal, mode, started_by, status, active_tenant, fence, attempt, host, lease_until, requested_at, started_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))`,
		run.TenantID, run.Plugin, run.Portal, string(run.Mode), run.Trigger, string(run.Status), run.TenantID, run.Fence, run.Attempt,
		run.Host, lease.Microseconds()).Exec(ctx)
	if number(err) == duplicateKey {
		return s.busy(ctx, run.TenantID)
	}
	if err != nil {
		return databaseError("start a run", err)
	}
	if run.ID, err = result.LastInsertId(); err != nil {
		return fmt.Errorf("learn the run's number: %w", err)
	}
	// The tenant is claimed: an error now would leave it so until the lease has run out.
	return s.read(ctx, "read a run", func(ctx context.Context) error {
		return s.db.NewSelect().Model(run).WherePK().Scan(ctx)
	})
}

func (s *Store) busy(ctx context.Context, tenant int64) error {
	var active Run
	err := s.db.NewSelect().Model(&active).Where("r.active_tenant = ?", tenant).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		// It ended between the two statements; whoever asks again gets through.
		return &BusyError{Run: Run{TenantID: tenant}}
	}
	if err != nil {
		return databaseError("look up the run that goes on", err)
	}
	return &BusyError{Run: active}
}

// RenewLease extends the lease; ErrLeaseLost when the run is not this host's any more.
func (s *Store) RenewLease(ctx context.Context, run Run, lease time.Duration) error {
	result, err := s.db.NewRaw(`UPDATE crm_runs SET lease_until = UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND
		WHERE id = ? AND fence = ? AND status = 'running'`, lease.Microseconds(), run.ID, run.Fence).Exec(ctx)
	if err != nil {
		return databaseError("renew a lease", err)
	}
	return leaseHeld(result)
}

func leaseHeld(result sql.Result) error {
	n, err := result.RowsAffected()
	if err != nil {
		return fmt.Errorf("count the rows of a lease: %w", err)
	}
	if n != 1 {
		return ErrLeaseLost
	}
	return nil
}

// FinishRun ends a run with the counters it carries. A run that did not come to
// a result of its own (failed, cancelled) is counted from its history instead:
// that is what was really written. The row's lock makes the statement wait for a
// chunk whose transaction is still open, and the new fence stops the next one.
func (s *Store) FinishRun(ctx context.Context, run *Run) error {
	err := s.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		result, err := tx.NewRaw(`UPDATE crm_runs SET status = ?, active_tenant = NULL, lease_until = NULL, fence = fence + 1,
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
		return noteRunEnd(ctx, tx, *run)
	})
	if errors.Is(err, ErrLeaseLost) {
		return ErrLeaseLost
	}
	if err != nil {
		return databaseError("finish a run", err)
	}
	return databaseError("read a run", s.db.NewSelect().Model(run).WherePK().Scan(ctx))
}

// interruptExpired settles the tenant's run when its host has not renewed the lease. It
// looks first and locks then: the row of a run that is going on belongs to the chunk
// that is being written, which may take longer than a lock is waited for.
func (s *Store) interruptExpired(ctx context.Context, tenant int64) error {
	var expired Run
	err := s.db.NewSelect().Model(&expired).Column("id").Where("r.active_tenant = ?", tenant).
		Where("r.lease_until < UTC_TIMESTAMP(6)").Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return databaseError("look for an interrupted run", err)
	}
	return s.write(ctx, "end an interrupted run", func(ctx context.Context, tx bun.Tx) error {
		return settle(ctx, tx, expired.ID)
	})
}

// enoughAttempts is how often a run may lose its host before it is left alone: it may
// be the run that brings them down.
const enoughAttempts = 10

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
	if run.queuedOnce() && run.Attempt < enoughAttempts {
		_, err := tx.NewRaw(`UPDATE crm_runs SET status = 'queued', active_tenant = NULL, lease_until = NULL, fence = fence + 1, host = '' WHERE id = ?`, run.ID).Exec(ctx)
		return err
	}
	counts, err := countChanges(ctx, tx, run.ID)
	if err != nil {
		return err
	}
	run.SetCounts(counts)
	_, err = tx.NewRaw(`UPDATE crm_runs SET status = 'interrupted', active_tenant = NULL, lease_until = NULL, fence = fence + 1,
		finished_at = UTC_TIMESTAMP(6) WHERE id = ?`, run.ID).Exec(ctx)
	if err != nil {
		return err
	}
	if err := storeCounts(ctx, tx, run); err != nil {
		return err
	}
	if err := noteHealth(ctx, tx, run.ID); err != nil {
		return err
	}
	run.Status = StatusInterrupted
	return noteRunEnd(ctx, tx, run)
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

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}
