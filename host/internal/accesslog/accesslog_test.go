package accesslog

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// lines are the records of a log of JSON.
func lines(t *testing.T, log *bytes.Buffer) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(log.String()) {
		record := map[string]any{}
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatal(err)
		}
		all = append(all, record)
	}
	return all
}

func options(log *bytes.Buffer) Options {
	return Options{Log: slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})), Clock: time.Now}
}

// routes is a mux below another one, as pages and API are.
func routes() *http.ServeMux {
	inner := http.NewServeMux()
	inner.HandleFunc("GET /recover/{token}", func(_ http.ResponseWriter, r *http.Request) {
		Note(r.Context(), slog.Int64("token", 7))
	})
	inner.HandleFunc("GET /broken", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, ID(r.Context()), http.StatusInternalServerError)
	})
	inner.HandleFunc("GET /cut", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	outer := http.NewServeMux()
	outer.Handle("/", inner)
	return outer
}

func ask(t *testing.T, handler http.Handler, path string, header http.Header) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	for name, values := range header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

func TestALineHasTheRouteAndNothingOfTheAddress(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	var seen []string
	o := options(&log)
	o.Seen = func(route string, status int, took time.Duration) {
		if took < 0 {
			t.Errorf("it took %s", took)
		}
		seen = append(seen, route+" "+http.StatusText(status))
	}
	handler := Handler(o, routes())
	header := http.Header{"Authorization": {"Bearer booking_VERYSECRET"}, "Cookie": {"booking_session=VERYSECRET"}, "User-Agent": {"VERYSECRET"}, "Referer": {"http://x/?VERYSECRET"}}
	w := ask(t, handler, "/recover/VERYSECRET?email=anna%40example.com&q=anna@example.com", header)
	broken := ask(t, handler, "/broken", nil)
	for _, leak := range []string{"VERYSECRET", "anna", "example"} {
		if strings.Contains(log.String(), leak) {
			t.Errorf("the log has %q:\n%s", leak, log.String())
		}
	}
	all := lines(t, &log)
	if len(all) != 2 || all[0]["route"] != "GET /recover/{token}" || all[0]["level"] != "DEBUG" || all[0]["status"] != 200.0 || all[0]["token"] != 7.0 {
		t.Fatalf("%v", all)
	}
	if all[1]["level"] != "WARN" || all[1]["status"] != 500.0 || all[1]["token"] != nil {
		t.Errorf("%v", all[1])
	}
	for i, w := range []*httptest.ResponseRecorder{w, broken} {
		if id := w.Header().Get(Header); id == "" || all[i]["request"] != id {
			t.Errorf("the answer is number %q, the line %v", id, all[i]["request"])
		}
	}
	if strings.TrimSpace(broken.Body.String()) != broken.Header().Get(Header) || w.Header().Get(Header) == broken.Header().Get(Header) {
		t.Error("a request does not know its own number")
	}
	if strings.Join(seen, "; ") != "GET /recover/{token} OK; GET /broken Internal Server Error" {
		t.Errorf("seen: %v", seen)
	}
}

// A download that breaks off ends with a panic; it is in the log all the same.
func TestARequestThatIsCutOffHasItsLine(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	handler := Handler(options(&log), routes())
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		ask(t, handler, "/cut", nil)
	}()
	if all := lines(t, &log); len(all) != 1 || all[0]["route"] != "GET /cut" {
		t.Errorf("%v", all)
	}
}

func TestOnlyATrustedProxyNumbersRequests(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		proxies []netip.Prefix
		given   string
		taken   bool
	}{
		"a stranger":            {nil, "abcdef-0123456789", false},
		"a trusted proxy":       {[]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, "abcdef-0123456789", true},
		"another trusted proxy": {[]netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, "abcdef-0123456789", false},
		"an address as number":  {[]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, "anna@example.com", false},
		"a line end":            {[]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, "abcdefgh\nlevel=ERROR", false},
		"a very long one":       {[]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, strings.Repeat("a", 65), false},
	} {
		var log bytes.Buffer
		o := options(&log)
		o.Proxies = c.proxies
		w := ask(t, Handler(o, routes()), "/nowhere", http.Header{Header: {c.given}}) // httptest requests come from 192.0.2.1
		if got := w.Header().Get(Header); (got == c.given) != c.taken || got == "" {
			t.Errorf("%s: number %q", name, got)
		}
	}
}
