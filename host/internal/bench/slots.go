package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"booking/shared/benchreport"
)

// hostCounts are how many hosts a rate is measured with.
var hostCounts = []int{1, 2, 4}

// allDue makes every tenant due, as if nothing had ever been started.
func (l *lab) allDue(ctx context.Context) error {
	due := midnight.Format(time.DateTime)
	return l.exec(ctx, "TRUNCATE TABLE crm_slots", l.forget(),
		fmt.Sprintf("UPDATE crm_schedules SET slot_at = '%s', next_at = '%s'", due, due))
}

// forget removes the runs of the last rate: all that are newer than the history.
func (l *lab) forget() string { return l.ofThisRate("DELETE FROM crm_runs") }

func (l *lab) ofThisRate(statement string) string {
	return fmt.Sprintf("%s WHERE id > %d", statement, l.old)
}

// startSlots lets hosts queue everything that is due and returns how long it took.
func (l *lab) startSlots(ctx context.Context, hosts []*host) (time.Duration, error) {
	if err := l.allDue(ctx); err != nil {
		return 0, err
	}
	began := time.Now()
	failed := make([]error, len(hosts))
	var together sync.WaitGroup
	for i, h := range hosts {
		together.Go(func() { failed[i] = h.scheduler.Tick(ctx) })
	}
	together.Wait()
	took := time.Since(began)
	for _, err := range failed {
		if err != nil {
			return 0, err
		}
	}
	for _, query := range []string{
		"SELECT COUNT(*) FROM crm_slots WHERE status = 'started'", l.ofThisRate("SELECT COUNT(*) FROM crm_runs") + " AND status = 'queued'",
		"SELECT COUNT(DISTINCT run_id) FROM crm_slots",
		fmt.Sprintf("SELECT COUNT(*) FROM crm_schedules WHERE next_at > '%s'", midnight.Format(time.DateTime)),
	} {
		if err := l.want(ctx, l.tenants, query); err != nil {
			return 0, err
		}
	}
	return took, nil
}

func measureSlots(ctx context.Context, l *lab, r *benchreport.Report) error {
	for range l.reps {
		floor, err := l.floor(ctx)
		if err != nil {
			return err
		}
		for _, n := range hostCounts {
			took, err := l.withHosts(n, func(hosts []*host) (time.Duration, error) { return l.startSlots(ctx, hosts) })
			if err != nil {
				return err
			}
			r.Time(slotsBy(n), took)
			r.Time("the floor of "+slotsBy(n), floor*time.Duration(l.tenants))
		}
	}
	for _, n := range hostCounts {
		l.rate(r, "slots", fmt.Sprintf("slots due -> queued a second, %s, %d due", hostsOf(n), l.tenants), slotsBy(n), l.tenants)
	}
	return nil
}

func slotsBy(n int) string { return "slots by " + hostsOf(n) }

func hostsOf(n int) string {
	if n == 1 {
		return "1 host"
	}
	return fmt.Sprintf("%d hosts", n)
}

func (l *lab) withHosts(n int, do func([]*host) (time.Duration, error)) (time.Duration, error) {
	hosts, closeAll, err := l.hosts(n)
	if err != nil {
		return 0, err
	}
	defer closeAll()
	return do(hosts)
}

// enough is the goal for slots and claims a second.
const enough = 1000

// rate adds how many a second there were, the median, and how that stands to the floor.
func (l *lab) rate(r *benchreport.Report, group, what, name string, work int) {
	var rates []float64
	for _, took := range r.Times[name] {
		rates = append(rates, float64(work)/took.Seconds())
	}
	row := r.Add(group, what, benchreport.Median(rates), "/s", benchreport.AtLeast, enough,
		fmt.Sprintf("%.2f times as long as that many INSERTs of a small row", benchreport.Median(costs(r, name))))
	row.Low, row.High = minmax(rates)
}

// costs are the times of a name in terms of the floor beside them.
func costs(r *benchreport.Report, name string) (ratios []float64) {
	for i, took := range r.Times[name] {
		ratios = append(ratios, took.Seconds()/r.Times["the floor of "+name][i].Seconds())
	}
	return ratios
}

func minmax(values []float64) (low, high float64) {
	low, high = values[0], values[0]
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	return low, high
}

// floor is how long one autocommitted INSERT of a small row takes this machine now.
func (l *lab) floor(ctx context.Context) (time.Duration, error) {
	const rows = 2000
	if err := l.exec(ctx, "CREATE TABLE IF NOT EXISTS bench_floor (id BIGINT AUTO_INCREMENT PRIMARY KEY, n INT NOT NULL)"); err != nil {
		return 0, err
	}
	began := time.Now()
	for n := range rows {
		if _, err := l.admin.ExecContext(ctx, "INSERT INTO bench_floor (n) VALUES (?)", n); err != nil {
			return 0, err
		}
	}
	return time.Since(began) / rows, nil
}
