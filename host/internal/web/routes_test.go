package web

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// visitors are the columns of the table.
var visitors = []string{"nobody", "employee", "manager", "admin of another tenant", "admin", "super admin", "super admin in the tenant"}

// expected says what each visitor gets, with the right method and from one of our own
// pages: a status, or where the answer leads.
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

func every(status string) [7]string {
	return [7]string{status, status, status, status, status, status, status}
}

// admins is a page that nobody below an administrator sees, and that makes a super
// administrator choose a tenant first.
func admins(foreign, own, chosen string) [7]string {
	return [7]string{"→/sign-in", "403", "403", foreign, own, "→/tenants", chosen}
}

// Every address, held against every kind of visitor; an address that is not in the
// table above fails.
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
	known := map[string]bool{}
	for _, route := range s.pages.routes() {
		known[route.pattern] = true
		if _, there := expected[route.pattern]; !there {
			t.Errorf("nobody has said who may see %q", route.pattern)
		}
	}
	for pattern := range expected {
		if !known[pattern] {
			t.Errorf("there is no %q", pattern)
		}
	}
	for i, name := range visitors {
		t.Run(name, func(t *testing.T) {
			browser := s.column(i)
			for pattern, row := range expected {
				if pattern == "POST /sign-out" {
					continue // last: it changes who the visitor is
				}
				checkRoute(t, browser, pattern, row[i], run, token)
			}
			checkRoute(t, browser, "POST /sign-out", expected["POST /sign-out"][i], run, token)
		})
	}
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

func checkRoute(t *testing.T, v *visitor, pattern, want string, run, token int64) {
	t.Helper()
	method, path, found := strings.Cut(pattern, " ")
	if !found {
		method, path = http.MethodGet, "/no-such-page"
	}
	path = strings.NewReplacer("{run}", fmt.Sprint(run), "{id}", fmt.Sprint(token), "{$}", "", "{token}", fmt.Sprint("NOSUCHTOKEN", nth.Add(1)), "{file}", "style.css", "{field}", "departments",
		"{person}", fmt.Sprint(v.s.personID("employee@ours.example")), "/portal", "/portal?id=99").Replace(path)
	if method == http.MethodPost {
		for _, header := range []http.Header{{}, {"Origin": {"https://evil.example"}}, {"Sec-Fetch-Site": {"cross-site"}}, {"Origin": {"null"}}} {
			elsewhere := &visitor{s: v.s, client: v.client, header: header}
			if a := elsewhere.post(path, "mode", "apply", "tenant", "1"); a.status != http.StatusForbidden {
				t.Errorf("%s %s with %v: %d", method, path, header, a.status)
			}
		}
	}
	var a answer
	switch pattern {
	case "POST /tenants":
		before := v.get("/settings/crm").to == "/tenants"
		if a = v.post(path, "tenant", fmt.Sprint(v.s.ours)); before {
			defer v.post(path, "tenant", "0")
			v.forgetTenant()
		}
	default:
		if method == http.MethodGet {
			a = v.get(path)
		} else {
			a = v.post(path, "email", fmt.Sprintf("nobody%d@nowhere.example", nth.Add(1)), "password", "wrong", "again", "wrong", "plugin", "scripted", "mode", "preview",
				"name", "from the table", "scope", "read")
		}
	}
	got := fmt.Sprint(a.status)
	if a.status == http.StatusSeeOther {
		got = "→" + a.to
	}
	if got != want && (!strings.HasPrefix(want, "→/runs/") || !strings.HasPrefix(got, want)) && (want != "→/sign-in" || !strings.HasPrefix(got, want+"?next=")) {
		t.Errorf("%s: %s, want %s", pattern, got, want)
	}
}

// nth makes every address that nobody has a new one: tries are counted by it.
var nth atomic.Int64

// forgetTenant takes a super administrator's choice back.
func (v *visitor) forgetTenant() {
	fresh := v.s.signedIn("super@host.example")
	v.client.Jar = fresh.client.Jar
}
