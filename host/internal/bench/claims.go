package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/uptrace/bun"

	"booking/host/internal/store"
	"booking/shared/benchreport"
)

// placesOf is how many runs a host of the bench has at the same time.
const placesOf = 16

func measureClaims(ctx context.Context, l *lab, r *benchreport.Report) error {
	for range l.reps {
		floor, err := l.floor(ctx)
		if err != nil {
			return err
		}
		for _, n := range hostCounts {
			took, err := l.withHosts(n, func(hosts []*host) (time.Duration, error) { return l.claim(ctx, hosts) })
			if err != nil {
				return err
			}
			r.Time(claimsBy(n), took)
			r.Time("the floor of "+claimsBy(n), floor*time.Duration(l.claims))
		}
	}
	for _, n := range hostCounts {
		l.rate(r, "claims", fmt.Sprintf("runs queued -> claimed a second, %s, %d in the queue", hostsOf(n), l.tenants), claimsBy(n), l.claims)
	}
	return nil
}

func claimsBy(n int) string { return "claims by " + hostsOf(n) }

// fillQueue puts a run of each of the first tenants into the queue, and nothing else.
func (l *lab) fillQueue(ctx context.Context, tenants int) error {
	return l.exec(ctx, l.forget(),
		fmt.Sprintf(`INSERT INTO crm_runs (tenant_id, plugin, portal, mode, started_by, status, queue_key, queue_at, requested_at)
			SELECT seq, 'bench', CONCAT('p', seq, '.example'), 'apply', 'bench', 'queued', CONCAT(seq, '/apply//'), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) FROM seq_1_to_%d`, tenants))
}

// claim lets hosts claim as many runs as one rate takes, each as a worker does: it looks
// at the head of the queue and at what goes on, and claims for all its places at once.
// What is claimed ends at once, by one statement for all places.
func (l *lab) claim(ctx context.Context, hosts []*host) (time.Duration, error) {
	if err := l.fillQueue(ctx, l.tenants); err != nil {
		return 0, err
	}
	var claimed atomic.Int64
	failed := make([]error, len(hosts))
	began := time.Now()
	var together sync.WaitGroup
	for i, h := range hosts {
		together.Go(func() {
			for failed[i] == nil && claimed.Load() < int64(l.claims) {
				failed[i] = h.claimSome(ctx, &claimed)
			}
		})
	}
	together.Wait()
	took := time.Since(began)
	for _, err := range failed {
		if err != nil {
			return 0, err
		}
	}
	// Each claim counts once, in its row, too.
	if err := l.want(ctx, int(claimed.Load()), l.ofThisRate("SELECT SUM(attempt) FROM crm_runs")); err != nil {
		return 0, err
	}
	return time.Duration(float64(took) * float64(l.claims) / float64(claimed.Load())), nil
}

func (h *host) claimSome(ctx context.Context, claimed *atomic.Int64) error {
	waiting, err := h.store.WaitingRuns(ctx, store.Look{Limit: 64, Free: true})
	if err != nil {
		return err
	}
	if _, err := h.store.ActiveRuns(ctx); err != nil {
		return err
	}
	wanted := waiting[:min(placesOf, len(waiting))]
	for i := range wanted {
		wanted[i].Place = wanted[i].Portal + "#0"
	}
	mine, err := h.store.ClaimRuns(ctx, wanted, h.service.Host, time.Minute)
	if err != nil || len(mine) == 0 {
		return err
	}
	claimed.Add(int64(len(mine)))
	ids := make([]int64, len(mine))
	for i, run := range mine {
		ids[i] = run.ID
	}
	_, err = h.store.DB().NewRaw("UPDATE crm_runs SET status = 'succeeded', active_tenant = NULL, active_portal = NULL, lease_until = NULL, finished_at = UTC_TIMESTAMP(6) WHERE id IN (?)",
		bun.List(ids)).Exec(ctx)
	return err
}
