// Package metrics counts what this host does and says how the tenants are, for
// Prometheus. It serves /metrics on an address of its own, which nobody outside should
// reach.
//
// A scrape reads memory and nothing else: what the database knows is read beside it
// ([Metrics.Work]), at a bounded rate. Labels are numbers of tenants, names of plugins,
// patterns of routes and words of closed lists; nothing personal and no secret is among
// them. Hosts that share a database tell the same of its tenants: take the maximum over
// instances, not the sum.
package metrics

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"booking/host/internal/store"
	"booking/shared/crmhost"
)

// TenantSeries is how many tenants have series of their own. Up to so many connected
// tenants all of them have; above it only those with a problem, the worst first: nobody
// looks at 100,000 lines of healthy ones, which would be most of what Prometheus keeps.
// The totals count everybody.
const TenantSeries = 1000

// scrapePatience is how long one answer may take.
const scrapePatience = 10 * time.Second

// Options are what is measured.
type Options struct {
	Store *store.Store
	// Plugins tells how each plugin's process is.
	Plugins func() []crmhost.Status
	Log     *slog.Logger
	Clock   func() time.Time
	Version string
	// TenantSeries is the package's unless a test needs a smaller one.
	TenantSeries int
}

// Metrics is everything that is counted. It is safe for use by several goroutines.
type Metrics struct {
	Options
	registry *prometheus.Registry
	http     httpMetrics
	runs     runMetrics
	state    *state
}

// New makes Metrics.
func New(o Options) *Metrics {
	if o.TenantSeries == 0 {
		o.TenantSeries = TenantSeries
	}
	m := &Metrics{Options: o, registry: prometheus.NewRegistry(), http: newHTTPMetrics(), runs: newRunMetrics(o.Clock), state: newState(o.Clock)}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "booking_host_info", Help: "The host's version.", ConstLabels: prometheus.Labels{"version": o.Version},
	})
	info.Set(1)
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewDBStatsCollector(o.Store.DB().DB, "booking"), info,
		m.state, m.state.errors, pluginCollector{o.Plugins},
	)
	m.registry.MustRegister(m.http.all()...)
	m.registry.MustRegister(m.runs.all()...)
	return m
}

// Handler answers scrapes.
func (m *Metrics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(m.Log.Handler(), slog.LevelWarn), ErrorHandling: promhttp.ContinueOnError,
		MaxRequestsInFlight: 4, Timeout: scrapePatience,
	}))
	return mux
}
