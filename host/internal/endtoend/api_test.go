package endtoend

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// apiClient calls the API of a serving host as a customer's program would.
type apiClient struct {
	w           *world
	base, token string
}

// serveOn starts the host and returns it with the address it answers on.
func (w *world) serveOn(variables map[string]string, flags ...string) (*running, string) {
	w.t.Helper()
	w.env["BOOKING_ADDR"] = freeAddress(w.t)
	for name, value := range variables {
		w.env[name] = value
	}
	serving, base := w.start(append([]string{"serve"}, flags...)...), "http://"+w.env["BOOKING_ADDR"]
	eventually(w.t, patience, "the host to answer", func() bool { return ask(w.t, base+"/healthz", "") == "200 ok\n" })
	return serving, base
}

// ask is the status and the text of an address; "" when nobody answers.
func ask(t testing.TB, address, token string) string {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%d %s", response.StatusCode, text)
}

// token makes a token by the command and registers it as a secret: it may stand in no
// log. (What the command itself prints is the one place where it must.)
func (w *world) token(tenant, scope string) string {
	w.t.Helper()
	cmd := w.command("tokens", "add", "--tenant", tenant, "--name", "program", "--scope", scope, "--json")
	stdout, stderr, code, err := runToEnd(cmd)
	var added struct{ Token string }
	if err != nil || code != 0 || json.Unmarshal([]byte(stdout), &added) != nil {
		w.t.Fatalf("%d %v %s", code, err, stderr)
	}
	return collected.secret("a token", added.Token)
}

// call is the answer's JSON; the status must be the one wanted.
func (p apiClient) call(method, path, body string, status int) map[string]any {
	p.w.t.Helper()
	request, err := http.NewRequest(method, p.base+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		p.w.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+p.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		p.w.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	collected.add(p.w.t.Name(), string(text))
	if err != nil || response.StatusCode != status {
		p.w.t.Fatalf("%s %s: %d, want %d: %s %v", method, path, response.StatusCode, status, text, err)
	}
	return readObject(p.w.t, string(text))
}

// wait is a run when it is over.
func (p apiClient) wait(path string) (run map[string]any) {
	p.w.t.Helper()
	eventually(p.w.t, patience, path+" to be over", func() bool {
		run = p.call("GET", path+"?wait=30", "", http.StatusOK)
		return run["finished_at"] != nil
	})
	return run
}

func readObject(t testing.TB, text string) map[string]any {
	t.Helper()
	object := map[string]any{}
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return object
}

// A program starts a run and watches it; what it sees is what the command line shows.
func TestTheAPIShowsWhatTheCommandLineShows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	portal := startPortal(t, "--people", "120")
	tenant := w.connected(portal)
	_, base := w.serveOn(nil)
	p := apiClient{w, base, w.token(tenant, "run")}

	started := p.call("POST", "/runs", `{"mode":"apply"}`, http.StatusAccepted)
	path := fmt.Sprintf("/runs/%v", started["run"])
	run := p.wait(path)
	if run["status"] != "succeeded" || run["trigger"] != "api" || run["created"] != 120.0 {
		t.Fatalf("%v", run)
	}
	// The command line's object is the API's run with all its changes.
	changes := []any{}
	for next := ""; ; {
		page := p.call("GET", path+"/changes?limit=50"+next, "", http.StatusOK)
		changes = append(changes, page["changes"].([]any)...)
		if page["next"] == nil {
			break
		}
		next = fmt.Sprintf("&after=%v", page["next"])
	}
	run["changes"] = changes
	shown := readObject(t, w.must("", "runs", "show", fmt.Sprint(started["run"]), "--json"))
	if diff := cmp.Diff(shown, run); diff != "" || len(changes) != 120 {
		t.Errorf("%d changes; runs show --json (-command line +API):\n%s", len(changes), diff)
	}
	p.wait(fmt.Sprintf("/runs/%v", p.call("POST", "/runs", `{"mode":"preview"}`, http.StatusAccepted)["run"]))
	var listed []any
	if err := json.Unmarshal([]byte(w.must("", "runs", "list", "--tenant", tenant, "--json")), &listed); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(listed, p.call("GET", "/runs", "", http.StatusOK)["runs"]); diff != "" || len(listed) != 2 {
		t.Errorf("%d runs; runs list --json (-command line +API):\n%s", len(listed), diff)
	}
	if diff := cmp.Diff(readObject(t, w.must("", "crm", "show", "--tenant", tenant, "--json")), p.call("GET", "/connection", "", http.StatusOK)); diff != "" {
		t.Errorf("crm show --json (-command line +API):\n%s", diff)
	}
	checked, asked := readObject(t, w.must("", "crm", "check", "--tenant", tenant, "--json")), p.call("POST", "/connection/check", "", http.StatusOK)
	if diff := cmp.Diff(withoutTimes(checked), withoutTimes(asked)); diff != "" {
		t.Errorf("crm check --json (-command line +API):\n%s", diff)
	}
	// Pages' ways stay closed to programs, and the other way round.
	if got := ask(t, base+"/runs", p.token); !strings.Contains(got, `action="/sign-in"`) {
		t.Errorf("a token opened a page: %.200s", got)
	}
	if got := ask(t, base+"/api/v1/status", strings.Repeat("x", 100<<10)); !strings.HasPrefix(got, "431") {
		t.Errorf("a header of 100 KiB: %.80s", got)
	}
	w.must("", "tokens", "revoke", "1")
	p.call("GET", "/status", "", http.StatusUnauthorized)
	log, err := os.ReadFile(filepath.Join(w.dir, "host.log"))
	if err != nil || !strings.Contains(string(log), `route="GET /api/v1/runs/{run}/changes"`) || !regexp.MustCompile(`request=[A-Z2-7]{26} .*tenant=1 token=1`).Match(log) {
		t.Errorf("the access log: %v", err)
	}
}

