package metrics

import (
	"context"
	"slices"
	"time"

	"booking/host/internal/store"
)

const (
	// lookPause is how often the tenants and the queue are looked at: two statements that
	// read one row for each connected tenant.
	lookPause = 15 * time.Second
	// looking bounds what looks cost: the pause is at least so many times as long as the
	// look before it took.
	looking = 30
	// countPause is how often people are counted: an entry of an index for each person of
	// a tenant with series.
	countPause = 5 * time.Minute
	// lookPatience bounds one look; a slow database keeps the state before.
	lookPatience = 10 * time.Second
	// tenantsAtOnce is how many tenants' people one statement counts.
	tenantsAtOnce = 100
)

// Work looks at the database until ctx ends. Nobody waits for it: a scrape tells what
// the last look has seen, and how old that is.
func (m *Metrics) Work(ctx context.Context) {
	for counted := (time.Time{}); ; {
		began, look := m.Clock(), m.Look
		if began.Sub(counted) >= countPause {
			counted, look = began, m.Count
		}
		m.tell(ctx, look)
		pause := time.NewTimer(max(lookPause, looking*m.Clock().Sub(began)))
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case <-pause.C:
		}
	}
}

func (m *Metrics) tell(ctx context.Context, look func(context.Context) error) {
	if err := look(ctx); err != nil && ctx.Err() == nil {
		m.state.errors.Inc()
		m.Log.Debug("look at the tenants for metrics", "error", err.Error())
	}
}

// Look reads how tenants and queue are, with two statements.
func (m *Metrics) Look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	at := m.Clock()
	totals, err := m.Store.HealthTotals(ctx)
	if err != nil {
		return err
	}
	tenants, err := m.Store.HealthList(ctx, m.TenantSeries, totals.Connected > m.TenantSeries)
	if err != nil {
		return err
	}
	next := &snapshot{totals: totals, tenants: tenants, at: at}
	if before := m.state.get(); before != nil {
		next.people = before.people
	}
	m.state.set(next)
	return nil
}

// Count does the same and counts the people of the tenants that have series, 100
// tenants a statement.
func (m *Metrics) Count(ctx context.Context) error {
	if err := m.Look(ctx); err != nil {
		return err
	}
	columns, err := m.Store.LinkColumns(ctx)
	if err != nil {
		return err
	}
	next := *m.state.get()
	next.people = map[int64]store.PeopleCount{}
	for some := range slices.Chunk(next.tenants, tenantsAtOnce) {
		if err := m.count(ctx, columns, some, next.people); err != nil {
			return err
		}
	}
	m.state.set(&next)
	return nil
}

func (m *Metrics) count(ctx context.Context, columns []string, some []store.TenantHealth, into map[int64]store.PeopleCount) error {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	ids := make([]int64, 0, len(some))
	for _, tenant := range some {
		ids = append(ids, tenant.TenantID)
		into[tenant.TenantID] = store.PeopleCount{TenantID: tenant.TenantID} // one without people has none, not an unknown number
	}
	counts, err := m.Store.CountPeople(ctx, columns, ids)
	for _, c := range counts {
		into[c.TenantID] = c
	}
	return err
}
