package api

import (
	"net/http"
	"time"

	"booking/host/internal/store"
)

// portalPatience is how long a portal may take to be checked: 120 s and an answer.
const portalPatience = 3 * time.Minute

// route is one line of the table.
type route struct {
	method, path string
	// scope is what the token must allow; "" for an address that needs none.
	scope  store.Scope
	answer answer
	// patience is how long the answer may take, where the server's own limit is too short.
	patience time.Duration
}

func (r route) pattern() string { return r.method + " " + Base + r.path }

// routes is every address there is; openapi.json describes the same.
func (s *Server) routes() []route {
	return []route{
		{method: http.MethodGet, path: "/openapi.json", answer: s.openAPI},

		{method: http.MethodGet, path: "/status", scope: store.ScopeRead, answer: s.status},
		{method: http.MethodGet, path: "/connection", scope: store.ScopeRead, answer: s.connection},
		{method: http.MethodPost, path: "/connection/check", scope: store.ScopeRun, answer: s.checkConnection, patience: portalPatience},

		{method: http.MethodGet, path: "/runs", scope: store.ScopeRead, answer: s.listRuns},
		{method: http.MethodPost, path: "/runs", scope: store.ScopeRun, answer: s.startRun},
		{method: http.MethodGet, path: "/runs/{run}", scope: store.ScopeRead, answer: s.showRun},
		{method: http.MethodGet, path: "/runs/{run}/changes", scope: store.ScopeRead, answer: s.listChanges},
		{method: http.MethodPost, path: "/runs/{run}/cancel", scope: store.ScopeRun, answer: s.cancelRun},
	}
}
