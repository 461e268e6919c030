package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"booking/host/internal/store"
)

// unset is a password of those that a sync gives to newcomers.
var unset = "$2y$12$" + strings.Repeat("x", 53)

// newcomers is a run of our company and the people it has created.
func (s *site) newcomers(n int) (run int64, people []int64) {
	s.t.Helper()
	run = s.exec(`INSERT INTO crm_runs (tenant_id, plugin, portal, mode, started_by, status, requested_at, started_at, finished_at, fetched, created)
		VALUES (?, 'scripted', 'portal.example', 'apply', 'button', 'succeeded', UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), ?, ?)`, s.ours, n, n)
	for i := range n {
		id := s.exec("INSERT INTO users (tenant_id, name, email, password, role, is_active) VALUES (?, ?, ?, ?, 'employee', 1)", s.ours, fmt.Sprintf("Новичок-%d.", i), fmt.Sprintf("new%d@ours.example", i), unset)
		people = append(people, id)
		s.exec(`INSERT INTO crm_changes (run_id, tenant_id, user_id, external_id, action, name, email, after_values, created_at)
			VALUES (?, ?, ?, ?, 'created', ?, ?, '{}', UTC_TIMESTAMP(6))`, run, s.ours, id, i+1, fmt.Sprintf("Новичок-%d.", i), fmt.Sprintf("new%d@ours.example", i))
	}
	return run, people
}

// untilMails waits until the outbox has so many mails to an address.
func (s *site) untilMails(to string, n int) []store.Mail {
	s.t.Helper()
	var found []store.Mail
	s.eventually(func() bool {
		found = s.mails(to)
		return len(found) == n
	})
	return found
}

// All newcomers of a run by one button, each of them once, with what has been sent.
func TestInviteTheNewcomersOfARun(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	run, people := s.newcomers(4)
	s.exec("UPDATE users SET password = ? WHERE id = ?", cheapHash(), people[3]) // is in already
	v := s.signedIn("admin@ours.example")
	v.get(runPath(run)).contains(t, "Приглашено <b>0</b> из <b>4</b>", "Пригласить 3\u00a0человек</button>", `action="/people/`+fmt.Sprint(people[0])+`/invite"`, `!action="/people/`+fmt.Sprint(people[3])+`/invite"`)
	a := v.post(runPath(run) + "/invite")
	if a.to != runPath(run)+"?invited=3" {
		t.Fatalf("%d %s", a.status, a.to)
	}
	v.get(a.to).contains(t, "Приглашения поставлены в очередь: 3.", "Приглашено <b>3</b> из <b>4</b>", "Больше приглашать некого")
	for i := range 3 {
		m := s.untilMails(fmt.Sprintf("new%d@ours.example", i), 1)[0]
		if !strings.Contains(m.Body, "Компания «Ромашка»") || linkInMail.FindString(m.Body) == "" {
			t.Errorf("%s", m.Body)
		}
	}
	if a := v.post(runPath(run) + "/invite"); a.to != runPath(run)+"?invited=0" {
		t.Errorf("pressed again: %s", a.to)
	}
	if n := s.count("SELECT COUNT(*) FROM booking_mail_queue WHERE kind = 'invitation'"); n != 3 {
		t.Errorf("%d invitations", n)
	}
	v.post("/language", "language", "en")
	v.get(runPath(run)).contains(t, "Invited: <b>3</b> of <b>4</b>", "Nobody is left to invite", "!Приглашено")
}

