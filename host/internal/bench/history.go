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
// the beginning must stay so. The steps lie minutes apart, so each rate is taken in terms
// of the floor beside it. It comes last, because the rows stay.
func measureHistory(ctx context.Context, l *lab, r *benchreport.Report) error {
	sizes := []int{0, l.history / 10, l.history}
	have := 0
	for _, size := range sizes {
		if err := l.fillHistory(ctx, have, size); err != nil {
			return err
		}
		have = size
		for range l.reps {
			if err := l.rateWithHistory(ctx, r, size); err != nil {
				return err
			}
		}
	}
	for _, what := range []string{"slots", "claims"} {
		work := map[string]int{"slots": l.tenants, "claims": l.claims}[what]
		first := costs(r, historyOf(what, 0))
		for _, size := range sizes[1:] {
			now := costs(r, historyOf(what, size))
			row := r.Add("history", fmt.Sprintf("%s with %d finished runs: cost, times that with none", what, size),
				benchreport.Median(now)/benchreport.Median(first), "x", benchreport.AtMost, steady,
				fmt.Sprintf("%.2f times the floor, with none %.2f; %.0f/s", benchreport.Median(now), benchreport.Median(first),
					float64(work)/benchreport.Median(r.Times[historyOf(what, size)]).Seconds()))
			row.Low, row.High = minmax(now)
			row.Low, row.High = row.Low/benchreport.Median(first), row.High/benchreport.Median(first)
		}
	}
	return nil
}

// rateWithHistory measures one host's slots and claims, and the floor before each.
func (l *lab) rateWithHistory(ctx context.Context, r *benchreport.Report, size int) error {
	for what, do := range map[string]func([]*host) (time.Duration, error){
		"slots":  func(hosts []*host) (time.Duration, error) { return l.startSlots(ctx, hosts) },
		"claims": func(hosts []*host) (time.Duration, error) { return l.claim(ctx, hosts) },
	} {
		floor, err := l.floor(ctx)
		if err != nil {
			return err
		}
		took, err := l.withHosts(1, do)
		if err != nil {
			return err
		}
		r.Time(historyOf(what, size), took)
		r.Time("the floor of "+historyOf(what, size), floor*time.Duration(map[string]int{"slots": l.tenants, "claims": l.claims}[what]))
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
