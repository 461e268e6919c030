package web

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func (s *site) personID(email string) int64 {
	s.t.Helper()
	var id int64
	if err := s.DB().NewRaw("SELECT id FROM users WHERE email = ?", email).Scan(s.t.Context(), &id); err != nil {
		s.t.Fatal(err)
	}
	return id
}

var (
	textInput = regexp.MustCompile(`<input type="(?:text|tel|hidden)"(?: id="\w+")? name="(\w+)" value="([^"]*)"`)
	chosen    = regexp.MustCompile(`<option value="(\w+)" selected>`)
)

// opened is the form of a page, as a browser would send it back.
func (v *visitor) opened(path string) map[string]string {
	v.s.t.Helper()
	a := v.get(path)
	if a.status != http.StatusOK {
		v.s.t.Fatalf("%s: %d\n%s", path, a.status, a.body)
	}
	form := map[string]string{}
	for _, found := range textInput.FindAllStringSubmatch(a.body, -1) {
		form[found[1]] = found[2]
	}
	if found := chosen.FindStringSubmatch(a.body); found != nil {
		form["role"] = found[1]
	}
	if strings.Contains(a.body, `name="active" value="true" checked`) {
		form["active"] = "true"
	}
	delete(form, "back")
	return form
}

// save sends a form with some values changed.
func (v *visitor) save(path string, form map[string]string, changes ...string) answer {
	v.s.t.Helper()
	for i := 0; i+1 < len(changes); i += 2 {
		form[changes[i]] = changes[i+1]
	}
	var pairs []string
	for name, value := range form {
		pairs = append(pairs, name, value)
	}
	return v.post(path, pairs...)
}

func TestPersonIsEditedOnThePage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := personPath(s.personID("employee@ours.example"))
	v := s.signedIn("admin@ours.example")
	v.get("/people").contains(t, `<a href="`+path+`"><bdi>Егор</bdi></a>`, `href="/people/new"`)
	v.get(path).contains(t, "<h1><bdi>Егор</bdi></h1>", "ID в Пример CRM", "С CRM не связан", "!суперадминистратор")
	form := v.opened(path)
	if form["name"] != "Егор" || form["email"] != "employee@ours.example" || form["role"] != "employee" || form["active"] != "true" || form["seen"] == "" {
		t.Fatalf("the form is %v", form)
	}
	if a := v.save(path, form, "name", "  Егор  Новый ", "phone", "+7 900", "role", "manager", "link", "7"); a.to != path+"?saved" {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	v.get(path+"?saved").contains(t, "Сохранено.", "Егор  Новый", "менеджер", "ID в Пример CRM: <bdi>7</bdi>", "Следует за CRM", "Роль", "<del><bdi>сотрудник</bdi></del>", "<ins><bdi>менеджер</bdi></ins>")
	v.post("/language", "language", "en")
	v.get(path).contains(t, "ID in Example CRM", "Follows the CRM", "manager", "!Роль")
	if n := s.count("SELECT COUNT(*) FROM users WHERE name = 'Егор  Новый' AND phone = '+7 900' AND role = 'manager' AND bitrix24_user_id = '7' AND is_active = 1"); n != 1 {
		t.Error("it is not in the table")
	}
}

func TestPersonsMistakesStandNextToTheirFields(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.person(s.ours, "<b>Занятый</b>", "taken@ours.example", "employee")
	s.exec("UPDATE users SET bitrix24_user_id = '7' WHERE email = 'taken@ours.example'")
	s.exec("UPDATE users SET bitrix24_user_id = '8' WHERE email = 'admin@theirs.example'")
	employee, taken := s.personID("employee@ours.example"), s.personID("taken@ours.example")
	v := s.signedIn("admin@ours.example")
	holder := `<a href="` + personPath(taken) + `"><bdi>&lt;b&gt;Занятый&lt;/b&gt;</bdi></a>`
	for _, c := range []struct {
		name, value string
		want        []string
	}{
		{"name", "", []string{`id="error-name"`}},
		{"email", "no address", []string{`id="error-email"`, `value="no address"`}},
		{"email", "taken@ours.example", []string{`id="error-email">Это значение уже занято: ` + holder}},
		{"email", "admin@theirs.example", []string{`id="error-email">Это значение уже занято</p>`, "!Foreign"}},
		{"role", "super_admin", []string{`id="error-role"`, "!суперадминистратор"}},
		{"link", "007", []string{`id="error-link"`, "целое число"}},
		{"link", "7", []string{`id="error-link">Этот номер уже у другого человека: ` + holder}},
	} {
		for _, path := range []string{personPath(employee), "/people/new"} {
			form := v.opened(path)
			if path == "/people/new" {
				form["name"], form["email"] = "Новый", "new@ours.example"
			}
			a := v.save(path, form, c.name, c.value)
			if a.status != http.StatusUnprocessableEntity {
				t.Errorf("%s of %s = %q: %d", path, c.name, c.value, a.status)
			}
			a.contains(t, append(c.want, "Не сохранено", `aria-invalid="true"`, `role="alert"`)...)
			if n := strings.Count(a.body, `class="error"`); n != 1 {
				t.Errorf("%s of %s: %d errors", path, c.name, n)
			}
		}
	}
	// Another company's number is another person's.
	if a := v.save(personPath(employee), v.opened(personPath(employee)), "link", "8"); a.status != http.StatusSeeOther {
		t.Errorf("%d", a.status)
	}
}

