package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"booking/shared/crm"
)

// syncedRun is a finished sync of our company, and how many it left in conflict or skipped.
func (s *site) syncedRun(mode, status string, conflicts, skipped int) int64 {
	s.t.Helper()
	return s.exec(`INSERT INTO crm_runs (tenant_id, plugin, portal, mode, started_by, status, requested_at, started_at, finished_at, conflicts, skipped)
		VALUES (?, 'scripted', 'portal.example', ?, 'schedule', ?, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), ?, ?)`, s.ours, mode, status, conflicts, skipped)
}

// decided is what a run decided about somebody.
func (s *site) decided(run int64, external string, user any, action crm.Action, reason crm.Reason, name string) int64 {
	s.t.Helper()
	return s.exec(`INSERT INTO crm_changes (run_id, tenant_id, external_id, user_id, action, reason, name, email, before_values, after_values, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, 'p@ours.example', JSON_OBJECT('name', 'Прежнее'), JSON_OBJECT('name', ?), UTC_TIMESTAMP(6))`,
		run, s.ours, external, user, string(action), string(reason), name, name)
}

func TestPeopleInConflictAreThoseOfTheNewestFinishedSync(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := s.signedIn("admin@ours.example")
	v.get("/people?linked=conflict").contains(t, "Синхронизаций ещё не было", "!Егор")
	employee := s.personID("employee@ours.example")
	old := s.syncedRun("apply", "succeeded", 1, 0)
	s.decided(old, "5", nil, crm.ActionConflict, crm.ReasonEmailTaken, "Улаженный Давно")
	newest := s.syncedRun("apply", "partial", 1, 2)
	s.decided(newest, "7", employee, crm.ActionConflict, crm.ReasonDuplicateEmail, "Егор из портала")
	s.decided(newest, "8", nil, crm.ActionSkipped, crm.ReasonNoEmail, "Без Адреса")
	s.decided(newest, "9", 999999, crm.ActionSkipped, crm.ReasonInvalid, "Удалённый Потом")
	s.decided(newest, "10", nil, crm.ActionCreated, "", "Созданный")
	// Neither a preview nor a run that did not come to its end says how things are.
	s.decided(s.syncedRun("preview", "succeeded", 1, 0), "11", nil, crm.ActionConflict, crm.ReasonEmailTaken, "Предпросмотренный")
	s.decided(s.syncedRun("apply", "failed", 1, 0), "12", nil, crm.ActionConflict, crm.ReasonEmailTaken, "Недоделанный")
	s.decided(s.syncedRun("person", "succeeded", 1, 0), "13", nil, crm.ActionConflict, crm.ReasonEmailTaken, "Одиночный")

	a := v.get("/people?linked=conflict")
	a.contains(t, "Егор из портала", `href="`+personPath(employee)+`"`, "оставьте его одному", "Без Адреса", `href="/people/portal?id=8"`, "в CRM нет e-mail", "заполните его там",
		"Удалённый Потом", `href="/people/portal?id=9"`, "3\u00a0человека", `href="`+runPath(newest)+`"`,
		"!Улаженный", "!Созданный", "!Предпросмотренный", "!Недоделанный", "!Одиночный", "!Манас")
	v.get("/people?linked=conflict&q=%D0%B0%D0%B4%D1%80%D0%B5%D1%81").contains(t, "Без Адреса", "!Егор из портала")
	v.get("/people?linked=conflict&q=7").contains(t, "Егор из портала", "!Без Адреса")
	v.get("/people?linked=conflict&role=employee&active=yes").contains(t, "Егор из портала", "!Без Адреса")
	v.get("/people?linked=conflict&role=admin").contains(t, "Никого не нашлось", "!Егор из портала")
	s.signedIn("admin@theirs.example").get("/people?linked=conflict").contains(t, "Синхронизаций ещё не было", "!Егор")

	s.syncedRun("apply", "succeeded", 0, 0)
	v.get("/people?linked=conflict").contains(t, "Конфликтов нет", "!Егор из портала")
}

func TestPeopleInConflictHaveEverybodyOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	run := s.syncedRun("apply", "succeeded", 2*peopleOnPage+1, 0)
	for i := range 2*peopleOnPage + 1 {
		s.decided(run, fmt.Sprint(i+1), nil, crm.ActionConflict, crm.ReasonEmailTaken, fmt.Sprintf("Спорный-%03d.", i))
	}
	all, pages := s.signedIn("admin@ours.example").leaf("/people?linked=conflict")
	for i := range 2*peopleOnPage + 1 {
		if n := strings.Count(all, fmt.Sprintf(`<bdi>Спорный-%03d.</bdi></a>`, i)); n != 1 {
			t.Fatalf("%d is there %d times", i, n)
		}
	}
	if pages != 3 {
		t.Errorf("%d pages", pages)
	}
}

