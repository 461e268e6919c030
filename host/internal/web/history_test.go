package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"booking/shared/crm"
)

func TestPersonsPageSaysWhatHappenedAndWhy(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	s.exec("UPDATE crm_connections SET links_portal = 'portal.example'")
	id := s.personID("employee@ours.example")
	path := personPath(id)
	v := s.signedIn("admin@ours.example")
	v.get(path).contains(t, "Ни синхронизации, ни люди здесь ещё ничего не меняли", "!Последняя синхронизация")

	first := s.syncedRun("apply", "succeeded", 0, 1)
	s.decided(first, "7", nil, crm.ActionSkipped, crm.ReasonNoEmail, "Без адреса тогда") // before there was a row
	// The same number at another portal, and with another CRM, was somebody else.
	s.exec("UPDATE crm_runs SET portal = 'old.example' WHERE id = ?", s.elsewhere("7", "Чужой Портал"))
	s.exec("UPDATE crm_runs SET plugin = 'acme' WHERE id = ?", s.elsewhere("7", "Чужая CRM"))
	v.save(path, v.opened(path), "link", "7")
	s.decided(s.syncedRun("preview", "succeeded", 0, 0), "7", id, crm.ActionUpdated, "", "Как было бы")
	second := s.syncedRun("apply", "succeeded", 1, 0)
	s.exec("UPDATE crm_changes SET other_external_id = '8', other_user_id = ? WHERE id = ?", s.personID("manager@ours.example"),
		s.decided(second, "7", id, crm.ActionConflict, crm.ReasonDuplicateEmail, "Новое Имя"))
	a := v.get(path)
	a.contains(t, "Без адреса тогда", "заполните его там", "оставьте его одному", "<del><bdi>Прежнее</bdi></del>", "Новое Имя", "предпросмотр ничего не записал", "Как было бы",
		`href="`+runPath(second)+`"`, `href="`+personPath(s.personID("manager@ours.example"))+`"`, "расписание", "portal.example",
		"Связь с CRM", "Анна", "Последняя синхронизация", "!ничего не изменила", "!Чужой Портал", "!Чужая CRM")
	order := []string{"Новое Имя", "Как было бы", "Связь с CRM:", "Без адреса тогда"}
	for i := 1; i < len(order); i++ {
		if strings.LastIndex(a.body, order[i-1]) > strings.LastIndex(a.body, order[i]) {
			t.Errorf("%q comes after %q: the newest is to be first", order[i-1], order[i])
		}
	}
	s.syncedRun("apply", "succeeded", 0, 0)
	v.get(path).contains(t, "здесь ничего не изменила")
	// Nobody else's page tells of it.
	v.get(personPath(s.personID("manager@ours.example"))).contains(t, "!Новое Имя")
	// Who shares the number is named.
	s.exec("UPDATE users SET bitrix24_user_id = '7' WHERE email = 'manager@ours.example'")
	v.get(path).contains(t, "связаны и другие", "Манас")
}

// elsewhere is a run that decided about a number while there was no row.
func (s *site) elsewhere(external, name string) int64 {
	run := s.syncedRun("apply", "succeeded", 1, 0)
	s.decided(run, external, nil, crm.ActionSkipped, crm.ReasonNoEmail, name)
	return run
}

