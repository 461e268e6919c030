package store

import (
	"cmp"
	"context"
	"slices"

	"github.com/uptrace/bun"
)

// Look says which runs of the queue are wanted.
type Look struct {
	Limit int
	// Free leaves out the runs of tenants whose run is going on.
	Free bool
	// These are left out, too: what cannot be had now must not hide what can.
	Tenants          []int64
	Portals, Plugins []string
	Suspects         bool
}

// QueuedRuns lists what waits, at most limit, each tenant's first: what people asked for
// before what a schedule did, unless that waits for long (queue_at). Before them come
// the runs whose host has not renewed their lease: to claim one is to take it over.
func (s *Store) QueuedRuns(ctx context.Context, limit int) ([]Run, error) {
	runs, err := s.WaitingRuns(ctx, Look{Limit: limit})
	seen := map[int64]bool{}
	runs = slices.DeleteFunc(runs, func(r Run) bool {
		again := seen[r.TenantID]
		seen[r.TenantID] = true
		return again
	})
	return runs[:min(len(runs), limit)], err
}

// WaitingRuns is QueuedRuns with everything that waits, in its order; the limit is for
// each of its three parts. It is one statement, which an idle host asks all the time:
// each part reads the head of an index, however many runs there were and tenants there are.
func (s *Store) WaitingRuns(ctx context.Context, look Look) ([]Run, error) {
	var runs []Run
	query := s.db.NewSelect().Model(&runs).Where("r.active_tenant IS NOT NULL").Where("r.lease_until < UTC_TIMESTAMP(6)").Limit(int64(look.Limit))
	for _, status := range []Status{StatusQueued, statusWaiting} {
		query = query.UnionAll(s.waitingIn(status, look))
	}
	if err := s.ask(ctx, "look into the queue", func(ctx context.Context) error { return query.Scan(ctx) }); err != nil {
		return nil, err
	}
	slices.SortStableFunc(runs, byTurn)
	return runs, nil
}

// byTurn is the order of the queue; a run that lost its host is running, by its row.
func byTurn(a, b Run) int {
	lost := func(r Run) int {
		if r.Status == StatusRunning {
			return 0
		}
		return 1
	}
	return cmp.Or(lost(a)-lost(b), a.QueueAt.Compare(b.QueueAt), cmp.Compare(a.ID, b.ID))
}

// waitingIn reads one status's part of the queue in its order.
func (s *Store) waitingIn(status Status, look Look) *bun.SelectQuery {
	query := s.db.NewSelect().Model((*Run)(nil)).ForceIndex("crm_runs_status_queue_at_index").
		Where("r.status = ?", string(status)).Where("r.queue_at <= UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND", horizon.Microseconds()).
		Where("(r.not_before IS NULL OR r.not_before <= UTC_TIMESTAMP(6))").OrderExpr("r.queue_at, r.id").Limit(int64(look.Limit))
	if look.Free {
		query = query.Where("NOT EXISTS (SELECT 1 FROM crm_runs AS a WHERE a.active_tenant = r.tenant_id)")
	}
	if look.Suspects {
		query = query.Where("r.lost < ?", suspectFrom)
	}
	if len(look.Tenants) > 0 {
		query = query.Where("r.tenant_id NOT IN (?)", bun.List(look.Tenants))
	}
	if len(look.Portals) > 0 {
		query = query.Where("r.portal NOT IN (?)", bun.List(look.Portals))
	}
	if len(look.Plugins) > 0 {
		query = query.Where("r.plugin NOT IN (?)", bun.List(look.Plugins))
	}
	return query
}

// aheadMost is how many runs ahead of another are counted.
const aheadMost = 1000

// Waiting is what stands before a run that waits.
type Waiting struct {
	// Behind is the tenant's own run that goes on; 0 for none.
	Behind int64 `bun:"behind"`
	// AtPortal counts the runs that go on at its portal, whoever's they are.
	AtPortal int `bun:"at_portal"`
	// Ahead counts the runs whose turn comes before, 1000 at most.
	Ahead int `bun:"ahead"`
}

// Waiting tells what a run waits for, with one statement that reads the heads of indexes.
func (s *Store) Waiting(ctx context.Context, run Run) (Waiting, error) {
	var w Waiting
	err := s.read(ctx, "look what a run waits for", func(ctx context.Context) error {
		return s.db.NewRaw(`SELECT COALESCE((SELECT id FROM crm_runs WHERE active_tenant = ?), 0) AS behind,
			(SELECT COUNT(*) FROM crm_runs WHERE active_tenant IS NOT NULL AND portal = ?) AS at_portal,
			(SELECT COUNT(*) FROM (SELECT id FROM crm_runs WHERE `+waits+` AND queue_at < ? AND (not_before IS NULL OR not_before <= UTC_TIMESTAMP(6)) LIMIT ?) AS q) AS ahead`,
			run.TenantID, run.Portal, run.QueueAt, aheadMost).Scan(ctx, &w)
	})
	return w, err
}

// ActiveRuns lists the runs that go on, of all hosts, the former release's and
// foreground ones too: what its limits must count.
func (s *Store) ActiveRuns(ctx context.Context) ([]Run, error) {
	var runs []Run
	err := s.ask(ctx, "list the runs that go on", func(ctx context.Context) error {
		return s.db.NewSelect().Model(&runs).Column("id", "tenant_id", "plugin", "portal", "active_portal", "host").
			Where("r.active_tenant IS NOT NULL").Scan(ctx)
	})
	return runs, err
}

// SettleExpired puts a run that lost its host back into the queue, or ends it.
func (s *Store) SettleExpired(ctx context.Context, run Run) error {
	return s.interruptExpired(ctx, run.TenantID)
}
