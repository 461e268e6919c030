package metrics

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"booking/host/internal/store"
)

// state is what the database last said of tenants and queue.
type state struct {
	clock  func() time.Time
	errors prometheus.Counter

	mu  sync.Mutex
	now *snapshot // nil while nothing was read yet
}

// snapshot is one look; it is not changed any more.
type snapshot struct {
	totals store.HealthTotals
	// tenants are those with series of their own.
	tenants []store.TenantHealth
	people  map[int64]store.PeopleCount
	// at is when it was read, by this host's clock: ages grow by it from then on, while
	// totals.Now, the database's clock, is what they are judged by.
	at time.Time
}

func newState(clock func() time.Time) *state {
	return &state{clock: clock, errors: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "booking_state_errors_total", Help: "Looks at the database that failed; the state is the one before.",
	})}
}

func (s *state) set(now *snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = now
}

func (s *state) get() *snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

var (
	stateAge       = prometheus.NewDesc("booking_state_age_seconds", "How long ago this host read what it tells of tenants and queue.", nil, nil)
	tenantsByState = prometheus.NewDesc("booking_tenants", "Connected tenants: failing (the last syncs failed), held (leavers held back), new (none has ended yet), ok.", []string{"state"}, nil)
	tenantsHidden  = prometheus.NewDesc("booking_tenants_without_series", "Connected tenants that have no series of their own.", nil, nil)
	oldestSuccess  = prometheus.NewDesc("booking_oldest_success_age_seconds", "The longest time since a tenant's last successful sync, over all connected tenants.", nil, nil)
	allConflicts   = prometheus.NewDesc("booking_conflicts", "People in conflict, over all connected tenants.", nil, nil)
	queueLength    = prometheus.NewDesc("booking_queue_length", "Runs that wait.", nil, nil)
	queueAge       = prometheus.NewDesc("booking_queue_oldest_age_seconds", "How long the oldest of them has waited; 0 when none does.", nil, nil)
	runsGoing      = prometheus.NewDesc("booking_queue_running", "Runs that go on, on whatever host.", nil, nil)

	tenantAge       = prometheus.NewDesc("booking_tenant_last_success_age_seconds", "Time since the tenant's last successful sync, or since it was connected where there was none.", []string{"tenant"}, nil)
	tenantLast      = prometheus.NewDesc("booking_tenant_last_run_status", "How the tenant's last sync ended, and with which code it failed: always 1.", []string{"tenant", "status", "code"}, nil)
	tenantFailures  = prometheus.NewDesc("booking_tenant_failures_in_a_row", "Syncs of the tenant that failed since the last success.", []string{"tenant"}, nil)
	tenantHeld      = prometheus.NewDesc("booking_tenant_held", "1 when the last success held leavers back: somebody has to look.", []string{"tenant"}, nil)
	tenantConflicts = prometheus.NewDesc("booking_tenant_conflicts", "People in conflict as of the last success.", []string{"tenant"}, nil)
	tenantSkipped   = prometheus.NewDesc("booking_tenant_skipped", "People who could not be stored as of the last success.", []string{"tenant"}, nil)
	tenantPeople    = prometheus.NewDesc("booking_tenant_people", "The tenant's people with a link to the CRM and without.", []string{"tenant", "link"}, nil)
)

// Describe implements prometheus.Collector.
func (s *state) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		stateAge, tenantsByState, tenantsHidden, oldestSuccess, allConflicts, queueLength, queueAge, runsGoing,
		tenantAge, tenantLast, tenantFailures, tenantHeld, tenantConflicts, tenantSkipped, tenantPeople,
	} {
		out <- desc
	}
}

// Collect implements prometheus.Collector.
func (s *state) Collect(out chan<- prometheus.Metric) {
	now := s.get()
	if now == nil {
		return
	}
	t, since := now.totals, s.clock().Sub(now.at)
	age := func(at time.Time) float64 {
		if at.IsZero() {
			return 0
		}
		return max(0, t.Now.Sub(at)+since).Seconds()
	}
	out <- gauge(stateAge, since.Seconds())
	for state, count := range map[string]int{"failing": t.Failing, "held": t.Held, "new": t.New, "ok": t.OK} {
		out <- gauge(tenantsByState, float64(count), state)
	}
	out <- gauge(tenantsHidden, float64(max(0, t.Connected-len(now.tenants))))
	out <- gauge(oldestSuccess, age(t.OldestSuccess))
	out <- gauge(allConflicts, float64(t.Conflicts))
	out <- gauge(queueLength, float64(t.Queued))
	out <- gauge(queueAge, age(t.OldestQueued))
	out <- gauge(runsGoing, float64(t.Running))
	for _, tenant := range now.tenants {
		collectTenant(out, tenant, now.people, age)
	}
}

func collectTenant(out chan<- prometheus.Metric, h store.TenantHealth, people map[int64]store.PeopleCount, age func(time.Time) float64) {
	id := strconv.FormatInt(h.TenantID, 10)
	good := h.SuccessAt
	if good.IsZero() {
		good = h.Since
	}
	out <- gauge(tenantAge, age(good), id)
	out <- gauge(tenantFailures, float64(h.Failures), id)
	out <- gauge(tenantHeld, truth(h.Held), id)
	out <- gauge(tenantConflicts, float64(h.Conflicts), id)
	out <- gauge(tenantSkipped, float64(h.Skipped), id)
	if h.RunID != 0 {
		out <- gauge(tenantLast, 1, id, string(h.Status), string(h.ErrorCode))
	}
	if count, known := people[h.TenantID]; known {
		out <- gauge(tenantPeople, float64(count.Linked), id, "linked")
		out <- gauge(tenantPeople, float64(count.Unlinked), id, "unlinked")
	}
}