func TestPersonThatASyncChangedMeanwhileIsShownAndNotOverwritten(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := personPath(s.personID("employee@ours.example"))
	v := s.signedIn("admin@ours.example")
	form := v.opened(path)
	s.exec("UPDATE users SET name = 'Егор из портала', bitrix24_user_id = '7' WHERE email = 'employee@ours.example'")
	a := v.save(path, form, "name", "Егор мой", "role", "manager", "active", "")
	if a.status != http.StatusConflict {
		t.Fatalf("%d", a.status)
	}
	a.contains(t, "изменил кто-то другой", `value="Егор из портала"`, "Вы вводили:", "<bdi>Егор мой</bdi>", "<bdi>менеджер</bdi>", "<bdi>нет</bdi>", `value="7"`, `role="alert"`)
	if n := s.count("SELECT COUNT(*) FROM users WHERE name = 'Егор из портала' AND role = 'employee' AND is_active = 1"); n != 1 {
		t.Error("it was overwritten")
	}
	// Saved again from what is shown now, it goes through.
	if a := v.save(path, v.opened(path), "name", "Егор мой"); a.to != path+"?saved" {
		t.Errorf("%d", a.status)
	}
	if a := v.save(path, v.opened(path), "seen", ""); a.status != http.StatusConflict {
		t.Errorf("a form that does not say what it has seen: %d", a.status)
	}
}

func TestPersonsLastAdministratorCannotBeRemovedOnThePage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	admin := personPath(s.personID("admin@ours.example"))
	v := s.signedIn("admin@ours.example")
	v.save(admin, v.opened(admin), "role", "employee").contains(t, `id="error-role"`, "последний активный администратор")
	v.save(admin, v.opened(admin), "active", "").contains(t, `id="error-active"`, "последний активный администратор")
	root := s.signedIn("super@host.example")
	root.post("/tenants", "tenant", fmt.Sprint(s.ours))
	root.save(admin, root.opened(admin), "active", "").contains(t, `id="error-active"`)
	// Beside another one an administrator may step back, and is shown the door.
	manager := personPath(s.personID("manager@ours.example"))
	if a := v.save(manager, v.opened(manager), "role", "admin"); a.status != http.StatusSeeOther {
		t.Fatalf("%d", a.status)
	}
	if a := v.save(admin, v.opened(admin), "role", "employee"); a.to != "/" {
		t.Errorf("%d %s", a.status, a.to)
	}
	if a := v.get("/people"); a.status != http.StatusForbidden {
		t.Errorf("still in: %d", a.status)
	}
}

func TestPersonAboveTheVisitorIsOnlyShown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := personPath(s.person(s.ours, "Вышестоящий", "above@ours.example", "super_admin"))
	v := s.signedIn("admin@ours.example")
	v.get(path).contains(t, "Вышестоящий", "только суперадминистратор", "!<select", `!name="email"`)
	if a := v.post(path, "name", "x", "email", "x@ours.example", "role", "employee"); a.status != http.StatusForbidden {
		t.Errorf("%d", a.status)
	}
	root := s.signedIn("super@host.example")
	root.post("/tenants", "tenant", fmt.Sprint(s.ours))
	if a := root.save(path, root.opened(path), "phone", "112"); a.to != path+"?saved" {
		t.Errorf("their own kind: %d", a.status)
	}
	if n := s.count("SELECT COUNT(*) FROM users WHERE email = 'above@ours.example' AND role = 'super_admin' AND phone = '112'"); n != 1 {
		t.Error("the role has changed")
	}
}

