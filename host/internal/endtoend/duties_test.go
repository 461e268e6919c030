package endtoend

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"booking/shared/testdb/proxy"
)

// What only a host that works sends: it claims runs, and looks at the schedule.
var (
	claims = proxy.Match{Statement: "UPDATE crm_runs AS r JOIN"}
	looks  = proxy.Match{Statement: "SELECT s.*, COALESCE(c.plugin"}
)

// serve --web-only and --worker-only, two processes on one database: a button on the one
// starts its run on the other within 2 seconds, and neither does the other's work.
func TestPagesAndWorkApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	portal := startPortal(t, "--people", "20")
	tenant := w.connected(portal)
	direct := w.env["BOOKING_DSN_FILE"]
	through := func(name string) (claimed, looked *proxy.Rule) {
		p := proxy.New(t, w.dsn)
		w.env["BOOKING_DSN_FILE"] = w.file("secret/"+name, p.Through(w.dsn))
		return p.Rule(claims, proxy.Pass), p.Rule(looks, proxy.Pass)
	}
	claimedByPages, lookedByPages := through("pages")
	pages, base := w.serveOn(nil, "--web-only")
	claimedByWorker, lookedByWorker := through("worker")
	metrics := freeAddress(t)
	worker, beside := w.serveOn(map[string]string{"BOOKING_METRICS_ADDR": metrics}, "--worker-only")
	w.env["BOOKING_DSN_FILE"] = direct
	delete(w.env, "BOOKING_METRICS_ADDR")

	for path, want := range map[string]string{
		"/healthz": "200 ok\n", "/readyz": "200 ok\n", "/": "404 ", "/sign-in": "404 ", "/settings/crm": "404 ", "/api/v1/status": "404 ",
	} {
		if got := ask(t, beside+path, ""); !strings.HasPrefix(got, want) {
			t.Errorf("the worker's %s: %q, want %q", path, got, want)
		}
	}
	who := w.signIn(base, tenant)
	var waited []int
	for range 5 {
		run := strconv.FormatInt(who.press("apply"), 10)
		eventually(t, patience, "the run of a button", func() bool { return w.lastStatus(tenant) == "succeeded" })
		took, err := strconv.Atoi(query(t, w.db, "SELECT TIMESTAMPDIFF(MICROSECOND, requested_at, started_at) FROM crm_runs WHERE id = "+run)[0])
		must(t, err)
		waited = append(waited, took)
	}
	// Half of them: one may meet a machine that has other things to do.
	if slices.Sort(waited); waited[len(waited)/2] > 2_000_000 {
		t.Errorf("the runs began after %v µs", waited)
	}
	if hosts := query(t, w.db, "SELECT DISTINCT SUBSTRING_INDEX(host, ':', -1) FROM crm_runs"); !slices.Equal(hosts, []string{strconv.Itoa(worker.cmd.Process.Pid)}) {
		t.Errorf("the runs were carried out by %v", hosts)
	}
	if scraped := ask(t, "http://"+metrics+"/metrics", ""); !strings.Contains(scraped, `booking_run_claims_total{attempt="first"} 5`) {
		t.Errorf("the worker counts otherwise:\n%s", scraped)
	}
	if claimedByWorker.Count() < 5 || lookedByWorker.Count() == 0 || claimedByPages.Count() != 0 || lookedByPages.Count() != 0 {
		t.Errorf("claims and looks: %d, %d by the worker, %d, %d by the pages", claimedByWorker.Count(), lookedByWorker.Count(), claimedByPages.Count(), lookedByPages.Count())
	}
	for _, one := range []*running{pages, worker} {
		if r := one.stops(); strings.Contains(r.stdout, "Страница: ") != (one == pages) {
			t.Error(r)
		}
	}
}

// Only who has pages tells how to begin there.
func TestOnlyPagesTellTheFirstRunCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for flag, tells := range map[string]bool{"--web-only": true, "--worker-only": false} {
		serving, base := w.serveOn(nil, flag)
		if got := ask(t, base+"/readyz", ""); got != "200 ok\n" {
			t.Errorf("%s: %q", flag, got)
		}
		if r := serving.stops(); strings.Contains(r.stdout, "/first-run") != tells {
			t.Errorf("%s: %s", flag, r)
		}
	}
}
