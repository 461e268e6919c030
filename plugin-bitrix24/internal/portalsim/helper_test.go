package portalsim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"booking/plugin-bitrix24/internal/portalsim"
)

// portal is a simulated portal behind a real server.
type portal struct {
	*portalsim.Portal
	t      *testing.T
	server *httptest.Server
}

func start(t *testing.T, options portalsim.Options) *portal {
	t.Helper()
	p := &portal{Portal: portalsim.New(options), t: t}
	p.server = httptest.NewServer(p.Portal)
	t.Cleanup(func() { p.Close(); p.server.Close() })
	return p
}

// answer is a decoded body; numbers are json.Number.
type answer struct {
	t      *testing.T
	status int
	text   string
	body   map[string]any
}

func (p *portal) do(request *http.Request) answer {
	p.t.Helper()
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		p.t.Fatalf("%s: %v", request.URL.Path, err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatalf("read the answer of %s: %v", request.URL.Path, err)
	}
	a := answer{t: p.t, status: response.StatusCode, text: string(text)}
	decoder := json.NewDecoder(strings.NewReader(a.text))
	decoder.UseNumber()
	_ = decoder.Decode(&a.body)
	return a
}

func (p *portal) request(method, path, kind, body string) *http.Request {
	p.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, p.WebhookURL(p.server.URL)+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	return request
}

// call posts a JSON body.
func (p *portal) call(method, body string) answer {
	p.t.Helper()
	return p.do(p.request(http.MethodPost, method, "application/json", body))
}

// get asks with a PHP-style query.
func (p *portal) get(query string) answer {
	p.t.Helper()
	return p.do(p.request(http.MethodGet, strings.NewReplacer(">", "%3E", "<", "%3C", " ", "%20").Replace(query), "", ""))
}

// batch runs commands under the keys c1, c2, ...
func (p *portal) batch(commands ...string) answer {
	p.t.Helper()
	return p.call("batch", batchBody(0, commands...))
}

func batchBody(halt int, commands ...string) string {
	parts := make([]string, len(commands))
	for i, command := range commands {
		parts[i] = fmt.Sprintf("%q:%q", "c"+strconv.Itoa(i+1), command)
	}
	return fmt.Sprintf(`{"halt":%d,"cmd":{%s}}`, halt, strings.Join(parts, ","))
}

// at walks through objects by name and lists by number; nil for what is not there.
func (a answer) at(path ...string) any {
	var value any = a.body
	for _, key := range path {
		switch v := value.(type) {
		case map[string]any:
			value = v[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(v) {
				return nil
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}

func (a answer) has(key string) bool { _, has := a.body[key]; return has }

// ids returns the IDs of a list of people, "1 2 3".
func (a answer) ids(path ...string) string {
	a.t.Helper()
	list, ok := a.at(path...).([]any)
	if !ok {
		a.t.Fatalf("%v is no list in %.300s", path, a.text)
	}
	out := make([]string, len(list))
	for i, item := range list {
		out[i] = fmt.Sprint(item.(map[string]any)["ID"])
	}
	return strings.Join(out, " ")
}

func (a answer) wantStatus(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d instead of %d: %.300s", a.status, status, a.text)
	}
	return a
}

func (a answer) wantError(status int, code string) {
	a.t.Helper()
	a.wantStatus(status)
	if _, described := a.body["error_description"].(string); a.body["error"] != code || !described || a.has("result") {
		a.t.Errorf("body %.300s, want the error %s with a description", a.text, code)
	}
}

func want(t *testing.T, what string, got, wanted any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(wanted) {
		t.Errorf("%s: %v, want %v", what, got, wanted)
	}
}

// staff makes n active employees with the IDs 1..n.
func staff(n int) []portalsim.Person {
	out := make([]portalsim.Person, n)
	for i := range out {
		out[i] = portalsim.Person{ID: int64(i + 1), Active: true, Name: fmt.Sprintf("Name%d", i+1), Email: fmt.Sprintf("p%d@x.example", i+1)}
	}
	return out
}

// span is "from from+1 ... to".
func span(from, to int) string {
	var out []string
	for i := from; i <= to; i++ {
		out = append(out, strconv.Itoa(i))
	}
	return strings.Join(out, " ")
}

// clock is a time that tests move; sleeping moves it too.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.add(d)
	return ctx.Err()
}
