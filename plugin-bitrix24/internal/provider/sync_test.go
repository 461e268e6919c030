package provider

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"booking/plugin-bitrix24/internal/portalsim"
	"booking/shared/crm"
	"booking/shared/secret"
)

func TestSyncUsers(t *testing.T) {
	t.Parallel()
	h := newHouse(t, portalsim.Options{People: portalsim.People(60, 1), Departments: portalsim.Departments()})
	result, events, err := h.sync(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	want := crm.SyncResult{Counts: crm.Counts{Fetched: 60, Created: 60}, Portal: "127.0.0.1", Requests: 1, PlanHash: result.PlanHash}
	if result != want {
		t.Errorf("first run %+v", result)
	}
	if h.users() != 60 || len(events.changes) != 60 {
		t.Errorf("%d users, %d changes", h.users(), len(events.changes))
	}
	first := events.progress[0]
	if first != (crm.Progress{Stage: crm.StageReading, Done: 60, Total: 60, Requests: 1}) {
		t.Errorf("first progress %+v", first)
	}
	done := 0
	for _, p := range events.progress {
		if p.Stage == crm.StageReading && p.Done < done {
			t.Errorf("the reading went back to %+v", p)
		}
		done = max(done, p.Done)
	}
	result, _, err = h.sync(context.Background())
	if err != nil || result.Unchanged != 60 || result.Requests != 1 {
		t.Errorf("second run %+v, %v", result, err)
	}
}

func TestPhoneAndPosition(t *testing.T) {
	t.Parallel()
	people := portalsim.People(2, 1)
	people[0].PersonalMobile, people[0].WorkPhone, people[0].Position = "", "8 495", "Boss"
	h := newHouse(t, portalsim.Options{People: people})
	h.set(keyPhone, "true")
	h.set(keyPosition, "true")
	if _, _, err := h.sync(context.Background()); err != nil {
		t.Fatal(err)
	}
	var phone, position string
	if err := h.db.QueryRow("SELECT phone, position FROM users WHERE bitrix24_user_id = '1'").Scan(&phone, &position); err != nil || phone != "8 495" || position != "Boss" {
		t.Error(phone, position, err)
	}
}

func TestDepartmentsSetting(t *testing.T) {
	t.Parallel()
	people := portalsim.People(10, 1)
	for i := range people {
		people[i].Departments = []int64{int64(i + 1)}
	}
	var tree []portalsim.Department
	for id := range int64(10) {
		tree = append(tree, portalsim.Department{ID: id + 1, Name: fmt.Sprint(id), Parent: id})
	}
	h := newHouse(t, portalsim.Options{People: people, Departments: tree})
	h.set(keyDepartments, "9, 8")
	result, _, err := h.sync(context.Background())
	if err != nil || result.Fetched != 3 {
		t.Errorf("%+v %v", result, err)
	}
	h.set(keyDepartments, "9,77")
	_, _, err = h.sync(context.Background())
	if crm.CodeOf(err) != crm.CodePortalAnswer || !strings.Contains(err.Error(), "77") {
		t.Errorf("an unknown department: %v", err)
	}
}

// TestFaultsLeaveUsersAlone is the table of bad input: the run fails with the right code, the
// users table is untouched, the next run works.
func TestFaultsLeaveUsersAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t, portalsim.Options{People: portalsim.People(60, 1), HugeBody: 40 << 20})
	h.provider.clock = noWait()
	for kind, code := range map[portalsim.Kind]crm.Code{
		portalsim.InternalError: crm.CodePortalAnswer, portalsim.HTML200: crm.CodePortalAnswer, portalsim.CutJSON: crm.CodePortalAnswer,
		portalsim.EmptyPage: crm.CodePortalAnswer, portalsim.ShortPage: crm.CodePortalAnswer, portalsim.RedirectHost: crm.CodePortalAnswer,
		portalsim.ResetBefore: crm.CodePortalUnreachable, portalsim.NoAuth: crm.CodeUnauthorized, portalsim.ScopeMissing: crm.CodeScopeMissing,
		portalsim.QueryLimit: crm.CodeRateLimited, portalsim.OperationLimit: crm.CodeRateLimited, portalsim.HugeBody: crm.CodePortalAnswer,
		portalsim.AccessDenied: crm.CodeUnauthorized, portalsim.TotalTooHigh: crm.CodePortalAnswer,
	} {
		h.portal.Inject(portalsim.Fault{Kind: kind, Times: portalsim.Always})
		_, _, err := h.sync(context.Background())
		if crm.CodeOf(err) != code {
			t.Errorf("%s: want %s, got %v", kind, code, err)
		}
		if n := h.users(); n != 0 {
			t.Fatalf("%s: %d users were written", kind, n)
		}
		h.portal.Heal()
	}
	result, _, err := h.sync(context.Background())
	if err != nil || result.Created != 60 {
		t.Errorf("the next run: %+v %v", result, err)
	}
}

