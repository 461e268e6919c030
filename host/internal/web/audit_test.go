package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestAuditTellsEverythingThatWasChangedByHand(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := s.signedIn("admin@ours.example")
	v.get("/audit").contains(t, "Пока никто ничего не менял")
	v.post("/settings/crm", "plugin", "scripted", "with_settings", "yes", "setting.webhook", webhook, "setting.departments", "3,4")
	path := personPath(s.personID("employee@ours.example"))
	v.save(path, v.opened(path), "role", "manager", "active", "")
	s.exec("INSERT INTO booking_audit (tenant_id, action, subject, new_value, created_at) VALUES (?, 'something of tomorrow', 'its subject', 'its value', UTC_TIMESTAMP(6))", s.ours)
	s.exec("INSERT INTO booking_audit (tenant_id, action, subject, new_value, created_at) VALUES (?, 'name', '999999', 'Удалённый', UTC_TIMESTAMP(6))", s.ours)
	for _, page := range []string{"/audit", "/settings/crm"} {
		v.get(page).contains(t, "Анна", "Отделы", "3,4", "Адрес вебхука", "значение не показывается", "Роль", "сотрудник", "менеджер", "Активен", "<bdi>нет</bdi>",
			`<a href="`+path+`"><bdi>Егор</bdi></a>`, "its subject", "its value", "команда на сервере", "человек № 999999", "!very-secret-hook")
	}
	s.signedIn("admin@theirs.example").get("/audit").contains(t, "Пока никто ничего не менял", "!Егор")
	v.post("/language", "language", "en")
	v.get("/audit").contains(t, "Departments", "employee", "manager", "a command on the server", "!Роль", "!Кто")
}

func TestAuditHasEverythingOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i := range 2*entriesOnPage + 3 {
		s.exec("INSERT INTO booking_audit (tenant_id, user_name, action, subject, new_value, created_at) VALUES (?, 'Анна', 'phone', '1', ?, UTC_TIMESTAMP(6))", s.ours, fmt.Sprintf("Запись-%03d.", i))
		s.exec("INSERT INTO booking_audit (tenant_id, user_name, action, subject, new_value, created_at) VALUES (?, 'Анна', 'phone', '1', 'Чужое', UTC_TIMESTAMP(6))", s.theirs)
	}
	all, pages := s.signedIn("admin@ours.example").leaf("/audit")
	for i := range 2*entriesOnPage + 3 {
		if n := strings.Count(all, fmt.Sprintf("Запись-%03d.", i)); n != 1 {
			t.Fatalf("%d is there %d times", i, n)
		}
	}
	if pages != 3 || strings.Contains(all, "Чужое") {
		t.Errorf("%d pages", pages)
	}
}

// Who has set a secret is told however much was changed since.
func TestAuditRemembersWhoHasSetASecret(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := s.signedIn("admin@ours.example")
	v.post("/settings/crm", "plugin", "scripted", "with_settings", "yes", "setting.webhook", webhook)
	s.exec("UPDATE booking_audit SET user_name = 'Вебмастер'")
	for range changesOnSettings + 1 {
		s.exec("INSERT INTO booking_audit (tenant_id, user_name, action, subject, new_value, created_at) VALUES (?, 'Анна', 'phone', '1', 'x', UTC_TIMESTAMP(6))", s.ours)
	}
	v.get("/settings/crm").contains(t, "Вебмастер")
}

func TestSessionIsEndedOneByOne(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	here, there, third := s.signedIn("admin@ours.example"), s.signedIn("admin@ours.example"), s.signedIn("admin@ours.example")
	others := func(v *visitor) (names []string) {
		for part := range strings.SplitSeq(v.get("/account").body, `name="session" value="`) {
			if name, _, found := strings.Cut(part, `" form=`); found {
				names = append(names, name)
			}
		}
		return names
	}
	stranger := s.signedIn("manager@ours.example")
	names := others(here)
	if len(names) != 2 {
		t.Fatalf("%d sessions can be ended", len(names))
	}
	stranger.post("/account/sessions", "session", names[0]) // nobody else's business
	here.post("/account/sessions", "session", "nonsense")
	if len(others(here)) != 2 {
		t.Error("somebody else ended it, or it ended by itself")
	}
	if a := here.post("/account/sessions", "session", names[0]); a.to != "/account" {
		t.Errorf("%d", a.status)
	}
	in := 0
	for _, v := range []*visitor{there, third} {
		if v.get("/account").status == http.StatusOK {
			in++
		}
	}
	if in != 1 || here.get("/account").status != http.StatusOK || stranger.get("/account").status != http.StatusOK {
		t.Errorf("%d of the two others are still in", in)
	}
}
