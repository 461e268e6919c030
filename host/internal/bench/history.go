package main

import (
	"context"
	"fmt"
	"time"

	"booking/shared/benchreport"
)

// steady is how much more a slot or a claim may cost with a long history.
const steady = 1.33

// measureHistory fills the history step by step and measures at each: what is cheap at
// the beginning must stay so. It comes last, because the rows stay.
func measureHistory(ctx context.Context, l *lab, r *benchreport.Report) error {
	sizes := []int{0, l.history / 10, l.history}
	have := 0
	for _, size := range sizes {
		if err := l.fillHistory(ctx, have, size); err != nil {
			return err
		}
		have = size
		for range l.reps {
			slots, err := l.withHosts(1, func(hosts []*host) (time.Duration, error) { return l.startSlots(ctx, hosts) })
			if err != nil {
				return err
			}
			claims, err := l.withHosts(1, func(hosts []*host) (time.Duration, error) { return l.claim(ctx, hosts) })
			if err != nil {
				return err
			}
			r.Time(historyOf("slots", size), slots)
			r.Time(historyOf("claims", size), claims)
		}
	}
	for _, size := range sizes[1:] {
		for what, work := range map[string]int{"slots": l.tenants, "claims": l.claims} {
			took := benchreport.Median(r.Times[historyOf(what, size)])
			first := benchreport.Median(r.Times[historyOf(what, 0)])
			r.Add("history", fmt.Sprintf("%s with %d finished runs: cost, times that with none", what, size), took.Seconds()/first.Seconds(), "x", benchreport.AtMost, steady,
				fmt.Sprintf("%.0f/s, with none %.0f/s", float64(work)/took.Seconds(), float64(work)/first.Seconds()))
		}
	}
	return nil
}

func historyOf(what string, size int) string { return fmt.Sprintf("%s, %d finished runs", what, size) }

// fillHistory adds finished runs, as many nights of all tenants as it takes, tenant by
// tenant.
func (l *lab) fillHistory(ctx context.Context, have, size int) (err error) {
	const part = 500_000
	if err := l.exec(ctx, l.forget()); err != nil {
		return err
	}
	for have < size {
		rows := min(part, size-have)
		l.say("%d finished runs of %d", have, size)
		if err := l.exec(ctx, fmt.Sprintf(`INSERT INTO crm_runs (tenant_id, plugin, portal, mode, started_by, status, attempt, fence, host, fetched, unchanged, requests, plan_hash, queue_at, requested_at, started_at, finished_at)
			SELECT 1 + (seq + %[1]d) %% %[2]d, 'bench', CONCAT('p', 1 + (seq + %[1]d) %% %[2]d, '.example'), 'apply', 'schedule', 'succeeded', 1, 2, 'host:1', 100, 100, 3, SHA2(seq, 256), d, d, d, d + INTERVAL 2 SECOND
			FROM (SELECT seq, UTC_TIMESTAMP(6) - INTERVAL 400 DAY + INTERVAL (seq + %[1]d) SECOND AS d FROM seq_1_to_%[3]d) AS past`, have, l.tenants, rows)); err != nil {
			return err
		}
		have += rows
	}
	if err := l.exec(ctx, "ANALYZE TABLE crm_runs"); err != nil {
		return err
	}
	l.old, err = l.count(ctx, "SELECT COALESCE(MAX(id), 0) FROM crm_runs")
	return err
}
