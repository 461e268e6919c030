// Package web serves the host's pages: sign-in and recovery, the settings of a CRM
// connection as its plugin describes them, a run while it goes on and what it did,
// the people. Pages are rendered here and work without script; the script adds live
// progress. A CRM is known only by what its Describe says.
//
// The route table is routes.go; every page is a file of its own.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"booking/host/internal/auth"
	"booking/host/internal/connect"
	"booking/host/internal/health"
	"booking/host/internal/runs"
	"booking/host/internal/secrets"
	"booking/host/internal/store"
)

// Plugins says which plugins there are and what they are.
type Plugins interface {
	connect.Plugins
	Names() ([]string, error)
}

// Runs starts syncs.
type Runs interface {
	Queue(ctx context.Context, request runs.Request) (runs.Outcome, error)
}

// Health says why the host cannot do its work, nothing when it can.
type Health interface {
	Ready(ctx context.Context) []health.Reason
}

// MailRoom sends what the pages have queued.
type MailRoom interface{ Wake() }

// Options are what the pages need.
type Options struct {
	Store   *store.Store
	Box     *secrets.Box
	Log     *slog.Logger
	Plugins Plugins
	Runs    Runs
	// Limits are those of the host's runs, to say what a run waits for.
	Limits    runs.Limits
	Schedules Schedules
	Health    Health
	// Mail is woken when somebody waits for a mail.
	Mail MailRoom
	// PublicURL is what links in mails begin with; https makes cookies Secure.
	PublicURL string
	// Proxies may say in X-Forwarded-For whom they speak for.
	Proxies []netip.Prefix
	// Locale is the language of a visitor who has chosen none.
	Locale string
	// Zone is that of the times on pages of nobody's company, and of a company whose
	// schedule names none.
	Zone *time.Location
	// Demo shows the outbox on a page: there is nobody to send mail to.
	Demo bool
	// Opened is told when an administrator opens the settings of a tenant; nil: nobody
	// wants to know.
	Opened func(ctx context.Context, tenant int64)
	Clock  func() time.Time
}

// Server answers HTTP requests. It is safe for use by several goroutines.
type Server struct {
	Options
	gate        *auth.Gate
	connections *connect.Service
	tongues     *tongues
	static      map[string]staticFile
	feeds       *feeds
	secure      bool
	shapes      shapeCache
	results     results
}

// New makes a Server. It must be told when to end: [Server.Work].
func New(o Options) (*Server, error) {
	static, err := readStatic()
	if err != nil {
		return nil, err
	}
	secure := strings.HasPrefix(o.PublicURL, "https://")
	return &Server{
		Options: o, tongues: newTongues(o.Zone), static: static, secure: secure,
		gate:        auth.New(auth.Options{Store: o.Store, Log: o.Log, Secure: secure, Clock: o.Clock}),
		connections: &connect.Service{Store: o.Store, Box: o.Box, Plugins: o.Plugins},
		feeds:       newFeeds(liveReader{o.Store, o.Limits}, o.Log),
	}, nil
}

// Work does what goes on beside requests until ctx ends: it removes what is over. When
// it returns, nobody watches a run any more.
func (s *Server) Work(ctx context.Context) {
	defer s.feeds.close()
	sweep := time.NewTicker(10 * time.Minute)
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-sweep.C:
			if err := s.Store.Sweep(ctx); err != nil {
				s.Log.Debug("sweep", "error", err.Error())
			}
		}
	}
}

// Handler is the pages with everything around them.
func (s *Server) Handler() (http.Handler, error) {
	mux := http.NewServeMux()
	for _, route := range s.routes() {
		mux.Handle(route.pattern, s.open(route))
	}
	protection := http.NewCrossOriginProtection()
	if u, err := url.Parse(s.PublicURL); err == nil {
		if err := protection.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil {
			return nil, err
		}
	}
	protection.SetDenyHandler(http.HandlerFunc(s.refuseOrigin))
	return s.headers(s.sayWhere(protection.Handler(mux))), nil
}
