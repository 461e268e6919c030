package usersync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"

	"booking/shared/crm"
)

func wantLines(t testing.TB, what string, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestFirstImportCreatesEmployees(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.options = Options{Phone: true, Position: true}
	result, events := h.sync(
		Person{ExternalID: "7", Name: "Anna", Email: " Anna@X.com", Phone: "+7 900", Position: "Boss"},
		Person{ExternalID: "8", Email: "b@x.com"},
		Person{ExternalID: "9", Name: "Nobody"},
	)
	want := crm.SyncResult{Counts: crm.Counts{Fetched: 3, Created: 2, Skipped: 1}, Portal: "portal.example", PlanHash: result.PlanHash}
	if result != want || result.PlanHash == "" {
		t.Errorf("result %+v, want %+v", result, want)
	}
	wantLines(t, "users", h.table("tenant_id, name, email, "+link+", role, is_active, COALESCE(phone, '-'), COALESCE(position, '-'), created_at, updated_at"),
		"1 Anna anna@x.com 7 employee 1 +7 900 Boss 2026-11-23 12:00:00 2026-11-23 12:00:00",
		"1 Сотрудник 8 b@x.com 8 employee 1 - - 2026-11-23 12:00:00 2026-11-23 12:00:00")
	wantLines(t, "events", events.said(), "7 created #1", "8 created #2", "9 skipped/no_email")
	if events.progress[len(events.progress)-1] != (crm.Progress{Stage: crm.StageWriting, Done: 3, Total: 3}) {
		t.Errorf("last progress %+v", events.progress[len(events.progress)-1])
	}
	passwords := h.table("password")
	for _, password := range passwords {
		if cost, err := bcrypt.Cost([]byte(password)); err != nil || cost != 12 {
			t.Errorf("password %q: cost %d, error %v", password, cost, err)
		}
	}
	if passwords[0] == passwords[1] {
		t.Error("two newcomers have one password value")
	}
}

func TestHistoryHoldsTheValuesBeforeAndAfter(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.options = Options{Position: true}
	h.users("1 Old old@x 7 manager", "1 Local local@x - employee", "1 Twin twin@x 7 employee")
	_, events := h.sync(
		Person{ExternalID: "7", Name: "New", Email: "new@x", Position: "Boss"},
		Person{ExternalID: "8", Email: "LOCAL@x"},
		Person{ExternalID: "9", Name: "Nina", Email: "nina@x"},
		Person{ExternalID: "10", Name: "Lost", Email: "new@x"},
		Person{ExternalID: "x", Name: "Odd", Email: "odd@x"},
	)
	wantLines(t, "events", events.said(),
		"10 conflict/duplicate_email vs 7#1", "7 reported/duplicate_link #3 vs #1", "7 updated #1", "8 updated/linked #2",
		"9 created #4", "x skipped/invalid:id")
	type record struct{ User, Other, Name, Email, Field, Before, After string }
	got := map[string]record{}
	rows, err := h.admin.Query("SELECT CONCAT(external_id, ' ', action), COALESCE(user_id, 0), COALESCE(other_user_id, 0), name, email, field, COALESCE(before_values, ''), COALESCE(after_values, '') FROM crm_changes WHERE run_id = 1 AND tenant_id = 1 AND created_at = '2026-11-23 12:00:00.7'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		var r record
		if err := rows.Scan(&key, &r.User, &r.Other, &r.Name, &r.Email, &r.Field, &r.Before, &r.After); err != nil {
			t.Fatal(err)
		}
		r.Before, r.After = canonical(t, r.Before), canonical(t, r.After)
		got[key] = r
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	want := map[string]record{
		"7 updated": {User: "1", Other: "0", Name: "New", Email: "new@x",
			Before: `{"email":"old@x","name":"Old","position":null}`, After: `{"email":"new@x","name":"New","position":"Boss"}`},
		"7 reported": {User: "3", Other: "1", Name: "Twin", Email: "twin@x"},
		"8 updated": {User: "2", Other: "0", Name: "Local", Email: "LOCAL@x",
			Before: `{"bitrix24_user_id":null}`, After: `{"bitrix24_user_id":"8"}`},
		"9 created": {User: "4", Other: "0", Name: "Nina", Email: "nina@x",
			After: `{"bitrix24_user_id":"9","email":"nina@x","is_active":true,"name":"Nina","role":"employee"}`},
		"10 conflict": {User: "0", Other: "1", Name: "Lost", Email: "new@x"},
		"x skipped":   {User: "0", Other: "0", Name: "Odd", Email: "odd@x", Field: "id"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

func TestRule1OtherRowsStayByteByByte(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.users("2 Foreign f@x 7 employee", "- Root root@x - super_admin", "2 Same same@x 8 manager", "1 Mine mine@x 7 employee")
	before := h.bytes("WHERE COALESCE(tenant_id, 0) <> 1")
	result, events := h.sync(named("7", "Mine Too", "f@x"), named("8", "Eight", "root@x"), named("9", "Nine", "SAME@x"), named("10", "Ten", "ten@x"))
	if result.Created != 1 || result.Conflicts != 3 {
		t.Errorf("result %+v", result)
	}
	wantLines(t, "events name nobody else", events.said(), "10 created #5", "7 conflict/email_taken #4", "8 conflict/email_taken", "9 conflict/email_taken")
	wantLines(t, "foreign rows", h.bytes("WHERE COALESCE(tenant_id, 0) <> 1"), before...)
	wantLines(t, "own rows", h.table("name, email, "+link, "WHERE tenant_id = 1"), "Mine Too mine@x 7", "Ten ten@x 10")
}

func TestRule4AnUnchangedRunWritesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.users("1 Local local@x - admin", "1 Upper UPPER@x 9 employee")
	people := []Person{named("7", "Anna", "anna@x"), named("8", "Local", "local@x"), named("9", "Upper", "upper@x"), {ExternalID: "10"}}
	h.sync(people...)
	before := h.bytes("")
	h.wire.reset()
	result, events := h.sync(people...)
	if result.Counts != (crm.Counts{Fetched: 4, Unchanged: 3, Skipped: 1}) {
		t.Errorf("result %+v", result)
	}
	wantLines(t, "rows", h.bytes(""), before...)
	wantLines(t, "events", events.said(), "10 skipped/no_email")
}

func TestRule7RingsChainsAndHandovers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.users("1 A a@x 1 employee", "1 B b@x 2 employee", "1 C c@x 3 employee", // a ring
		"1 D d@x 4 employee", "1 E e@x 5 employee", // a chain: 4 takes e, 5 takes free
		"1 F f@x 6 employee",                       // a newcomer takes f
		"1 G g@x 7 employee", "1 H h@x 8 employee") // 8 keeps h: 7 cannot have it
	result, _ := h.sync(
		named("1", "A", "b@x"), named("2", "B", "c@x"), named("3", "C", "a@x"),
		named("4", "D", "e@x"), named("5", "E", "free@x"),
		named("6", "F", "f2@x"), named("60", "New", "f@x"),
		named("7", "G2", "h@x"), named("8", "H", ""))
	if result.Counts != (crm.Counts{Fetched: 9, Created: 1, Updated: 6, Unchanged: 1, Conflicts: 1}) {
		t.Errorf("result %+v", result)
	}
	wantLines(t, "users", h.table("name, email, "+link),
		"A b@x 1", "B c@x 2", "C a@x 3", "D e@x 4", "E free@x 5", "F f2@x 6", "G2 g@x 7", "H h@x 8", "New f@x 60")
}

func TestRule7AGroupIsOneTransactionOfAnySize(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const n = 2500 // more than one statement takes
	var people []Person
	for i := range n {
		h.user(fmt.Sprintf("1 P p%d@x %d employee", i, i+1))
		people = append(people, named(fmt.Sprint(i+1), "P", fmt.Sprintf("p%d@x", (i+1)%n)))
	}
	h.wire.reset()
	result, _ := h.sync(people...)
	if result.Updated != n {
		t.Errorf("result %+v", result)
	}
	if commits := slices.DeleteFunc(h.wire.said(), func(s string) bool { return s != "COMMIT" }); len(commits) != 1 {
		t.Errorf("the ring took %d transactions", len(commits))
	}
	wrong := h.lines("SELECT CONCAT(email, ' ', " + link + ") FROM users WHERE email <> CONCAT('p', " + link + " % 2500, '@x')")
	if len(wrong) > 0 {
		t.Errorf("%d rows are wrong, the first: %s", len(wrong), wrong[0])
	}
}

func TestRule9AdministratorsKeepTheirAddress(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.users("1 Boss boss@x 7 admin", "1 Local local@x - admin")
	_, events := h.sync(named("7", "Boss Two", "evil@x"), named("8", "Local Two", "LOCAL@x"), named("9", "Nine", "boss@x"))
	wantLines(t, "events", events.said(), "7 conflict/admin_email #1", "8 updated/linked #2", "9 conflict/email_taken vs 7#1")
	wantLines(t, "users", h.everybody(), "1 Boss Two boss@x 7 admin", "1 Local Two local@x 8 admin")
	wantLines(t, "passwords", h.table("password"), "unhashed", "unhashed")
}

func TestRule13AFailedReadingChangesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	gone := crm.NewError(crm.CodePortalUnreachable, crm.Text{RU: "нет", EN: "no"}, nil)
	for name, c := range map[string]struct {
		source Source
		code   crm.Code
	}{
		"an error after two people": {broken{gone}, crm.CodePortalUnreachable},
		"a count that is wrong":     {short{}, crm.CodePortalAnswer},
		"an id twice":               {listed{named("7", "A", "a@x"), named("7", "B", "b@x")}, crm.CodePortalAnswer},
	} {
		_, err := h.engine.Run(context.Background(), h.request(), c.source, &listener{})
		if crm.CodeOf(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantLines(t, "users", h.everybody())
	wantLines(t, "history", h.history())
}

type broken struct{ err error }

func (b broken) Read(_ context.Context, yield func(Person) error) (Complete, error) {
	return Complete{}, errors.Join(yield(named("1", "A", "a@x")), yield(named("2", "B", "b@x")), b.err)
}

type short struct{}

func (short) Read(_ context.Context, yield func(Person) error) (Complete, error) {
	return Complete{People: 2}, yield(named("1", "A", "a@x"))
}

func TestPreviewRecordsAndWritesNobody(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.users("1 Old old@x 7 employee", "1 Ring1 r1@x 1 employee", "1 Ring2 r2@x 2 employee")
	people := listed{named("7", "New", "new@x"), named("8", "Nina", "nina@x"), {ExternalID: "9"}, named("1", "Ring1", "r2@x"), named("2", "Ring2", "r1@x")}
	before := h.bytes("")
	request := h.request()
	request.Mode = crm.ModePreview
	events := &listener{}
	preview, err := h.engine.Run(context.Background(), request, people, events)
	if err != nil {
		t.Fatal(err)
	}
	if preview.Counts != (crm.Counts{Fetched: 5, Created: 1, Updated: 3, Skipped: 1}) {
		t.Errorf("preview %+v", preview)
	}
	wantLines(t, "rows", h.bytes(""), before...)
	wantLines(t, "events", events.said(), "1 updated #2", "2 updated #3", "7 updated #1", "8 created", "9 skipped/no_email")
	previewed := h.history()

	request = h.request()
	request.PlanHash = preview.PlanHash
	result, err := h.engine.Run(context.Background(), request, people, &listener{})
	if err != nil || result != preview {
		t.Errorf("applied %+v, error %v, preview was %+v", result, err, preview)
	}
	wantLines(t, "history of the real run", h.history("WHERE run_id = 2"), previewed...)
}

func TestAnOutdatedPreviewIsNotApplied(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	people := listed{named("7", "New", "new@x")}
	request := h.request()
	request.Mode = crm.ModePreview
	preview, err := h.engine.Run(context.Background(), request, people, &listener{})
	if err != nil {
		t.Fatal(err)
	}
	h.user("2 Thief new@x - employee")
	request = h.request()
	request.PlanHash = preview.PlanHash
	if _, err := h.engine.Run(context.Background(), request, people, &listener{}); !errors.Is(err, ErrStalePreview) {
		t.Errorf("error %v", err)
	}
	wantLines(t, "users", h.everybody(), "2 Thief new@x - employee")
}

// One person is decided among everybody, as a full run would; only that part is
// carried out.
func TestOnePersonOnly(t *testing.T) {
	t.Parallel()
	start := []string{"1 A a@x 1 employee", "1 B b@x 2 employee", "1 B2 bb@x 2 employee"}
	reading := listed{named("1", "A2", "b@x"), named("2", "B2", "a@x"), named("3", "C", "c@x"), named("4", "D", "c@x")}
	for _, test := range []struct {
		name, person string
		counts       crm.Counts
		events       []string
		users        []string
	}{
		{
			"a newcomer", "3", crm.Counts{Fetched: 1, Created: 1}, []string{"3 created #4"},
			append(start[:len(start):len(start)], "1 C c@x 3 employee"),
		},
		{"somebody whose address goes to another", "4", crm.Counts{Fetched: 1, Conflicts: 1}, []string{"4 conflict/duplicate_email vs 3#0"}, start},
		{
			"somebody who swaps addresses, with the other side", "1", crm.Counts{Fetched: 2, Updated: 2},
			[]string{"1 updated #1", "2 updated #2"},
			[]string{"1 A2 b@x 1 employee", "1 B2 a@x 2 employee", "1 B2 bb@x 2 employee"},
		},
		{"somebody the portal does not return", "9", crm.Counts{}, nil, start},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.users(start...)
			request := h.request()
			request.Mode, request.PersonID = crm.ModePerson, test.person
			events := &listener{}
			result, err := h.engine.Run(context.Background(), request, reading, events)
			if err != nil || result.Counts != test.counts {
				t.Errorf("result %+v, error %v", result, err)
			}
			wantLines(t, "events", events.said(), test.events...)
			wantLines(t, "users", h.everybody(), test.users...)
		})
	}
}

func TestRequestsNobodyShouldMake(t *testing.T) {
	t.Parallel()
	good := Request{Tenant: crm.Tenant{ID: 1}, Mode: crm.ModeApply, RunID: 1}
	for name, spoil := range map[string]func(*Request, *Engine){
		"no tenant":    func(r *Request, _ *Engine) { r.Tenant.ID = 0 },
		"no run":       func(r *Request, _ *Engine) { r.RunID = 0 },
		"no person":    func(r *Request, _ *Engine) { r.Mode = crm.ModePerson },
		"no mode":      func(r *Request, _ *Engine) { r.Mode = "" },
		"base column":  func(_ *Request, e *Engine) { e.Column = "password" },
		"odd column":   func(_ *Request, e *Engine) { e.Column = "a`b_user_id" },
		"short column": func(_ *Request, e *Engine) { e.Column = "_user_id" },
	} {
		request, engine := good, &Engine{Column: link}
		spoil(&request, engine)
		if _, err := engine.Run(context.Background(), request, listed{}, &listener{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
