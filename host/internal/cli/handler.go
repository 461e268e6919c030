package cli

import (
	"context"
	"net/http"
	"strings"
	"time"

	"booking/host/internal/accesslog"
	"booking/host/internal/api"
	"booking/host/internal/events"
	"booking/host/internal/runs"
	"booking/host/internal/web"
)

// handler is pages, API and what portals call behind one address, with the access log
// around all. The pages' cookies and their protection from other sites do not reach the
// others, which know no cookies.
func (a *app) handler(ctx context.Context, pages *web.Server, service *runs.Service) (http.Handler, error) {
	forPeople, err := pages.Handler()
	if err != nil {
		return nil, err
	}
	forMachines := api.New(api.Options{
		Store: a.store, Box: a.box, Runs: service, Connections: a.connections(), Log: a.log, Locale: a.locale,
		Secure: strings.HasPrefix(a.config.PublicURL, "https://"), Clock: time.Now, Closing: ctx.Done(),
	})
	forPortals := events.New(events.Options{
		Store: a.store, Box: a.box, Plugins: a.keeper, Runs: service, Log: a.log, Secure: strings.HasPrefix(a.config.PublicURL, "https://"),
	})
	mux := http.NewServeMux()
	mux.Handle("/api/", forMachines.Handler())
	mux.Handle(events.Base, forPortals.Handler())
	mux.Handle("/", forPeople)
	return a.accessLog(mux), nil
}

// accessLog writes down, and counts, what a handler answers.
func (a *app) accessLog(handler http.Handler) http.Handler {
	options := accesslog.Options{Log: a.log, Proxies: a.config.Proxies(), Clock: time.Now}
	if a.metrics != nil {
		options.Seen = a.metrics.Request
	}
	return accesslog.Handler(options, handler)
}
