package web

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"booking/shared/crm"
)

// gate lets a sync wait in the middle.
type gate struct{ entered, open chan struct{} }

func (s *site) gated() gate {
	g := gate{make(chan struct{}, 8), make(chan struct{})}
	s.plugin.sync = func(ctx context.Context, r crm.SyncRequest, events crm.Events) (crm.SyncResult, error) {
		if err := events.Progress(crm.Progress{Stage: crm.StageReading, Done: 50, Total: 200, Requests: 3}); err != nil {
			return crm.SyncResult{}, err
		}
		g.entered <- struct{}{}
		select {
		case <-g.open:
			return crm.SyncResult{Counts: crm.Counts{Fetched: 200, Unchanged: 200}, Requests: 4}, nil
		case <-ctx.Done():
			return crm.SyncResult{}, ctx.Err()
		}
	}
	return g
}

func (s *site) press(v *visitor, mode string) string {
	s.t.Helper()
	a := v.post("/settings/crm/runs", "mode", mode)
	if a.status != http.StatusSeeOther || !strings.HasPrefix(a.to, "/runs/") {
		s.t.Fatalf("pressing %s: %d %s\n%s", mode, a.status, a.to, a.body)
	}
	return strings.TrimSuffix(a.to, "?joined")
}

func (s *site) wait(c <-chan struct{}) {
	s.t.Helper()
	select {
	case <-c:
	case <-time.After(30 * time.Second):
		s.t.Fatal("waited for nothing")
	}
}

// until asks for a page until it has a text.
func (v *visitor) until(path, text string) answer {
	v.s.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		a := v.get(path)
		if strings.Contains(a.body, text) {
			return a
		}
		if time.Now().After(deadline) {
			v.s.t.Fatalf("%s never had %q:\n%s", path, text, a.body)
		}
	}
}

func TestRunIsWatchedLiveAndItsResultStays(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	s.work()
	g := s.gated()
	v := s.signedIn("admin@ours.example")
	path := s.press(v, "apply")
	s.wait(g.entered)
	events := v.events(path)
	live := events.next(t, "live")
	for !strings.Contains(live, "50") || !strings.Contains(live, "200") {
		live = events.next(t, "live")
	}
	if !strings.Contains(live, "Читаем сотрудников из портала") {
		t.Errorf("live: %s", live)
	}
	// Without script the page comes anew by itself.
	v.get(path).contains(t, `<noscript><meta http-equiv="refresh"`, "Остановить", `data-events="`+path+`/events"`)
	v.get("/settings/crm").contains(t, "Идёт синхронизация")
	close(g.open)
	for events.next(t, "") != "over" {
	}
	v.get(path).contains(t, "готово", "Все уже в порядке", "Анна", "!http-equiv", "200")
}

// Two administrators see the same run, and a second press joins it.
func TestRunSecondPressJoinsTheFirst(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	s.work()
	g := s.gated()
	one, two := s.signedIn("admin@ours.example"), s.signedIn("admin@ours.example")
	path := s.press(one, "apply")
	s.wait(g.entered)
	if again := s.press(two, "apply"); again != path {
		t.Errorf("the second press leads to %s, not to %s", again, path)
	}
	first, second := one.events(path), two.events(path)
	first.next(t, "live")
	second.next(t, "live")
	close(g.open)
	for _, e := range []*eventReader{first, second} {
		for e.next(t, "") != "over" {
		}
	}
	if n := s.count("SELECT COUNT(*) FROM crm_runs"); n != 1 {
		t.Errorf("%d runs", n)
	}
}

// A host that claims the run in the very moment it is queued is no reason to refuse it.
func TestRunThatIsBegunAtOnceIsShown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	s.exec(`CREATE TRIGGER another_host BEFORE INSERT ON crm_runs FOR EACH ROW SET NEW.status = 'running', NEW.active_tenant = NEW.tenant_id, NEW.queue_key = NULL,
		NEW.fence = 1, NEW.host = 'other:1', NEW.lease_until = UTC_TIMESTAMP(6) + INTERVAL 600 SECOND, NEW.started_at = UTC_TIMESTAMP(6)`)
	v := s.signedIn("admin@ours.example")
	v.get(s.press(v, "apply")).contains(t, "data-events")
}