// Metrics have an address of their own; they tell of the real plugin and the real run.
func TestMetricsAreServedBesideThePages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	portal := startPortal(t, "--people", "30")
	tenant := w.connected(portal)
	metrics := freeAddress(t)
	serving, base := w.serveOn(map[string]string{"BOOKING_METRICS_ADDR": metrics})
	p := apiClient{w, base, w.token(tenant, "run")}
	p.call("POST", "/runs", `{"mode":"apply"}`, http.StatusAccepted)
	scrape := func() string { return ask(t, "http://"+metrics+"/metrics", "") }
	for _, line := range []string{
		`booking_runs_total{mode="apply",status="succeeded",trigger="api"} 1`, `booking_run_claims_total{attempt="first"} 1`, `booking_runs_in_progress 0`,
		`booking_portal_requests_total{plugin="bitrix24"} `, `booking_plugin_state{plugin="bitrix24",state="ready"} 1`, `booking_plugin_deaths_total{plugin="bitrix24"} 0`,
		`booking_http_requests_total{route="POST /api/v1/runs",status="202"} 1`, `booking_http_requests_total{route="GET /healthz",status="200"} `,
		`booking_tenant_people{link="linked",tenant="1"} 0`, `booking_queue_length 0`, `go_goroutines `, `process_resident_memory_bytes `,
	} {
		eventually(t, patience, line, func() bool { return strings.Contains(scrape(), "\n"+line) })
	}
	// The next look sees the run: it is there without anybody asking.
	eventually(t, patience, "the tenant's success", func() bool {
		return strings.Contains(scrape(), `booking_tenant_last_run_status{code="",status="succeeded",tenant="1"} 1`)
	})
	collected.add(t.Name()+"-metrics", scrape())
	if got := ask(t, base+"/metrics", ""); !strings.HasPrefix(got, "404") {
		t.Errorf("the pages' address has metrics: %.80s", got)
	}
	// The plugin dies: seen by the counter that the alert rule watches.
	_ = syscall.Kill(serving.plugin(), syscall.SIGKILL)
	eventually(t, patience, "the death", func() bool { return strings.Contains(scrape(), `booking_plugin_deaths_total{plugin="bitrix24"} 1`) })

	second := w.exits(1, "", "serve")
	if !strings.Contains(second.stderr, "BOOKING_ADDR") {
		t.Error(second)
	}
	w.env["BOOKING_ADDR"] = freeAddress(t)
	if second = w.exits(1, "", "serve"); !strings.Contains(second.stderr, metrics) || !strings.Contains(second.stderr, "BOOKING_METRICS_ADDR") || strings.Count(second.stderr, "\n") != 1 {
		t.Error(second)
	}
	serving.signal(syscall.SIGTERM)
	if r := serving.wait(); r.code != 0 || !strings.Contains(r.stdout, "http://"+metrics+"/metrics") {
		t.Fatal(r)
	}
}

// A host that is told to stop says so first: load balancers turn to another one while
// it still answers.
func TestAHostDrains(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	serving, base := w.serveOn(map[string]string{"BOOKING_DRAIN": "5m"})
	if got := ask(t, base+"/readyz", ""); got != "200 ok\n" {
		t.Fatalf("before: %q", got)
	}
	serving.signal(syscall.SIGTERM)
	eventually(t, patience, "it to say that it stops", func() bool {
		return ask(t, base+"/readyz", "") == "503 draining: хост останавливается\n"
	})
	if got := ask(t, base+"/healthz", ""); got != "200 ok\n" {
		t.Errorf("while it drains: %q", got)
	}
	serving.signal(syscall.SIGTERM) // the second one does not wait
	if r := serving.wait(); r.code != 1 {
		t.Fatal(r)
	}
}

var milliseconds = regexp.MustCompile(`\d+ мс`)

// withoutTimes takes out of a check's findings how long the portal took to answer.
func withoutTimes(check map[string]any) map[string]any {
	for _, finding := range check["findings"].([]any) {
		one := finding.(map[string]any)
		one["message"] = milliseconds.ReplaceAllString(one["message"].(string), "N мс")
	}
	return check
}

// freeAddress is one that nobody listens on now.
func freeAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