// leaf reads a list to its end, page by page.
func (v *visitor) leaf(path string) (all string, pages int) {
	v.s.t.Helper()
	for path != "" {
		a := v.get(path)
		if a.status != http.StatusOK || pages > 100 {
			v.s.t.Fatalf("%s: %d", path, a.status)
		}
		all, pages, path = all+a.body, pages+1, ""
		if i := max(strings.LastIndex(a.body, `">Дальше</a>`), strings.LastIndex(a.body, `">Раньше</a>`)); i > 0 {
			path = strings.ReplaceAll(a.body[strings.LastIndex(a.body[:i], `"`)+1:i], "&amp;", "&")
		}
	}
	return all, pages
}

// Whatever is chosen, whoever asks, and with nothing remembered from a page before:
// never more than four statements, the session's included.
func TestPeopleCostAtMostFourStatements(t *testing.T) {
	t.Parallel()
	var now time.Time
	s := newSite(t, func(o *Options) { o.Clock = func() time.Time { return now } })
	now = time.Now()
	for i := range peopleOnPage + 5 {
		s.exec("INSERT INTO users (tenant_id, name, email, password, role, bitrix24_user_id) VALUES (?, ?, ?, 'x', 'employee', ?)",
			s.ours, fmt.Sprintf("Номер %d.", i), fmt.Sprintf("n%d@ours.example", i), fmt.Sprint(i+1))
	}
	run := s.syncedRun("apply", "succeeded", 1, 1)
	s.decided(run, "7", s.personID("employee@ours.example"), crm.ActionConflict, crm.ReasonDuplicateEmail, "Спорный")
	s.connect()
	root := s.signedIn("super@host.example")
	root.post("/tenants", "tenant", fmt.Sprint(s.ours))
	for _, columns := range []string{"one CRM", "several CRMs"} {
		if columns == "several CRMs" {
			s.exec("ALTER TABLE users ADD COLUMN acme_user_id VARCHAR(255) NULL")
		}
		for name, v := range map[string]*visitor{"admin": s.signedIn("admin@ours.example"), "super admin": root} {
			for _, path := range []string{"/people", "/people?linked=yes&active=yes&role=employee&q=1", "/people?before=9", "/people?linked=conflict", "/people?linked=conflict&q=x", "/people?q=nobody"} {
				now = now.Add(2 * shapeLife) // whatever was remembered is forgotten
				for _, state := range []string{"cold", "warm"} {
					s.asked.take()
					if a := v.get(path); a.status != http.StatusOK {
						t.Fatalf("%s: %d", path, a.status)
					}
					if asked := s.asked.take(); len(asked) == 0 || len(asked) > 4 {
						t.Errorf("%s, %s, %s, %s: %d statements:\n%s", columns, name, path, state, len(asked), strings.Join(asked, "\n"))
					}
				}
			}
		}
	}
	// With several CRMs it is the tenant's own whose numbers are shown.
	s.exec("UPDATE users SET acme_user_id = 'acme number', bitrix24_user_id = 'our number' WHERE email = 'n9@ours.example'")
	s.signedIn("admin@ours.example").get("/people?q=n9%40").contains(t, "our number", "!acme number")
}

func TestPeopleAreCountedWhereThatIsCheap(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := newSite(t, func(o *Options) { o.Clock = func() time.Time { return now } })
	v := s.signedIn("admin@ours.example")
	v.get("/people").contains(t, "3\u00a0человека")
	v.get("/people?role=admin").contains(t, "1\u00a0человек<")
	v.get("/people?q=nobody").contains(t, "Никого не нашлось", "Показать всех")
	for i := range peopleOnPage {
		s.person(s.ours, fmt.Sprintf("Номер %d.", i), fmt.Sprintf("n%d@ours.example", i), "employee")
	}
	now = now.Add(2 * shapeLife)
	v.get("/people").contains(t, "53\u00a0человека", "Дальше")
	v.get("/people?q=ours.example").contains(t, "Дальше", "!\u00a0человек") // more than a page: nobody counts on
	v.post("/language", "language", "en")
	v.get("/people").contains(t, "53\u00a0people")
}
