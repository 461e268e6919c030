package main

import (
	"context"
	"fmt"
	"time"

	"booking/shared/benchreport"
)

// steady is how much more a slot or a claim may cost with a long history.
const steady = 1.33

// measureHistory fills the history step by step and measures at each, side by side with
// a database on the same server that has none: what is cheap at the beginning must stay so.
func measureHistory(ctx context.Context, l *lab, r *benchreport.Report) error {
	without, err := l.beside(ctx)
	if err != nil {
		return err
	}
	defer without.admin.Close()
	for _, size := range []int{l.history / 10, l.history} {
		if err := l.fillHistory(ctx, size); err != nil {
			return err
		}
		for range l.reps {
			for name, side := range map[string]*lab{historyOf(size): l, "none beside " + historyOf(size): without} {
				if err := side.rateWithHistory(ctx, r, name); err != nil {
					return err
				}
			}
		}
		for _, what := range []string{"slots", "claims"} {
			r.Ratio("history", fmt.Sprintf("%s with %d finished runs: cost, times that with none", what, size),
				what+", "+historyOf(size), what+", none beside "+historyOf(size), benchreport.AtMost, steady)
		}
	}
	return nil
}

// rateWithHistory measures one host's slots and claims.
func (l *lab) rateWithHistory(ctx context.Context, r *benchreport.Report, name string) error {
	slots, err := l.withHosts(1, func(hosts []*host) (time.Duration, error) { return l.startSlots(ctx, hosts) })
	if err != nil {
		return err
	}
	claims, err := l.withHosts(1, func(hosts []*host) (time.Duration, error) { return l.claim(ctx, hosts) })
	if err != nil {
		return err
	}
	r.Time("slots, "+name, slots)
	r.Time("claims, "+name, claims)
	return nil
}

func historyOf(size int) string { return fmt.Sprintf("%d finished runs", size) }

// fillHistory adds finished runs up to a number, night by night of all tenants.
func (l *lab) fillHistory(ctx context.Context, size int) error {
	const part = 500_000
	if err := l.exec(ctx, l.forget()); err != nil {
		return err
	}
	have, err := l.count(ctx, "SELECT COUNT(*) FROM crm_runs")
	if err != nil {
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
