package web

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"booking/host/internal/api"
)

// visitors are the columns of the table.
var visitors = []string{"nobody", "employee", "manager", "admin of another tenant", "admin", "super admin", "super admin in the tenant"}

// expected says what each visitor gets, with that method and from one of our own pages: a
// status, or where the answer leads. With the other method nobody gets anything (404),
// and a POST that does not come from one of our pages is refused (403), to everybody.
var expected = map[string][7]string{
	"GET /sign-in":                {"200", "→/", "→/", "→/", "→/", "→/", "→/"},
	"POST /sign-in":               every("422"),
	"GET /recover":                every("200"),
	"POST /recover":               every("200"),
	"GET /recover/{token}":        every("410"),
	"POST /recover/{token}":       every("410"),
	"POST /recover/{token}/again": every("200"),
	"GET /first-run":              every("404"),
	"POST /first-run":             every("404"),
	"POST /language":              every("→/"),
	"GET /static/{file}":          every("200"),
	"GET /healthz":                every("200"),
	"GET /readyz":                 every("200"),
	"GET /mail":                   every("200"),
	"/":                           every("404"),

	"GET /{$}":               {"→/sign-in", "→/account", "→/account", "→/settings/crm", "→/settings/crm", "→/settings/crm", "→/settings/crm"},
	"GET /account":           {"→/sign-in?next=%2Faccount", "200", "200", "200", "200", "200", "200"},
	"POST /account/sessions": {"→/sign-in", "→/account", "→/account", "→/account", "→/account", "→/account", "→/account"},
	"POST /sign-out":         {"→/sign-in", "→/sign-in", "→/sign-in", "→/sign-in", "→/sign-in", "→/sign-in", "→/sign-in"},

	"GET /tenants":  {"→/sign-in?next=%2Ftenants", "403", "403", "403", "403", "200", "200"},
	"POST /tenants": {"→/sign-in", "403", "403", "403", "403", "→/settings/crm", "→/settings/crm"},

	"GET /settings/crm":        admins("200", "200", "200"),
	"POST /settings/crm":       admins("→/settings/crm?saved", "→/settings/crm?saved", "→/settings/crm?saved"),
	"POST /settings/crm/check": admins("200", "200", "200"),
	"POST /settings/crm/runs":  admins("409", "→/runs/", "→/runs/"),

	"POST /settings/crm/notices":  admins("→/settings/crm?saved", "→/settings/crm?saved", "→/settings/crm?saved"),
	"POST /settings/crm/schedule": admins("→/settings/crm?saved", "→/settings/crm?saved", "→/settings/crm?saved"),

	"GET /settings/crm/choices/{field}":  admins("→/settings/crm", "200", "200"),
	"POST /settings/crm/choices/{field}": admins("→/settings/crm", "→/settings/crm?saved", "→/settings/crm?saved"),

	"GET /settings/events":  admins("→/settings/crm", "200", "200"),
	"POST /settings/events": admins("→/settings/crm", "→/settings/events", "→/settings/events"),

	"GET /settings/tokens":              admins("200", "200", "200"),
	"POST /settings/tokens":             admins("201", "201", "201"),
	"POST /settings/tokens/{id}/revoke": admins("404", "→/settings/tokens", "→/settings/tokens"),

	"GET /runs":                    admins("200", "200", "200"),
	"GET /runs/{run}":              admins("404", "200", "200"),
	"GET /runs/{run}/events":       admins("404", "200", "200"),
	"POST /runs/{run}/cancel":      admins("404", "→/runs/", "→/runs/"),
	"POST /runs/{run}/invite":      admins("404", "→/runs/", "→/runs/"),
	"GET /runs/{run}/changes.csv":  admins("404", "200", "200"),
	"GET /runs/{run}/changes.json": admins("404", "200", "200"),
	"GET /people":                  admins("200", "200", "200"),
	"GET /people/new":              admins("200", "200", "200"),
	"POST /people/new":             admins("422", "422", "422"),
	"GET /people/portal":           admins("404", "200", "200"),
	"GET /people/{person}":         admins("404", "200", "200"),
	"POST /people/{person}":        admins("404", "409", "409"),
	"GET /audit":                   admins("200", "200", "200"),
	"POST /people/{person}/invite": admins("404", "409", "409"),
}

