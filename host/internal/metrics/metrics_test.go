package metrics

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"booking/host/internal/hosttest"
	"booking/host/internal/store"
	"booking/migrations"
	"booking/shared/crm"
	"booking/shared/crmhost"
	"booking/shared/testdb"
)

func TestMain(m *testing.M) { os.Exit(testdb.Main(m)) }

// bench is a database with its metrics.
type bench struct {
	*Metrics
	t       *testing.T
	asked   *hosttest.Statements
	plugins []crmhost.Status

	mu  sync.Mutex
	now time.Time
}

func newBench(t *testing.T) *bench {
	t.Helper()
	db := hosttest.Database(t, testdb.New(t), migrations.Bitrix24)
	b := &bench{t: t, asked: &hosttest.Statements{}, now: time.Now()}
	b.Metrics = New(Options{
		Store: store.New(db.WithQueryHook(b.asked)), Plugins: func() []crmhost.Status { return b.plugins }, Log: slog.New(slog.DiscardHandler), Clock: b.clock,
		Version: "1.2.3", TenantSeries: 4,
	})
	return b
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) later(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func (b *bench) exec(query string, args ...any) {
	b.t.Helper()
	if _, err := b.Store.DB().ExecContext(b.t.Context(), query, args...); err != nil {
		b.t.Fatal(err)
	}
}

// tenant makes a connected tenant with people; health says how its syncs are.
func (b *bench) tenant(linked, unlinked int, health string) int64 {
	b.t.Helper()
	tenant, err := b.Store.AddTenant(b.t.Context(), "Ромашка")
	if err != nil {
		b.t.Fatal(err)
	}
	b.exec(`INSERT INTO crm_connections (tenant_id, plugin, enabled, portal, settings, created_at, updated_at)
		VALUES (?, 'acme', 1, 'portal.example', '{}', UTC_TIMESTAMP(6) - INTERVAL 10 HOUR, UTC_TIMESTAMP(6))`, tenant.ID)
	for i := range linked + unlinked {
		var link any
		if i < linked {
			link = fmt.Sprint(i + 1)
		}
		b.exec("INSERT INTO users (tenant_id, name, email, password, bitrix24_user_id) VALUES (?, 'Анна', ?, 'x', ?)", tenant.ID, fmt.Sprintf("p%d-%d@x.example", tenant.ID, i), link)
	}
	if health != "" {
		b.exec(`INSERT INTO crm_tenant_health (tenant_id, run_id, finished_at, status, error_code, failures, success_at, held, conflicts, skipped)
			VALUES (?, 1, UTC_TIMESTAMP(6), `+health+`)`, tenant.ID)
	}
	return tenant.ID
}

func (b *bench) count() {
	b.t.Helper()
	if err := b.Count(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// scrape is what Prometheus gets.
func (b *bench) scrape() string {
	b.t.Helper()
	server := httptest.NewServer(b.Handler())
	defer server.Close()
	response, err := http.Get(server.URL + "/metrics")
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		b.t.Fatalf("%d %v", response.StatusCode, err)
	}
	return string(text)
}

// has checks lines of a scrape; after a "!" they must not be there. A line ends with its
// value; one that ends with a space has any.
func (b *bench) has(scrape string, lines ...string) {
	b.t.Helper()
	for _, line := range lines {
		wanted, not := strings.CutPrefix(line, "!")
		found := strings.Contains("\n"+scrape, "\n"+wanted+"\n") || strings.HasSuffix(wanted, " ") && strings.Contains("\n"+scrape, "\n"+wanted)
		if found == not {
			b.t.Errorf("%q: in the scrape: %v\n%s", wanted, found, ours(scrape))
		}
	}
}

// ours are the lines of this program.
func ours(scrape string) string {
	return strings.Join(regexp.MustCompile(`(?m)^booking_.*$`).FindAllString(scrape, -1), "\n")
}

// full has something to say under every name.
func full(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	b.tenant(2, 1, `'failed', 'unauthorized', 3, UTC_TIMESTAMP(6) - INTERVAL 50 HOUR, 1, 4, 2`)
	b.exec(`INSERT INTO crm_runs (tenant_id, plugin, mode, started_by, status, requested_at) VALUES (1, 'acme', 'apply', 'api', 'queued', UTC_TIMESTAMP(6) - INTERVAL 2 HOUR)`)
	b.count()
	b.plugins = []crmhost.Status{{Name: "acme", State: crmhost.StateReady, Deaths: 2, Running: &crmhost.Running{Version: "0.9", Uses: 1}, Leaving: []crmhost.Running{{Uses: 2}}}}
	run := store.Run{ID: 7, Plugin: "acme", Mode: crm.ModeApply, Trigger: "schedule", Attempt: 1, StartedAt: b.now.Add(-20 * time.Second)}
	b.RunBegan(run)
	b.RunProgress(run, crm.Progress{Requests: 3, LimitedUntil: b.now.Add(30 * time.Second)})
	b.RunLeft(run, 5)
	run.Status, run.FinishedAt = store.StatusSucceeded, b.now
	b.RunEnded(run)
	b.Request("GET /runs/{run}", 200, 20*time.Millisecond)
	return b
}

func TestAScrapeTellsEverything(t *testing.T) {
	t.Parallel()
	b := full(t)
	b.has(b.scrape(),
		`booking_host_info{version="1.2.3"} 1`,
		`booking_tenants{state="failing"} 1`, `booking_tenants{state="ok"} 0`, `booking_tenants_without_series 0`,
		`booking_tenant_failures_in_a_row{tenant="1"} 3`, `booking_tenant_held{tenant="1"} 1`, `booking_tenant_conflicts{tenant="1"} 4`, `booking_tenant_skipped{tenant="1"} 2`,
		`booking_tenant_last_run_status{code="unauthorized",status="failed",tenant="1"} 1`,
		`booking_tenant_people{link="linked",tenant="1"} 2`, `booking_tenant_people{link="unlinked",tenant="1"} 1`,
		`booking_conflicts 4`, `booking_queue_length 1`, `booking_queue_running 0`,
		`booking_plugin_state{plugin="acme",state="ready"} 1`, `booking_plugin_state{plugin="acme",state="failed"} 0`, `booking_plugin_deaths_total{plugin="acme"} 2`,
		`booking_plugin_uses{plugin="acme"} 3`, `booking_plugin_info{plugin="acme",version="0.9"} 1`,
		`booking_runs_total{mode="apply",status="succeeded",trigger="schedule"} 1`, `booking_run_duration_seconds_bucket{mode="apply",le="60"} 1`, `booking_run_duration_seconds_bucket{mode="apply",le="15"} 0`,
		`booking_run_claims_total{attempt="first"} 1`, `booking_runs_in_progress 0`, `booking_portal_requests_total{plugin="acme"} 5`,
		`booking_portal_limit_waits_total{plugin="acme"} 1`, `booking_portal_limit_wait_seconds_total{plugin="acme"} 30`,
		`booking_http_requests_total{route="GET /runs/{run}",status="200"} 1`, `go_goroutines `, `process_open_fds `, `go_sql_open_connections{db_name="booking"} `,
	)
}

// Ages are judged by the database's clock and grow between two looks.
func TestAgesGrowBetweenTwoLooks(t *testing.T) {
	t.Parallel()
	b := full(t)
	value := func(name string) float64 {
		t.Helper()
		_, after, found := strings.Cut("\n"+b.scrape(), "\n"+name+" ")
		var n float64
		if _, err := fmt.Sscan(after, &n); err != nil || !found {
			t.Fatalf("%s: %v", name, err)
		}
		return n
	}
	names := map[string]float64{`booking_tenant_last_success_age_seconds{tenant="1"}`: 50 * 3600, `booking_oldest_success_age_seconds`: 50 * 3600, `booking_queue_oldest_age_seconds`: 2 * 3600, `booking_state_age_seconds`: 0}
	b.later(time.Hour) // this host's clock may be wrong as a whole: only how far it moves counts
	for name, was := range names {
		if got := value(name); got < was+3600 || got > was+3600+600 {
			t.Errorf("%s is %v an hour after it was %v", name, got, was)
		}
	}
}

// A tenant that has never been synced is as old as its connection.
func TestATenantWithoutASuccessAgesFromItsConnection(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.tenant(0, 0, "")
	b.count()
	scrape := b.scrape()
	b.has(scrape, `booking_tenants{state="new"} 1`, `!booking_tenant_last_run_status`, `booking_tenant_people{link="linked",tenant="1"} 0`)
	if !regexp.MustCompile(`(?m)^booking_tenant_last_success_age_seconds\{tenant="1"\} 36\d\d\d`).MatchString(scrape) {
		t.Error(ours(scrape))
	}
}

func TestOnlyTenantsWithAProblemHaveSeriesWhereThereAreMany(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const good, bad = `'succeeded', '', 0, UTC_TIMESTAMP(6), 0, 1, 0`, `'failed', 'database', 2, UTC_TIMESTAMP(6), 0, 0, 0`
	for range 4 {
		b.tenant(0, 0, good)
	}
	b.count()
	if n := strings.Count(b.scrape(), "booking_tenant_held{"); n != 4 {
		t.Errorf("%d of 4 tenants have series", n)
	}
	failing := b.tenant(1, 0, bad)
	b.count()
	scrape := b.scrape()
	b.has(scrape, fmt.Sprintf(`booking_tenant_failures_in_a_row{tenant="%d"} 2`, failing), fmt.Sprintf(`booking_tenant_people{link="linked",tenant="%d"} 1`, failing),
		`booking_tenants_without_series 4`, `booking_tenants{state="ok"} 4`, `booking_tenants{state="failing"} 1`, `booking_conflicts 4`)
	if n := strings.Count(scrape, "booking_tenant_held{"); n != 1 {
		t.Errorf("%d tenants have series", n)
	}
	for range 10 {
		b.tenant(0, 0, bad)
	}
	b.count()
	if n := strings.Count(b.scrape(), "booking_tenant_held{"); n != b.TenantSeries {
		t.Errorf("%d tenants have series, at most %d should", n, b.TenantSeries)
	}
}

// What a look costs is a number of statements, whatever is scraped.
func TestAScrapeAsksTheDatabaseNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.TenantSeries = 250
	for range 201 {
		b.tenant(0, 0, "")
	}
	check := func(what string, do func(context.Context) error, want int) {
		t.Helper()
		b.asked.Take()
		if err := do(t.Context()); err != nil {
			t.Fatal(err)
		}
		if asked := b.asked.Take(); len(asked) != want {
			t.Errorf("%s: %d statements, want %d:\n%s", what, len(asked), want, strings.Join(asked, "\n"))
		}
	}
	check("a look", b.Look, 2)
	check("a count of 201 tenants' people", b.Count, 2+1+3)
	for range 3 {
		check("a scrape", func(context.Context) error { b.scrape(); return nil }, 0)
	}
}

func TestADatabaseThatIsAwayKeepsTheStateAndIsCounted(t *testing.T) {
	t.Parallel()
	b := full(t)
	if err := b.Store.Close(); err != nil {
		t.Fatal(err)
	}
	b.tell(t.Context(), b.Look)
	b.tell(t.Context(), b.Count)
	b.has(b.scrape(), `booking_tenant_failures_in_a_row{tenant="1"} 3`, `booking_state_errors_total 2`)
}

func TestBeforeTheFirstLookNothingIsClaimed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if scrape := ours(b.scrape()); strings.Contains(scrape, "booking_tenants") || strings.Contains(scrape, "booking_queue") {
		t.Error(scrape)
	}
}