// One person; a second time only after a question.
func TestInviteOnePersonAndAskBeforeTheSecondTime(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, people := s.newcomers(1)
	path := fmt.Sprintf("/people/%d/invite", people[0])
	v := s.signedIn("admin@ours.example")
	if a := v.post(path, "back", "/people?q=new"); a.to != "/people?q=new" {
		t.Fatalf("%d %s", a.status, a.to)
	}
	first := linkInMail.FindString(s.untilMails("new0@ours.example", 1)[0].Body)
	a := v.post(path, "back", "/people?q=new")
	a.contains(t, "Пригласить ещё раз?", "Новичок-0.", "приглашение отправлено", `name="again" value="yes"`, `name="back" value="/people?q=new"`)
	if a.status != http.StatusConflict || len(s.mails("new0@ours.example")) != 1 {
		t.Fatalf("%d, %d mails", a.status, len(s.mails("new0@ours.example")))
	}
	if a := v.post(path, "again", "yes", "back", "https://evil.example/"); a.to != "/" {
		t.Errorf("it leads to %s", a.to)
	}
	second := linkInMail.FindString(s.untilMails("new0@ours.example", 2)[0].Body)
	newcomer := s.visitor()
	for link, want := range map[string]int{first: http.StatusGone, second: http.StatusOK} {
		if a := newcomer.get(strings.TrimPrefix(link, "http://calendar.example")); a.status != want {
			t.Errorf("%s: %d, want %d", link, a.status, want)
		}
	}
	// Whoever is in, inactive or another company's is not invited.
	for name, id := range map[string]int64{"is in": s.employee, "inactive": people[0]} {
		s.exec("UPDATE users SET is_active = 0 WHERE id = ?", people[0])
		if a := v.post(fmt.Sprintf("/people/%d/invite", id), "again", "yes"); a.status != http.StatusConflict || !strings.Contains(a.body, "Приглашать не нужно") {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	if a := s.signedIn("admin@theirs.example").post(path, "again", "yes"); a.status != http.StatusNotFound {
		t.Errorf("another company's administrator: %d", a.status)
	}
}

// The page behind an invitation whose time is over sends a new one in one step, to the
// address of today, and tells nobody whose it is.
func TestInviteOverIsMendedInOneStep(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, people := s.newcomers(1)
	s.signedIn("admin@ours.example").post(fmt.Sprintf("/people/%d/invite", people[0]))
	link := strings.TrimPrefix(linkInMail.FindString(s.untilMails("new0@ours.example", 1)[0].Body), "http://calendar.example")
	s.exec("UPDATE booking_recoveries SET expires_at = UTC_TIMESTAMP(6)")
	newcomer := s.visitor()
	page := newcomer.get(link)
	page.contains(t, `action="`+link+`/again"`, "Прислать новую ссылку", "!new0@")
	if page.status != http.StatusGone {
		t.Fatalf("%d", page.status)
	}
	s.exec("UPDATE users SET email = 'moved@ours.example' WHERE id = ?", people[0])
	known := newcomer.post(link + "/again")
	known.contains(t, "новая уже идёт на адрес её владельца", "!moved@", "!new0@")
	fresh := strings.TrimPrefix(linkInMail.FindString(s.untilMails("moved@ours.example", 1)[0].Body), "http://calendar.example")
	if a := newcomer.post(fresh, "password", "ten letters or more", "again", "ten letters or more"); a.to != "/" {
		t.Errorf("the new link: %d\n%s", a.status, a.body)
	}
	// A link that never was: the same answer, and nothing happens.
	unknown := s.visitor().post("/recover/" + strings.Repeat("A", 52) + "/again")
	if unknown.status != known.status || unknown.body != known.body {
		t.Errorf("%d, another answer:\n%s", unknown.status, unknown.body)
	}
	if n := s.count("SELECT COUNT(*) FROM booking_mail_queue"); n != 2 {
		t.Errorf("%d rows", n)
	}
	for range 10 {
		known = newcomer.post(link + "/again")
	}
	if known.status != http.StatusTooManyRequests {
		t.Errorf("asked again and again: %d", known.status)
	}
}

// Somebody added by hand is invited from their own page, and asked about before a second time.
func TestInviteFromThePersonsPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := s.signedIn("admin@ours.example")
	page := strings.TrimSuffix(v.save("/people/new", v.opened("/people/new"), "name", "Вера", "email", "vera@ours.example").to, "?added")
	v.get(page).contains(t, "Пароля ещё нет", ">Пригласить</button>")
	if a := v.post(page+"/invite", "back", page); a.to != page {
		t.Fatalf("%d %s", a.status, a.to)
	}
	m := s.untilMails("vera@ours.example", 1)[0]
	v.get(page).contains(t, ">Пригласить ещё раз</button>", "приглашение отправлено")
	v.post(page+"/invite", "back", page).contains(t, "Пригласить ещё раз?", `href="`+page+`"`)
	newcomer := s.visitor()
	link := strings.TrimPrefix(linkInMail.FindString(m.Body), "http://calendar.example")
	if a := newcomer.post(link, "password", "ten letters or more", "again", "ten letters or more"); a.to != "/" {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	v.get(page).contains(t, "!Приглашение", "!Пароля ещё нет")
}

// An address that an administrator changes is told to the old one, once, and not whole.
func TestAddressChangedByHandIsToldToTheOldOne(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := s.signedIn("admin@ours.example")
	page := personPath(s.personID("employee@ours.example"))
	if a := v.save(page, v.opened(page), "phone", "+7 900"); a.to != page+"?saved" {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	if a := v.save(page, v.opened(page), "email", "egor.new@ours.example"); a.to != page+"?saved" {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	m := s.untilMails("employee@ours.example", 1)[0]
	if !strings.Contains(m.Body, "e***@ours.example") || strings.Contains(m.Body, "egor.new") || !strings.Contains(m.Body, "Анна") {
		t.Errorf("%s", m.Body)
	}
}
