package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"
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
// *BusyError. The run takes no place at its portal, but is counted there.
func (s *Store) StartRun(ctx context.Context, run *Run, lease time.Duration) error {
	if err := s.interruptExpired(ctx, run.TenantID); err != nil {
		return err
	}
	run.Status, run.Fence, run.Attempt = StatusRunning, 1, 1
	err := s.insertStarted(ctx, run, lease)
	if number(err) == duplicateKey {
		return s.busy(ctx, run.TenantID)
	}
	if err != nil {
		return err
	}
	// The tenant is claimed: an error now would leave it so until the lease has run out.
	return s.read(ctx, "read a run", func(ctx context.Context) error {
		return s.db.NewSelect().Model(run).WherePK().Scan(ctx)
	})
}

func (s *Store) insertStarted(ctx context.Context, run *Run, lease time.Duration) error {
	return s.statement(ctx, "start a run", Contended, func(ctx context.Context) error {
		result, err := s.db.NewRaw(`INSERT INTO crm_runs
			(tenant_id, plugin, portal, mode, person_id, plan_id, plan_hash, started_by, status, active_tenant, fence, attempt, host, lease_until, requested_at, started_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))`,
			run.TenantID, run.Plugin, run.Portal, string(run.Mode), run.PersonID, nullableID(run.PlanID), run.PlanHash, run.Trigger, string(run.Status),
			run.TenantID, run.Fence, run.Attempt, run.Host, lease.Microseconds()).Exec(ctx)
		if err != nil {
			return err
		}
		run.ID, err = result.LastInsertId()
		return err
	})
}

func (s *Store) busy(ctx context.Context, tenant int64) error {
	var active Run
	err := s.ask(ctx, "look up the run that goes on", func(ctx context.Context) error {
		return s.db.NewSelect().Model(&active).Where("r.active_tenant = ?", tenant).Scan(ctx)
	})
	if errors.Is(err, sql.ErrNoRows) {
		// It ended between the two statements; whoever asks again gets through.
		return &BusyError{Run: Run{TenantID: tenant}}
	}
	if err != nil {
		return err
	}
	return &BusyError{Run: active}
}

// ClaimRun is [Store.ClaimRuns] for one run, which may be one whose lease has run out,
// too: that becomes its next attempt.
func (s *Store) ClaimRun(ctx context.Context, run *Run, host string, lease time.Duration) (bool, error) {
	if run.Status == StatusRunning {
		if err := s.interruptExpired(ctx, run.TenantID); err != nil {
			return false, err
		}
		now, err := s.Run(ctx, run.ID)
		if err != nil {
			return false, err
		}
		now.Place, *run = run.Place, now
	}
	claimed, err := s.ClaimRuns(ctx, []Run{*run}, host, lease)
	if err != nil || len(claimed) == 0 {
		return false, err
	}
	*run = claimed[0]
	return true, nil
}

// ClaimRuns makes queued runs this host's, all of them with one autocommitted conditional
// UPDATE, and returns those it got: a run that another host was faster to claim, or
// whose row is not as it was read, is not among them. Two unique keys decide with it: one
// run per tenant, and one per place of a portal (Place, which the caller has chosen; ""
// takes none). A run whose key is taken stays in the queue and holds up none of the others.
func (s *Store) ClaimRuns(ctx context.Context, runs []Run, host string, lease time.Duration) ([]Run, error) {
	if len(runs) == 0 {
		return nil, nil
	}
	claimed, err := s.claim(ctx, runs, host, lease)
	if number(err) != duplicateKey {
		return claimed, err
	}
	if len(runs) > 1 {
		for _, run := range runs {
			one, err := s.ClaimRuns(ctx, []Run{run}, host, lease)
			if err != nil {
				return claimed, err
			}
			claimed = append(claimed, one...)
		}
		return claimed, nil
	}
	// Perhaps taken by a dead host's run, or by what the former release has left behind.
	if err := s.freePlaces(ctx, runs[0]); err != nil {
		return nil, err
	}
	if claimed, err = s.claim(ctx, runs, host, lease); number(err) == duplicateKey {
		return nil, nil
	}
	return claimed, err
}

