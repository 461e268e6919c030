package web

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// walk asks for addresses as one visitor, in every way there is.
type walk struct {
	*visitor
	t          *testing.T
	column     int
	run, token int64
}

// nth makes every address that nobody has a new one: tries are counted by it.
var nth atomic.Int64

// address fills in a pattern.
func (w *walk) address(path string) string {
	if path == "/" {
		return "/no-such-page"
	}
	return strings.NewReplacer("{run}", fmt.Sprint(w.run), "{id}", fmt.Sprint(w.token), "{$}", "", "{token}", fmt.Sprint("NOSUCHTOKEN", nth.Add(1)),
		"{file}", "style.css", "{field}", "departments", "{person}", fmt.Sprint(w.s.personID("employee@ours.example")), "/portal", "/portal?id=99").Replace(path)
}

// page asks for one of the pages.
func (w *walk) page(path string) {
	w.t.Helper()
	want := func(method string) string {
		for _, pattern := range []string{method + " " + path, path} {
			for _, table := range []map[string][7]string{expected, answeredByAnother} {
				if row, there := table[pattern]; there {
					return row[w.column]
				}
			}
		}
		return "404"
	}
	w.expect(http.MethodGet, path, want(http.MethodGet), w.get(w.address(path)))
	for _, header := range []http.Header{{}, {"Origin": {"https://evil.example"}}, {"Sec-Fetch-Site": {"cross-site"}}, {"Origin": {"null"}}} {
		elsewhere := &visitor{s: w.s, client: w.client, header: header}
		w.expect(fmt.Sprint("POST with ", header), path, "403", elsewhere.post(w.address(path), "mode", "apply", "tenant", "1"))
	}
	if path == "/tenants" {
		w.chooseTenant(want(http.MethodPost))
		return
	}
	w.expect(http.MethodPost, path, want(http.MethodPost), w.fill(w.visitor, path))
}

// api asks for one of the API's addresses; it knows neither sessions nor origins.
func (w *walk) api(path string) {
	w.t.Helper()
	want := func(method string) string {
		if row, there := expectedOfAPI[method+" "+path]; there {
			return row[w.column]
		}
		return "405"
	}
	w.expect(http.MethodGet, path, want(http.MethodGet), w.get(w.address(path)))
	w.expect("POST without origin", path, want(http.MethodPost), w.fill(&visitor{s: w.s, client: w.client}, path))
	w.expect(http.MethodPost, path, want(http.MethodPost), w.fill(w.visitor, path))
}

// fill posts a form with something for everybody in it.
func (w *walk) fill(from *visitor, path string) answer {
	return from.post(w.address(path), "email", fmt.Sprintf("nobody%d@nowhere.example", nth.Add(1)), "password", "wrong", "again", "wrong", "plugin", "scripted",
		"mode", "preview", "name", "from the table", "scope", "read")
}

func (w *walk) expect(method, path, want string, a answer) {
	w.t.Helper()
	got := fmt.Sprint(a.status)
	if a.status == http.StatusSeeOther {
		got = "→" + a.to
	}
	if got != want && (!strings.HasPrefix(want, "→/runs/") || !strings.HasPrefix(got, want)) && (want != "→/sign-in" || !strings.HasPrefix(got, want+"?next=")) {
		w.t.Errorf("%s %s: %s, want %s", method, path, got, want)
	}
}

// chooseTenant leaves a super administrator as it was.
func (w *walk) chooseTenant(want string) {
	w.t.Helper()
	before := w.get("/settings/crm").to == "/tenants"
	a := w.post("/tenants", "tenant", fmt.Sprint(w.s.ours))
	w.expect(http.MethodPost, "/tenants", want, a)
	if before {
		w.client.Jar = w.s.signedIn("super@host.example").client.Jar
	}
}