func TestLimitIsTold(t *testing.T) {
	t.Parallel()
	h := newHouse(t, portalsim.Options{People: portalsim.People(5, 1)})
	h.provider.clock = noWait()
	h.portal.Inject(portalsim.Fault{Kind: portalsim.QueryLimit})
	_, events, err := h.sync(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if p := events.progress[0]; p.LimitedUntil.IsZero() || p.Stage != crm.StageReading || p.Requests != 1 {
		t.Errorf("first progress %+v", p)
	}
	if p := events.progress[1]; !p.LimitedUntil.IsZero() {
		t.Errorf("second progress %+v", p)
	}
}

func TestNotConfigured(t *testing.T) {
	t.Parallel()
	h := newHouse(t, portalsim.Options{People: portalsim.People(5, 1)})
	for _, address := range []string{"", "  ", "https://portal.bitrix24.ru/" + testSecret} {
		h.set(keyWebhook, address)
		_, _, err := h.sync(context.Background())
		if crm.CodeOf(err) != crm.CodeNotConfigured || !strings.Contains(err.Error(), "/rest/1/xxxxx/") {
			t.Errorf("%q: %v", address, err)
		}
	}
	if h.portal.Requests() != 0 {
		t.Error("somebody was called")
	}
	fresh := New()
	if _, err := fresh.SyncUsers(context.Background(), crm.SyncRequest{}, &recorder{}); err == nil {
		t.Error("a plugin without Configure worked")
	}
	if _, err := fresh.CheckSettings(context.Background(), nil); err == nil {
		t.Error("a plugin without Configure worked")
	}
	if _, err := fresh.CheckConnection(context.Background(), crm.ConnectionRequest{}); err == nil {
		t.Error("a plugin without Configure worked")
	}
}

// TestConfigureAgain: runs that go on keep what they began with.
func TestConfigureAgain(t *testing.T) {
	t.Parallel()
	var h *house
	h = newHouse(t, portalsim.Options{People: portalsim.People(20, 1), OnRequest: func(int, string) {
		h.configure()
		h.configure()
	}})
	result, _, err := h.sync(context.Background())
	if err != nil || result.Created != 20 {
		t.Errorf("%+v %v", result, err)
	}
	err = h.provider.Configure(context.Background(), crm.Configuration{DSN: secret.New(h.dsn), Proxy: secret.New("ftp://" + testSecret)})
	if err == nil {
		t.Error("a wrong proxy was taken")
	}
	noSecret(t, err)
}

// TestWrongDSN: the database is opened when it is needed, so the run says so.
func TestWrongDSN(t *testing.T) {
	t.Parallel()
	h := newHouse(t, portalsim.Options{People: portalsim.People(2, 1)})
	for _, dsn := range []string{"no dsn " + testSecret, "root:" + testSecret + "@tcp(127.0.0.1:1)/booking", ""} {
		if err := h.provider.Configure(context.Background(), crm.Configuration{DSN: secret.New(dsn), HTTPPortals: []string{"127.0.0.1"}}); err != nil {
			t.Fatal(err)
		}
		_, _, err := h.sync(context.Background())
		if want := map[bool]crm.Code{true: crm.CodeInternal, false: crm.CodeDatabase}[dsn == ""]; crm.CodeOf(err) != want {
			t.Errorf("want %s, got %v", want, err)
		}
	}
}

func TestMigrateTwice(t *testing.T) {
	t.Parallel()
	h := newHouse(t, portalsim.Options{})
	done, err := h.provider.Migrate(context.Background(), crm.Migration{DSN: secret.New(h.dsn)})
	if err != nil || len(done.Applied) != 0 {
		t.Errorf("%+v %v", done, err)
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	h := newHouse(t, portalsim.Options{People: portalsim.People(20, 1), OnRequest: func(int, string) { cancel() }})
	_, _, err := h.sync(ctx)
	if crm.CodeOf(err) != crm.CodeCancelled || h.users() != 0 {
		t.Errorf("%v, %d users", err, h.users())
	}
}

// TestRequestLines: each request is a line with the mark, the method, the page and the time.
func TestRequestLines(t *testing.T) {
	t.Parallel()
	h := newHouse(t, portalsim.Options{People: portalsim.People(3, 1)})
	if _, _, err := h.sync(context.Background()); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(logged.String()) {
		if strings.Contains(line, "🔵") && strings.Contains(line, "method=batch") && strings.Contains(line, "page=1") &&
			strings.Contains(line, "ms=") && strings.Contains(line, "tenant=1") && strings.Contains(line, "run=") && strings.Contains(line, "level=INFO") {
			return
		}
	}
	t.Errorf("no such line in:\n%s", logged.String())
}
