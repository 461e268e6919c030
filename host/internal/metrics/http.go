package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// httpMetrics count requests by the route's pattern: there are as many as the route
// tables have lines, whatever addresses people invent.
type httpMetrics struct {
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
}

func newHTTPMetrics() httpMetrics {
	return httpMetrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "booking_http_requests_total", Help: "Requests to pages and API by route and status.",
		}, []string{"route", "status"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "booking_http_request_duration_seconds", Help: "How long requests took. One that watches a run lasts as long as somebody watches.",
			Buckets: []float64{.005, .025, .1, .25, 1, 2.5, 10, 30},
		}, []string{"route"}),
	}
}

func (h httpMetrics) all() []prometheus.Collector {
	return []prometheus.Collector{h.requests, h.took}
}

// Request counts a request that is over.
func (m *Metrics) Request(route string, status int, took time.Duration) {
	if route == "" {
		route = "none"
	}
	m.http.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	m.http.took.WithLabelValues(route).Observe(took.Seconds())
}
