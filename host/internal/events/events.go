// Package events takes in what portals tell by themselves: somebody new is there. A portal
// knows a secret address of its tenant, and proves itself by what the tenant's plugin
// understands; of what it says nothing is believed but whom to look at. That starts a
// run, which reads the portal as every run does. An event that gets lost is found by the
// schedule: polling stays the truth.
//
// Cookies mean nothing here, and the route is none of the pages': no session is opened and
// no origin is asked for.
package events

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"booking/host/internal/secrets"
	"booking/host/internal/store"
	"booking/shared/crm"
	"booking/shared/secret"
)

const (
	// Base is where the addresses begin.
	Base = "/hooks/crm/"
	// arrival is how long a message may take to arrive, and judging how long to be judged.
	arrival = 5 * time.Second
	judging = 10 * time.Second
	// atOnce is how many messages are judged at the same time, and inLine how many may be
	// here at all: a flood must not take the database from others.
	atOnce = 8
	inLine = 256
)

// Plugins gives plugins that need not be ready for a sync.
type Plugins interface {
	Describe(ctx context.Context, name string) (plugin crm.Plugin, d crm.Description, release func(), err error)
}

// Runs starts syncs.
type Runs interface {
	QueuePeople(ctx context.Context, tenantID int64, ids []string) (queued int, err error)
}

// Options are what a Server needs.
type Options struct {
	Store   *store.Store
	Box     *secrets.Box
	Plugins Plugins
	Runs    Runs
	Log     *slog.Logger
	// Secure: the host is reached by TLS.
	Secure bool
	// Arrival is how long a message may take to arrive (5 s when 0).
	Arrival time.Duration
}

// Server answers portals. It is safe for use by several goroutines.
type Server struct {
	Options
	line, places chan struct{}
}

// New makes a Server.
func New(o Options) *Server {
	if o.Arrival == 0 {
		o.Arrival = arrival
	}
	return &Server{Options: o, line: make(chan struct{}, inLine), places: make(chan struct{}, atOnce)}
}

// Handler answers every address below Base. Whatever is wrong with an address or with the
// proof of a message, the answer is the same: 404.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+Base+"{address}", func(w http.ResponseWriter, r *http.Request) { s.answer(w, s.receive(w, r)) })
	mux.HandleFunc(Base, func(w http.ResponseWriter, _ *http.Request) { s.answer(w, http.StatusNotFound) })
	return mux
}

// Address is what is entered in the portal.
func Address(publicURL string, secretPart secret.Text) string {
	return publicURL + Base + secretPart.Reveal()
}

// answer is a status and nothing else.
func (s *Server) answer(w http.ResponseWriter, status int) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	if s.Secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	w.WriteHeader(status)
}
