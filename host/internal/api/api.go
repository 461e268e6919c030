// Package api is the host for machines: JSON below /api/v1, for a bearer token of one
// tenant. It shows what the command line shows, in the same shapes (runjson, connect),
// and starts runs by the same door (runs).
//
// openapi.json describes every address and every answer; tests hold the two against
// each other. Cookies mean nothing here, so no other site can make a browser call it.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"booking/host/internal/auth"
	"booking/host/internal/runs"
	"booking/host/internal/secrets"
	"booking/host/internal/store"
	"booking/shared/crm"
)

// Base is where the API begins; below it every address is this package's.
const Base = "/api/v1"

// waitingMost is how many calls may wait for a run at the same time; others are
// answered at once.
const waitingMost = 100

// Runs starts syncs.
type Runs interface {
	Queue(ctx context.Context, request runs.Request) (runs.Outcome, error)
}

// Connections checks a tenant's connection.
type Connections interface {
	Check(ctx context.Context, tenantID int64) ([]crm.Finding, error)
}

// Options are what the API needs.
type Options struct {
	Store *store.Store
	// Box opens the secrets of a connection, which are masked before anybody sees them.
	Box         *secrets.Box
	Runs        Runs
	Connections Connections
	Log         *slog.Logger
	// Locale is the language for machines that name none.
	Locale string
	// Secure: the host is reached by TLS.
	Secure bool
	Clock  func() time.Time
	// Closing is closed when the host is about to stop: nobody waits any more then.
	Closing <-chan struct{}
}

// Server answers calls. It is safe for use by several goroutines.
type Server struct {
	Options
	machines *auth.Machines
	waiting  chan struct{}
}

// New makes a Server.
func New(o Options) *Server {
	return &Server{Options: o, machines: auth.NewMachines(o.Store, o.Log, o.Clock), waiting: make(chan struct{}, waitingMost)}
}

// Handler is the API with everything around it. It answers every address it is given,
// those that do not exist too.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	methods := map[string][]string{}
	for _, route := range s.routes() {
		mux.Handle(route.pattern(), s.open(route))
		methods[route.path] = append(methods[route.path], route.method)
	}
	for path, allowed := range methods {
		mux.Handle(Base+path, s.wrongMethod(allowed))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, refuse(codeNotFound)) })
	return s.headers(mux)
}