// claim sends the UPDATE. The new fences tell whose claim it was: a host's name might be
// another one's, too, and how many rows were changed does not say which.
func (s *Store) claim(ctx context.Context, runs []Run, host string, lease time.Duration) ([]Run, error) {
	step := 1 + rand.Int64N(1<<31)
	rows, args := make([]string, len(runs)), make([]any, 0, 3*len(runs)+3)
	ids, fences := make([]int64, len(runs)), make(map[int64]int64, len(runs))
	for i, run := range runs {
		rows[i] = "SELECT ? AS id, ? AS fence, ? AS place"
		args = append(args, run.ID, run.Fence, nullable(run.Place))
		ids[i], fences[run.ID] = run.ID, run.Fence+step
	}
	args = append(args, step, host, lease.Microseconds())
	changed, err := s.exec(ctx, "claim runs", `UPDATE crm_runs AS r JOIN (`+strings.Join(rows, " UNION ALL ")+`) AS c ON c.id = r.id
		SET r.status = 'running', r.queue_key = NULL, r.not_before = NULL, r.active_tenant = r.tenant_id, r.active_portal = c.place,
			r.fence = r.fence + ?, r.attempt = r.attempt + 1, r.host = ?, r.lease_until = UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND, r.started_at = UTC_TIMESTAMP(6)
		WHERE r.`+waits+` AND r.fence = c.fence`, args...)
	if isAway(err) { // whether it was carried out, the rows say
		if claimed, _ := s.withFences(ctx, ids, fences); len(claimed) > 0 {
			return claimed, nil
		}
	}
	if err != nil || changed == 0 {
		return nil, err
	}
	return s.withFences(ctx, ids, fences)
}

// withFences reads those of some runs that have these fences.
func (s *Store) withFences(ctx context.Context, ids []int64, fences map[int64]int64) ([]Run, error) {
	var now []Run
	err := s.read(ctx, "read the runs that were claimed", func(ctx context.Context) error {
		now = nil
		return s.db.NewSelect().Model(&now).Where("r.id IN (?)", bun.List(ids)).Scan(ctx)
	})
	return slices.DeleteFunc(now, func(r Run) bool { return r.Fence != fences[r.ID] }), err
}

// freePlaces ends what keeps a claim's two keys without going on: the tenant's run whose
// host is dead, and a place in a row that the former release has ended.
func (s *Store) freePlaces(ctx context.Context, run Run) error {
	if err := s.interruptExpired(ctx, run.TenantID); err != nil || run.Place == "" {
		return err
	}
	_, err := s.exec(ctx, "free a portal's place", `UPDATE crm_runs SET active_portal = NULL WHERE active_portal = ? AND active_tenant IS NULL`, run.Place)
	return err
}

// DescribeRun notes which plugin and portal a claimed run is about, when that is no
// longer what it was queued for. Its place was one of the other portal's.
func (s *Store) DescribeRun(ctx context.Context, run Run) error {
	return s.repeat(ctx, "describe a run", func(ctx context.Context) error {
		_, err := s.db.NewRaw(`UPDATE crm_runs SET plugin = ?, portal = ?, active_portal = NULL WHERE id = ? AND fence = ?`,
			run.Plugin, run.Portal, run.ID, run.Fence).Exec(ctx)
		return err
	})
}

// RenewLease extends the lease; ErrLeaseLost when the run is not this host's any more.
func (s *Store) RenewLease(ctx context.Context, run Run, lease time.Duration) error {
	var result sql.Result
	err := s.statement(ctx, "renew a lease", Contended, func(ctx context.Context) (err error) {
		result, err = s.db.NewRaw(`UPDATE crm_runs SET lease_until = UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND
			WHERE id = ? AND fence = ? AND status = 'running'`, lease.Microseconds(), run.ID, run.Fence).Exec(ctx)
		return err
	})
	if err != nil {
		return err
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

// interruptExpired settles the tenant's run when its host has not renewed the lease. It
// looks first and locks then: the row of a run that is going on belongs to the chunk
// that is being written, which may take longer than a lock is waited for. Where others
// are at that row all the time the run stays as it is, and the next look meets it again.
func (s *Store) interruptExpired(ctx context.Context, tenant int64) error {
	var expired Run
	err := s.ask(ctx, "look for an interrupted run", func(ctx context.Context) error {
		return s.db.NewSelect().Model(&expired).Column("id").Where("r.active_tenant = ?", tenant).
			Where("r.lease_until < UTC_TIMESTAMP(6)").Scan(ctx)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	err = s.write(ctx, "end an interrupted run", func(ctx context.Context, tx bun.Tx) error {
		return settle(ctx, tx, expired.ID)
	})
	if Contended(err) {
		return nil
	}
	return err
}

// nullable and nullableID are NULL for what is not there.
func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func nullableID(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}
