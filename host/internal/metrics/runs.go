package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"booking/host/internal/runs"
	"booking/host/internal/store"
	"booking/shared/crm"
)

// runMetrics count what the runs of this process do.
type runMetrics struct {
	clock    func() time.Time
	claims   *prometheus.CounterVec
	going    prometheus.Gauge
	ended    *prometheus.CounterVec
	took     *prometheus.HistogramVec
	requests *prometheus.CounterVec
	waits    *prometheus.CounterVec
	waited   *prometheus.CounterVec

	mu *sync.Mutex
	// seen is what runs that go on have told so far, by number.
	seen map[int64]told
}

// told is what a run has said of its portal.
type told struct {
	requests     int
	limitedUntil time.Time
}

var _ runs.Observer = (*Metrics)(nil)

func newRunMetrics(clock func() time.Time) runMetrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	return runMetrics{
		clock: clock, mu: &sync.Mutex{}, seen: map[int64]told{},
		claims: counter("booking_run_claims_total", "Runs that this host has claimed; attempt later: their former host has lost or returned them.", "attempt"),
		going:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "booking_runs_in_progress", Help: "Runs that this host is carrying out."}),
		ended:  counter("booking_runs_total", "Runs that this host has ended.", "trigger", "mode", "status"),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "booking_run_duration_seconds", Help: "How long runs took from their claim to their end.",
			Buckets: []float64{1, 5, 15, 60, 300, 900, 3600, 4 * 3600},
		}, []string{"mode"}),
		requests: counter("booking_portal_requests_total", "Requests to portals.", "plugin"),
		waits:    counter("booking_portal_limit_waits_total", "Times that a portal's limit made a run wait.", "plugin"),
		waited:   counter("booking_portal_limit_wait_seconds_total", "How long portals' limits made runs wait in all.", "plugin"),
	}
}

func (r runMetrics) all() []prometheus.Collector {
	return []prometheus.Collector{r.claims, r.going, r.ended, r.took, r.requests, r.waits, r.waited}
}

// RunBegan implements runs.Observer.
func (m *Metrics) RunBegan(run store.Run) {
	attempt := "first"
	if run.Attempt > 1 {
		attempt = "later"
	}
	m.runs.claims.WithLabelValues(attempt).Inc()
	m.runs.going.Inc()
}

// RunProgress implements runs.Observer. A run tells the sum of its requests, and until
// when it waits.
func (m *Metrics) RunProgress(run store.Run, p crm.Progress) {
	r := m.runs
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := r.seen[run.ID]
	if more := p.Requests - seen.requests; more > 0 {
		r.requests.WithLabelValues(run.Plugin).Add(float64(more))
		seen.requests = p.Requests
	}
	if from := latest(seen.limitedUntil, r.clock()); p.LimitedUntil.After(from) {
		if !seen.limitedUntil.After(r.clock()) {
			r.waits.WithLabelValues(run.Plugin).Inc() // else the same wait has become longer
		}
		r.waited.WithLabelValues(run.Plugin).Add(p.LimitedUntil.Sub(from).Seconds())
		seen.limitedUntil = p.LimitedUntil
	}
	r.seen[run.ID] = seen
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// RunLeft implements runs.Observer.
func (m *Metrics) RunLeft(run store.Run, requests int) {
	r := m.runs
	r.mu.Lock()
	defer r.mu.Unlock()
	if more := requests - r.seen[run.ID].requests; more > 0 {
		r.requests.WithLabelValues(run.Plugin).Add(float64(more))
	}
	delete(r.seen, run.ID)
	r.going.Dec()
}

// RunEnded implements runs.Observer.
func (m *Metrics) RunEnded(run store.Run) {
	r := m.runs
	r.ended.WithLabelValues(run.Trigger, string(run.Mode), string(run.Status)).Inc()
	r.took.WithLabelValues(string(run.Mode)).Observe(run.Duration(r.clock()).Seconds())
}
