package store

import (
	"context"
	"time"
)

// EnqueueRun puts a run into the queue, or joins the one that waits there already
// for the same tenant in the same mode: joined says so, and run becomes that one.
func (s *Store) EnqueueRun(ctx context.Context, run *Run) (joined bool, err error) {
	// MIN and not ORDER BY .. LIMIT 1: for that MariaDB walks through the whole history.
	var waiting int64
	err = s.db.NewRaw(`SELECT COALESCE(MIN(id), 0) FROM crm_runs WHERE tenant_id = ? AND status = ? AND mode = ?`,
		run.TenantID, StatusQueued, string(run.Mode)).Scan(ctx, &waiting)
	if err != nil {
		return false, databaseError("look into the queue", err)
	}
	if waiting != 0 {
		*run, err = s.Run(ctx, waiting)
		return true, err
	}
	if err := s.insertRun(ctx, run, StatusQueued); err != nil {
		return false, err
	}
	*run, err = s.Run(ctx, run.ID)
	return false, err
}

// insertRun stores a run that has not begun.
func (s *Store) insertRun(ctx context.Context, run *Run, status Status) error {
	result, err := s.db.NewRaw(`INSERT INTO crm_runs (tenant_id, plugin, portal, mode, started_by, status, requested_at)
		VALUES (?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6))`,
		run.TenantID, run.Plugin, run.Portal, string(run.Mode), run.Trigger, string(status)).Exec(ctx)
	if err != nil {
		return databaseError("queue a run", err)
	}
	if run.ID, err = result.LastInsertId(); err != nil {
		return databaseError("learn the run's number", err)
	}
	run.Status = status
	return nil
}

// QueuedRuns lists what waits, at most limit: what people asked for before what a
// schedule did, the oldest first, and of each tenant only the first, so that no
// tenant with many requests holds up the others. Before them come the runs whose host
// has not renewed their lease: to claim one is to take it over.
func (s *Store) QueuedRuns(ctx context.Context, limit int) ([]Run, error) {
	var runs []Run
	queued := s.db.NewSelect().Model((*Run)(nil)).Where("r.status = ?", StatusQueued).
		Where("r.id IN (SELECT MIN(q.id) FROM crm_runs AS q WHERE q.status = ? GROUP BY q.tenant_id)", StatusQueued).
		OrderExpr("r.started_by = 'schedule', r.id").Limit(int64(limit))
	// One statement for both: this is what an idle host asks all the time.
	err := s.db.NewSelect().Model(&runs).Where("r.active_tenant IS NOT NULL").Where("r.lease_until < UTC_TIMESTAMP(6)").
		Limit(int64(limit)).UnionAll(queued).Scan(ctx)
	if err != nil {
		return nil, databaseError("look into the queue", err)
	}
	return runs, nil
}

// RunsOn counts the runs that go on on a machine, whatever process carries them out.
func (s *Store) RunsOn(ctx context.Context, machine string) (int, error) {
	var n int
	err := s.db.NewRaw(`SELECT COUNT(*) FROM crm_runs WHERE active_tenant IS NOT NULL AND lease_until >= UTC_TIMESTAMP(6)
		AND SUBSTRING_INDEX(host, ':', 1) = ?`, machine).Scan(ctx, &n)
	return n, databaseError("count the runs of a machine", err)
}

// ClaimRun makes a queued run this host's, with one autocommitted conditional
// UPDATE; so it does with one whose lease has run out, as its next attempt. It reports false when another host was faster or a run of the tenant is
// going on; then the run stays where it is.
func (s *Store) ClaimRun(ctx context.Context, run *Run, host string, lease time.Duration) (bool, error) {
	if err := s.interruptExpired(ctx, run.TenantID); err != nil {
		return false, err
	}
	result, err := s.db.NewRaw(`UPDATE crm_runs SET status = 'running', active_tenant = tenant_id, fence = fence + 1, attempt = attempt + 1,
		host = ?, lease_until = UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND, started_at = UTC_TIMESTAMP(6)
		WHERE id = ? AND status = 'queued'`, host, lease.Microseconds(), run.ID).Exec(ctx)
	if number(err) == duplicateKey {
		return false, nil
	}
	if err != nil {
		return false, databaseError("claim a run", err)
	}
	if err := leaseHeld(result); err != nil {
		return false, nil //nolint:nilerr // no row was there to be claimed: that is the answer
	}
	*run, err = s.Run(ctx, run.ID)
	return err == nil, err
}

// DescribeRun notes which plugin and portal a claimed run is about.
func (s *Store) DescribeRun(ctx context.Context, run Run) error {
	_, err := s.db.NewRaw(`UPDATE crm_runs SET plugin = ?, portal = ? WHERE id = ? AND fence = ?`, run.Plugin, run.Portal, run.ID, run.Fence).Exec(ctx)
	return databaseError("describe a run", err)
}

// ReturnRun puts a claimed run back into the queue: its host is going away. What
// was written stays, and the next attempt finds it right already.
func (s *Store) ReturnRun(ctx context.Context, run Run) error {
	result, err := s.db.NewRaw(`UPDATE crm_runs SET status = 'queued', active_tenant = NULL, lease_until = NULL, fence = fence + 1, host = ''
		WHERE id = ? AND fence = ? AND status = 'running'`, run.ID, run.Fence).Exec(ctx)
	if err != nil {
		return databaseError("put a run back into the queue", err)
	}
	return leaseHeld(result)
}