func (s *site) count(query string, args ...any) int {
	s.t.Helper()
	var n int
	if err := s.DB().NewRaw(query, args...).Scan(s.t.Context(), &n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

func TestRunIsStoppedByTheButton(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	s.work()
	g := s.gated()
	v := s.signedIn("admin@ours.example")
	path := s.press(v, "apply")
	s.wait(g.entered)
	if a := v.post(path + "/cancel"); a.to != path {
		t.Fatalf("%d", a.status)
	}
	v.until(path, "остановлено")
	// Another company's administrator has no say in it.
	if a := s.signedIn("admin@theirs.example").post(path + "/cancel"); a.status != http.StatusNotFound {
		t.Errorf("%d", a.status)
	}
}

func TestRunIsSeenWhenAnotherProcessCarriesItOut(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	// Nobody works here: the row is all there is, as a command elsewhere would write it.
	id := s.exec(`INSERT INTO crm_runs (tenant_id, plugin, portal, mode, started_by, status, active_tenant, fence, lease_until, requested_at, started_at)
		VALUES (?, 'scripted', 'portal.example', 'apply', 'cli', 'running', ?, 1, UTC_TIMESTAMP(6) + INTERVAL 60 SECOND, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))`, s.ours, s.ours)
	v := s.signedIn("admin@ours.example")
	events := v.events(runPath(id))
	events.next(t, "live")
	if err := s.NoteProgress(t.Context(), id, crm.Progress{Stage: crm.StageWriting, Done: 7, Total: 9}); err != nil {
		t.Fatal(err)
	}
	s.exec(`INSERT INTO crm_changes (run_id, tenant_id, external_id, action, name, email, created_at) VALUES (?, ?, '5', 'created', 'Только Что', 'now@ours.example', UTC_TIMESTAMP(6))`, id, s.ours)
	for live := ""; !strings.Contains(live, "Только Что") || !strings.Contains(live, "Записываем изменения"); {
		live = events.next(t, "live")
	}
	// Its host dies: whoever looks sees it once the lease is over.
	s.exec("UPDATE crm_runs SET lease_until = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND WHERE id = ?", id)
	for events.next(t, "") != "over" {
	}
	v.get(runPath(id)).contains(t, "прервано")
}

func TestRunPreviewSaysWhatWouldBe(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	s.work()
	v := s.signedIn("admin@ours.example")
	v.until(s.press(v, "preview"), "Это предпросмотр: ничего не записано")
}

func TestRunListsSearchesAndExplains(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	run := runPath(s.finishedRun("100% Процент", "_Подчёркивание"))
	v := s.signedIn("admin@ours.example")
	v.get(run).contains(t, "Вера Новая", "<del><bdi>Старое Имя</bdi></del>", "адрес занят другой учётной записью", "освободите его или измените в CRM")
	v.get(run+"?action=conflict").contains(t, "Спорный", "!Вера Новая")
	v.get(run+"?q=%25").contains(t, "100% Процент", "!Вера Новая", "!Подчёркивание")
	v.get(run+"?q=_").contains(t, "_Подчёркивание", "!Вера Новая")
	v.get(run+"?q=99").contains(t, "Спорный", "!Вера Новая")
	v.get(run+"?action=nonsense&q=%27%3B+DROP").contains(t, "Никого не нашлось")
}

func TestRunPagesHaveEverybodyOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var names []string
	for i := range 2*changesOnPage + 5 {
		names = append(names, fmt.Sprintf("Человек-%03d.", i))
	}
	path := runPath(s.finishedRun(names...))
	v := s.signedIn("admin@ours.example")
	all, pages := "", 0
	for next := path; next != ""; pages++ {
		a := v.get(next)
		all += a.body
		_, after, found := strings.Cut(a.body, `class="button" href="`)
		if next = ""; found {
			next, _, _ = strings.Cut(after, `"`)
			next = strings.ReplaceAll(next, "&amp;", "&")
		}
	}
	for _, name := range names {
		if n := strings.Count(all, name); n != 2 { // the name itself and the new value
			t.Fatalf("%s is there %d times", name, n)
		}
	}
	if pages != 3 {
		t.Errorf("%d pages", pages)
	}
}

func TestRunDownloads(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	evil := []string{`=HYPERLINK("http://evil.example")`, "+1", "-1", "@SUM(A1)", "\tx"}
	path := runPath(s.finishedRun(evil...))
	v := s.signedIn("admin@ours.example")
	a := v.get(path + "/changes.csv")
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(a.body, "\ufeff"))).ReadAll()
	if err != nil || len(rows) != 3+len(evil) {
		t.Fatalf("%d rows (%v)", len(rows), err)
	}
	for i, name := range evil {
		if got := rows[2+i][2]; got != "'"+name {
			t.Errorf("%q is %q in the table", name, got)
		}
	}
	var run struct {
		Status  string
		Changes []struct {
			Name, Reason string
			After        map[string]string
		}
	}
	if err := json.Unmarshal([]byte(v.get(path+"/changes.json").body), &run); err != nil || run.Status != "succeeded" || len(run.Changes) != 2+len(evil) || run.Changes[1].After["name"] != evil[0] {
		t.Errorf("%v %+v", err, run)
	}
}