func TestPersonsHistoryHasEverythingOnceAndCostsLittle(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	id := s.personID("employee@ours.example")
	path := personPath(id)
	v := s.signedIn("admin@ours.example")
	run := s.syncedRun("apply", "succeeded", 0, 0)
	const each = eventsOnPage + 7
	for i := range each {
		s.decided(run, "7", id, crm.ActionUpdated, "", fmt.Sprintf("Решение-%02d.", i))
		s.exec("INSERT INTO booking_audit (tenant_id, user_id, user_name, action, subject, old_value, new_value, created_at) VALUES (?, 1, 'Анна', 'phone', ?, '', ?, UTC_TIMESTAMP(6))",
			s.ours, fmt.Sprint(id), fmt.Sprintf("Телефон-%02d.", i))
		s.decided(run, "8", s.personID("manager@ours.example"), crm.ActionUpdated, "", "Не о нём")
	}
	s.asked.take()
	all, pages := v.leaf(path)
	asked := s.asked.take()
	for i := range each {
		for _, text := range []string{"<ins><bdi>Решение-%02d.</bdi></ins>", "<ins><bdi>Телефон-%02d.</bdi></ins>"} {
			if n := strings.Count(all, fmt.Sprintf(text, i)); n != 1 {
				t.Fatalf(text+" is there %d times", i, n)
			}
		}
	}
	if pages != 3 || strings.Contains(all, "Не о нём") {
		t.Errorf("%d pages", pages)
	}
	if len(asked) > 9*pages {
		t.Errorf("%d statements for %d pages:\n%s", len(asked), pages, strings.Join(asked, "\n"))
	}
	v.get(path+"?before=1.1").contains(t, "Раньше ничего не было", "К последнему")
	v.get(path+"?before=nonsense").contains(t, "Телефон-26.")
}

func TestPortalPersonHasAPageBeforeThereIsARow(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := s.signedIn("admin@ours.example")
	if a := v.get("/people/portal?id=31"); a.status != http.StatusNotFound {
		t.Errorf("nobody has heard of the number: %d", a.status)
	}
	run := s.syncedRun("apply", "succeeded", 1, 0)
	s.decided(run, "31", nil, crm.ActionConflict, crm.ReasonEmailTaken, "Тёзка <b>")
	const odd = "01/../?&=#%"
	s.decided(run, odd, nil, crm.ActionSkipped, crm.ReasonInvalid, "")
	v.get("/people/portal?id=31").contains(t, "Тёзка &lt;b&gt;", "ID в Пример CRM: <bdi>31</bdi>", "адрес занят другой учётной записью", "никого нет", `href="/people/new?portal=31"`)
	v.get(portalPath(odd)).contains(t, "нельзя сохранить")
	if a := s.signedIn("admin@theirs.example").get("/people/portal?id=31"); a.status != http.StatusNotFound {
		t.Errorf("another company's: %d", a.status)
	}
	// Added by hand with what the sync had read, the number leads to the person.
	form := v.opened("/people/new?portal=31")
	if form["link"] != "31" || form["email"] != "p@ours.example" {
		t.Fatalf("%v", form)
	}
	added := v.save("/people/new", form, "name", "Тёзка")
	if a := v.get("/people/portal?id=31"); a.to == "" || a.to+"?added" != added.to {
		t.Errorf("%d leads to %q, the person is at %q", a.status, a.to, added.to)
	}
}

// The list of runs has all of them, in pages, with who asked for each and what it cost.
func TestRunsHaveEverythingOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := s.signedIn("admin@ours.example")
	v.get("/runs").contains(t, "Запусков ещё не было", "!<svg")
	for range runsInHistory + 3 {
		s.syncedRun("apply", "succeeded", 0, 0)
	}
	s.exec("UPDATE crm_runs SET requests = 7, created = 2")
	newest := s.count("SELECT MAX(id) FROM crm_runs")
	s.exec("INSERT INTO crm_run_progress (run_id, requested_by) VALUES (?, ?)", newest, s.personID("manager@ours.example"))
	a := v.get("/runs")
	a.contains(t, "Манас", "7\u00a0запросов", "Сколько длились последние запуски", "Сколько людей они изменили", "Раньше")
	if n := strings.Count(a.body, `href="/runs/`); n != runsInHistory {
		t.Errorf("%d runs on the first page", n)
	}
	_, next, _ := strings.Cut(a.body, `class="button" href="`)
	next, _, _ = strings.Cut(next, `"`)
	b := v.get(next)
	if n := strings.Count(b.body, `href="/runs/`); n != 3 {
		t.Errorf("%d runs on the second page", n)
	}
	b.contains(t, "К последним", "!Раньше</a>")
	s.signedIn("admin@theirs.example").get("/runs").contains(t, "Запусков ещё не было")
}
