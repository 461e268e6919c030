package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"booking/host/internal/metrics"
	"booking/host/internal/runs"
)

// measure makes this process count what it does, if anybody is to see it. It is called
// before the first run begins.
func (a *app) measure(service *runs.Service) {
	if a.config.MetricsAddr == "" {
		return
	}
	a.metrics = metrics.New(metrics.Options{Store: a.store, Plugins: a.keeper.Status, Log: a.log, Clock: time.Now, Version: Version})
	service.Observer = a.metrics
}

// serveMetrics answers scrapes until stop is called, which is later than ctx ends: what
// happens while the host stops is worth seeing, too.
func (a *app) serveMetrics(ctx context.Context, listener net.Listener) (stop func()) {
	if listener == nil {
		return func() {}
	}
	fmt.Fprintf(a.stdout, a.say("Метрики: http://%s/metrics\n", "Metrics: http://%s/metrics\n"), listener.Addr())
	server := &http.Server{
		Handler: a.metrics.Handler(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
	var beside sync.WaitGroup
	beside.Go(func() { a.metrics.Work(ctx) })
	beside.Go(func() { _ = server.Serve(listener) })
	return func() {
		_ = server.Close()
		beside.Wait()
	}
}