func TestPeopleAreFoundWithAtMostFourStatements(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i := range peopleOnPage + 5 {
		s.exec("INSERT INTO users (tenant_id, name, email, password, role, bitrix24_user_id, is_active) VALUES (?, ?, ?, 'x', 'employee', ?, ?)",
			s.ours, fmt.Sprintf("Номер %d.", i), fmt.Sprintf("n%d@ours.example", i), []any{nil, fmt.Sprint(i)}[i%2], i%3 != 0)
	}
	s.person(s.theirs, "Чужой Номер", "foreign@theirs.example", "employee")
	v := s.signedIn("admin@ours.example")
	a := v.get("/people")
	a.contains(t, "Номер 54.", "!Номер 4.", "!Чужой", "Дальше")
	s.asked.take()
	_, next, _ := strings.Cut(a.body, `class="button" href="`)
	next, _, _ = strings.Cut(next, `"`)
	v.get(strings.ReplaceAll(next, "&amp;", "&")).contains(t, "Номер 4.", "!Номер 54.", "Анна", "!Чужой")
	if asked := s.asked.take(); len(asked) == 0 || len(asked) > 4 {
		t.Errorf("%d statements:\n%s", len(asked), strings.Join(asked, "\n"))
	}
	v.get("/people?linked=yes&active=yes&role=employee").contains(t, "Номер 53.", "!Номер 54.", "!admin@ours.example")
	v.get("/people?active=no").contains(t, "Номер 54.", "!Номер 53.", "отключён")
	v.get("/people?q=n7%40").contains(t, "Номер 7.", "!Номер 17.")
	v.get("/people?q=%D0%9D%D0%9E%D0%9C%D0%95%D0%A0+7.").contains(t, "Номер 7.", "!Номер 8.")
}

func TestPeopleAreThereBeforeAnyCRMWasConnected(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec("ALTER TABLE users DROP COLUMN bitrix24_user_id, DROP COLUMN phone, DROP COLUMN position")
	s.signedIn("admin@ours.example").get("/people?linked=no").contains(t, "Анна", "Егор")
}

// eventReader reads server-sent events.
type eventReader struct {
	lines *bufio.Scanner
}

func (v *visitor) events(path string) *eventReader {
	v.s.t.Helper()
	request, err := http.NewRequestWithContext(v.s.t.Context(), http.MethodGet, v.s.http.URL+path+"/events", nil)
	if err != nil {
		v.s.t.Fatal(err)
	}
	response, err := v.client.Do(request)
	if err != nil {
		v.s.t.Fatal(err)
	}
	v.s.t.Cleanup(func() { response.Body.Close() })
	if kind := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || kind != "text/event-stream" {
		v.s.t.Fatalf("%d %s", response.StatusCode, kind)
	}
	return &eventReader{bufio.NewScanner(response.Body)}
}

// next is the data of the next event with a name ("": any), or the test fails.
func (e *eventReader) next(t *testing.T, name string) string {
	t.Helper()
	var event string
	var data []string
	for e.lines.Scan() {
		line := e.lines.Text()
		switch {
		case strings.HasPrefix(line, "event: "):
			event = line[len("event: "):]
		case strings.HasPrefix(line, "data: "):
			data = append(data, line[len("data: "):])
		case line == "" && event != "" && (name == "" || event == name):
			return strings.Join(data, "\n")
		case line == "":
			event, data = "", nil
		}
	}
	t.Fatalf("the events ended: %v", e.lines.Err())
	return ""
}