// Waits that become longer are one wait; requests that were told of before are not
// counted again.
func TestRequestsAndWaitsAreCountedOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	start := b.now
	run := store.Run{ID: 1, Plugin: "acme", Mode: crm.ModeApply, Trigger: "api", Attempt: 2}
	b.RunBegan(run)
	b.has(b.scrape(), `booking_runs_in_progress 1`, `booking_run_claims_total{attempt="later"} 1`)
	for _, p := range []struct {
		after    time.Duration
		requests int
		until    time.Duration
	}{{0, 1, 0}, {0, 2, 10}, {5, 2, 10}, {8, 2, 25}, {30, 3, 0}, {40, 4, 50}} {
		b.later(start.Add(p.after * time.Second).Sub(b.clock()))
		progress := crm.Progress{Requests: p.requests}
		if p.until > 0 {
			progress.LimitedUntil = start.Add(p.until * time.Second)
		}
		b.RunProgress(run, progress)
	}
	b.RunLeft(run, 4)
	run.Status = store.StatusFailed
	b.RunEnded(run)
	b.has(b.scrape(), `booking_portal_requests_total{plugin="acme"} 4`, `booking_portal_limit_waits_total{plugin="acme"} 2`,
		`booking_portal_limit_wait_seconds_total{plugin="acme"} 35`, `booking_runs_in_progress 0`, `booking_runs_total{mode="apply",status="failed",trigger="api"} 1`)
	// The next attempt begins from nothing.
	b.RunBegan(run)
	b.RunProgress(run, crm.Progress{Requests: 1})
	b.has(b.scrape(), `booking_portal_requests_total{plugin="acme"} 5`)
}

func TestNamesAreAsPrometheusWantsThem(t *testing.T) {
	t.Parallel()
	b := full(t)
	problems, err := testutil.GatherAndLint(b.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// Every label is one of a closed list: nothing that grows with people, addresses or
// what somebody types.
func TestLabelsAreBounded(t *testing.T) {
	t.Parallel()
	b := full(t)
	families, err := b.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	allowed := []string{"tenant", "state", "plugin", "version", "route", "status", "code", "link", "trigger", "mode", "attempt"}
	seen := 0
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "booking_") {
			continue
		}
		seen++
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if !slices.Contains(allowed, label.GetName()) {
					t.Errorf("%s has the label %s", family.GetName(), label.GetName())
				}
				if label.GetName() == "tenant" && !regexp.MustCompile(`^\d+$`).MatchString(label.GetValue()) {
					t.Errorf("%s names a tenant: %q", family.GetName(), label.GetValue())
				}
			}
		}
	}
	if text := b.scrape(); seen < 25 || strings.Contains(text, "Ромашка") || strings.Contains(text, "Анна") || strings.Contains(text, "example") {
		t.Errorf("%d families, or something personal:\n%s", seen, ours(text))
	}
}