// expectedOfAPI is the same of the API: a session means nothing there, so that no page of
// another site can use one. What tokens open, its own tests say.
var expectedOfAPI = map[string][7]string{
	"GET /api/v1/openapi.json":       every("200"),
	"GET /api/v1/status":             every("401"),
	"GET /api/v1/connection":         every("401"),
	"POST /api/v1/connection/check":  every("401"),
	"GET /api/v1/runs":               every("401"),
	"POST /api/v1/runs":              every("401"),
	"GET /api/v1/runs/{run}":         every("401"),
	"GET /api/v1/runs/{run}/changes": every("401"),
	"POST /api/v1/runs/{run}/cancel": every("401"),
}

// answeredByAnother are addresses that have no such method and match another pattern.
var answeredByAnother = map[string][7]string{
	"POST /people/portal": admins("404", "404", "404"), // POST /people/{person}
}

func every(status string) [7]string {
	return [7]string{status, status, status, status, status, status, status}
}

// admins is a page that nobody below an administrator sees, and that makes a super
// administrator choose a tenant first.
func admins(foreign, own, chosen string) [7]string {
	return [7]string{"→/sign-in", "403", "403", foreign, own, "→/tenants", chosen}
}

// Every address, held against every kind of visitor and every way to ask; an address that
// is not in the tables above fails.
func TestRoutesLetInOnlyWhomTheyAreFor(t *testing.T) {
	t.Parallel()
	// All of them come from one address, so time goes by between their requests.
	var seconds atomic.Int64
	began := time.Now()
	s := newSite(t, func(o *Options) {
		o.Clock = func() time.Time { return began.Add(time.Duration(seconds.Add(1)) * time.Second) }
	})
	s.connect()
	run := s.finishedRun()
	token := s.addToken(s.ours, "known to the table")
	var pages []string
	for _, route := range s.pages.routes() {
		pages = append(pages, route.pattern)
	}
	complete(t, expected, pages)
	complete(t, expectedOfAPI, s.apiAddresses())
	for i, name := range visitors {
		t.Run(name, func(t *testing.T) {
			w := &walk{t: t, visitor: s.column(i), column: i, run: run, token: token}
			for path := range paths(expectedOfAPI) {
				w.api(path)
			}
			for path := range paths(expected) {
				if path != "/sign-out" { // last: it changes who the visitor is
					w.page(path)
				}
			}
			w.page("/sign-out")
		})
	}
}

// complete fails for an address that the table does not have, and the other way round.
func complete(t *testing.T, table map[string][7]string, there []string) {
	t.Helper()
	known := map[string]bool{}
	for _, pattern := range there {
		known[pattern] = true
		if _, said := table[pattern]; !said {
			t.Errorf("nobody has said who may see %q", pattern)
		}
	}
	for pattern := range table {
		if !known[pattern] {
			t.Errorf("there is no %q", pattern)
		}
	}
}

// paths are a table's addresses without their methods.
func paths(table map[string][7]string) map[string]bool {
	all := map[string]bool{}
	for pattern := range table {
		_, path, found := strings.Cut(pattern, " ")
		if !found {
			path = pattern
		}
		all[path] = true
	}
	return all
}

// apiAddresses is every address that the API says it has.
func (s *site) apiAddresses() (all []string) {
	s.t.Helper()
	var document struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(s.visitor().get(api.Base+"/openapi.json").body), &document); err != nil || len(document.Paths) == 0 {
		s.t.Fatalf("the API's description: %v", err)
	}
	for path, methods := range document.Paths {
		for method := range methods {
			if method == "get" || method == "post" {
				all = append(all, strings.ToUpper(method)+" "+api.Base+path)
			}
		}
	}
	return all
}

// column makes the visitor of a column.
func (s *site) column(i int) *visitor {
	switch i {
	case 0:
		return s.visitor()
	case 6:
		v := s.signedIn("super@host.example")
		v.post("/tenants", "tenant", fmt.Sprint(s.ours))
		return v
	}
	return s.signedIn([]string{"", "employee@ours.example", "manager@ours.example", "admin@theirs.example", "admin@ours.example", "super@host.example"}[i])
}
