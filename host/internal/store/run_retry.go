package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"booking/host/internal/retry"
	"booking/shared/crm"
)

// postponed is true of a retry that waits for its time, in SQL.
const postponed = `COALESCE(retry > 0 AND not_before > UTC_TIMESTAMP(6), 0)`

// retryIn tells whether a run that has ended is tried again, and when. A preview is not
// (whoever wanted to see it has left), nor what somebody runs in the foreground.
func (r Run) retryIn() (wait time.Duration, again bool) {
	if !r.queuedOnce() || r.Mode == crm.ModePreview {
		return 0, false
	}
	switch r.Status {
	case StatusFailed:
		return retry.After(r.ErrorCode, r.Retry, r.PortalSaid)
	case StatusInterrupted:
		return retry.After(retry.Interrupted, r.Retry, 0)
	}
	return 0, false
}

// TriedAgain reports whether a run that has ended is tried again by itself.
func (r Run) TriedAgain() bool {
	_, again := r.retryIn()
	return again
}

// queueRetry queues the retry of a run in the transaction of its end. When the same is
// waiting already, that is retry enough. A reservation is not: its slot may have got this
// very run, and then nobody comes for it before the next one.
func queueRetry(ctx context.Context, tx bun.Tx, run Run) error {
	wait, again := run.retryIn()
	if !again {
		return nil
	}
	next := Run{
		TenantID: run.TenantID, Plugin: run.Plugin, Portal: run.Portal, Mode: run.Mode, PersonID: run.PersonID,
		PlanID: run.PlanID, PlanHash: run.PlanHash, Trigger: run.Trigger, RetryOf: run.RetryOf, Retry: run.Retry + 1,
	}
	if next.RetryOf == 0 {
		next.RetryOf = run.ID
	}
	if run.Status == StatusInterrupted {
		next.Lost = enoughAttempts - 1 // a single try: it has taken enough hosts with it
	}
	queued, err := insertRetry(ctx, tx, next, next.queueKey(), wait)
	if err != nil || queued {
		return err
	}
	var reserved bool
	err = tx.NewRaw(`SELECT status = 'reserved' FROM crm_runs WHERE queue_key = ? FOR UPDATE`, next.queueKey()).Scan(ctx, &reserved)
	if errors.Is(err, sql.ErrNoRows) { // it waits no more: it has begun
		return nil
	}
	if err == nil && reserved {
		_, err = insertRetry(ctx, tx, next, run.againKey(), wait)
	}
	return err
}

// insertRetry reports whether it has, or somebody else has the key.
func insertRetry(ctx context.Context, tx bun.Tx, next Run, key string, wait time.Duration) (bool, error) {
	result, err := tx.NewRaw(`INSERT INTO crm_runs
		(tenant_id, plugin, portal, mode, person_id, plan_id, plan_hash, started_by, status, queue_key, lost, retry_of, retry, not_before, queue_at, requested_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND, UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND, UTC_TIMESTAMP(6))
		ON DUPLICATE KEY UPDATE id = id`,
		next.TenantID, next.Plugin, next.Portal, string(next.Mode), next.PersonID, nullableID(next.PlanID), next.PlanHash, next.Trigger,
		string(next.queuedStatus()), key, next.Lost, next.RetryOf, next.Retry, wait.Microseconds(), (wait + horizon).Microseconds()).Exec(ctx)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// RetryOf is the retry of a run that waits for its time; ErrNotFound when none does.
func (s *Store) RetryOf(ctx context.Context, run Run) (Run, error) {
	var next Run
	err := s.read(ctx, "look for a retry", func(ctx context.Context) error {
		return s.db.NewSelect().Model(&next).Where("r.queue_key = ?", run.queueKey()).Where("r."+waits).
			Where("r.retry_of = ?", cmp.Or(run.RetryOf, run.ID)).Where("r.retry > ?", run.Retry).Scan(ctx)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Run{}, notFound("Повтора нет", "There is no retry")
	}
	return next, err
}

// dropRetries takes the retries that wait for their time out of the queue.
func (s *Store) dropRetries(ctx context.Context, where string, args ...any) error {
	_, err := s.exec(ctx, "drop a retry", `UPDATE crm_runs SET status = 'cancelled', queue_key = NULL, finished_at = UTC_TIMESTAMP(6)
		WHERE `+where+` AND `+waits+` AND `+postponed, args...)
	return err
}

// RetryNeedless reports whether a retry has become needless: since the run that failed,
// the tenant had a good one that did what the retry is for. It is asked when the
// retry begins, so that a good run costs nothing more.
func (s *Store) RetryNeedless(ctx context.Context, run Run) (bool, error) {
	var good bool
	err := s.read(ctx, "look for a good run", func(ctx context.Context) error {
		return s.db.NewRaw(`SELECT EXISTS (SELECT 1 FROM crm_runs WHERE tenant_id = ? AND id > ? AND status IN ('succeeded', 'partial')
			AND (mode = 'apply' OR (mode = ? AND person_id = ?)))`, run.TenantID, run.RetryOf, string(run.Mode), run.PersonID).Scan(ctx, &good)
	})
	return good, err
}