// Somebody added by hand gets in like a newcomer of a sync.
func TestPersonAddedByHandGetsInByRecovery(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := s.signedIn("admin@ours.example")
	a := v.save("/people/new", v.opened("/people/new"), "name", "Вера", "email", " VERA@ours.example ", "link", "31")
	if !strings.HasSuffix(a.to, "?added") {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	v.get(a.to).contains(t, "Добавлен.", "Вхожу впервые", "Добавлен человек", "Анна")
	newcomer := s.visitor()
	if a := newcomer.post("/sign-in", "email", "vera@ours.example", "password", ""); a.status != http.StatusUnprocessableEntity {
		t.Errorf("without a password: %d", a.status)
	}
	if a := newcomer.post(s.ask(newcomer, "vera@ours.example"), "password", "ten letters or more", "again", "ten letters or more"); a.to != "/" {
		t.Errorf("%d", a.status)
	}
	newcomer.get("/account").contains(t, "Вера", "сотрудник")
}

func TestPersonDeactivatedOnThePageIsOutAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := personPath(s.personID("manager@ours.example"))
	v, manager, asleep := s.signedIn("admin@ours.example"), s.signedIn("manager@ours.example"), s.signedIn("manager@ours.example")
	link := s.ask(s.visitor(), "manager@ours.example")
	v.save(path, v.opened(path), "active", "")
	if a := manager.get("/account"); a.status != http.StatusSeeOther {
		t.Errorf("%d", a.status)
	}
	// Activated again, neither the session nor the link lives again.
	if a := v.save(path, v.opened(path), "active", "true"); a.status != http.StatusSeeOther {
		t.Fatalf("%d", a.status)
	}
	for _, session := range []*visitor{manager, asleep} {
		if a := session.get("/account"); a.status != http.StatusSeeOther {
			t.Errorf("the session lives again: %d", a.status)
		}
	}
	if a := s.visitor().get(link); a.status != http.StatusGone {
		t.Errorf("the link lives again: %d", a.status)
	}
	// An address that was changed and comes back does not bring the link back either.
	link = s.ask(s.visitor(), "manager@ours.example")
	v.save(path, v.opened(path), "email", "elsewhere@ours.example")
	v.save(path, v.opened(path), "email", "manager@ours.example")
	if a := s.visitor().get(link); a.status != http.StatusGone {
		t.Errorf("the link came back with the address: %d", a.status)
	}
}

// The page works before a CRM has added anything, and where a plugin is not to be had.
func TestPersonIsEditedWithoutAnyCRM(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.exec("ALTER TABLE users DROP COLUMN bitrix24_user_id, DROP COLUMN phone, DROP COLUMN position")
	path := personPath(s.personID("employee@ours.example"))
	v := s.signedIn("admin@ours.example")
	v.get(path).contains(t, `!name="link"`, `!name="phone"`, "!С CRM не связан")
	if a := v.save(path, v.opened(path), "name", "Егор Второй", "link", "7", "phone", "112"); a.to != path+"?saved" {
		t.Errorf("%d\n%s", a.status, a.body)
	}
	if a := v.get("/people/portal?id=7"); a.status != http.StatusNotFound {
		t.Errorf("%d", a.status)
	}
	v.get("/people/new?portal=7").contains(t, "Новый человек")
}

func TestPersonsNameIsTextWhateverItHolds(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := personPath(s.personID("employee@ours.example"))
	v := s.signedIn("admin@ours.example")
	for _, name := range []string{`<script>alert(1)</script>"'{{.}}`, "\u202eвалшоп акинзаворп", "👩‍👩‍👧‍👦 Семья", strings.Repeat("Ы", 255), strings.Repeat("🙂", 255), "שלום מרחבא"} {
		form := v.opened(path)
		form["name"] = name
		if a := v.save(path, form); a.to != path+"?saved" {
			t.Errorf("%.20s: %d", name, a.status)
			continue
		}
		if n := s.count("SELECT COUNT(*) FROM users WHERE name = BINARY ?", name); n != 1 {
			t.Errorf("%.20s is not what was stored", name)
		}
		for _, page := range []string{path, "/people", "/audit"} {
			v.get(page).contains(t, "!<script>alert")
		}
	}
}
