package web

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"booking/host/internal/store"
	"booking/shared/crm"
	"booking/shared/usersync"
)

// These tests bear the names of what products of this kind were broken into by. (Who
// there is, by the time an answer takes: make bench. Slow requests: the process that
// serves, in endtoend.)

// listed is a portal: what a run reads of it.
type listed []usersync.Person

func (l listed) Read(_ context.Context, yield func(usersync.Person) error) (usersync.Complete, error) {
	for _, person := range l {
		if err := yield(person); err != nil {
			return usersync.Complete{}, err
		}
	}
	return usersync.Complete{People: len(l)}, nil
}

// portal makes the plugin a real one: the engine syncs these people.
func (s *site) portal(people ...usersync.Person) {
	s.plugin.sync = func(ctx context.Context, r crm.SyncRequest, events crm.Events) (crm.SyncResult, error) {
		engine := usersync.Engine{DB: s.DB(), Column: "bitrix24_user_id"}
		return engine.Run(ctx, usersync.Request{
			Tenant: r.Tenant, Mode: r.Mode, PersonID: r.PersonID, RunID: r.RunID, Fence: r.Fence, PlanHash: r.PlanHash, Portal: "portal.example",
		}, listed(people), events)
	}
}

// synced presses the button and returns the run's page when it is over.
func (v *visitor) synced() answer {
	v.s.t.Helper()
	return v.until(v.s.press(v, "apply"), `<span class="state">Итог: готово`)
}

// CVE-2022-1680 and its kind: whoever can change an address in the CRM changes
// somebody's to their own and asks for a link.
func TestTakeOverByEmailChange(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	s.work()
	s.exec("UPDATE users SET bitrix24_user_id = '1' WHERE email = 'admin@ours.example'")
	s.exec("UPDATE users SET bitrix24_user_id = '2' WHERE email = 'employee@ours.example'")
	v, thief := s.signedIn("admin@ours.example"), s.visitor()
	old := s.ask(s.visitor(), "employee@ours.example")
	s.portal(usersync.Person{ExternalID: "1", Name: "Анна", Email: "thief@evil.example"}, usersync.Person{ExternalID: "2", Name: "Егор", Email: "moved@evil.example"})
	v.synced().contains(t, "адрес администратора")

	// An administrator's address no sync changes, so there is no link to the new one.
	if n := s.count("SELECT COUNT(*) FROM users WHERE email = 'admin@ours.example' AND role = 'admin'"); n != 1 {
		t.Error("the administrator's address was changed")
	}
	thief.post("/recover", "email", "thief@evil.example")
	link := s.ask(thief, "moved@evil.example") // the same queue: whatever the first wish brought is there by now
	if mails := s.mails("thief@evil.example"); len(mails) != 0 {
		t.Errorf("a link was sent to the thief: %+v", mails)
	}
	// Everybody else follows the CRM. Their links end, the old address is told of it without
	// learning the new one, and what was gained is an employee's account.
	if a := s.visitor().get(old); a.status != http.StatusGone {
		t.Errorf("the link to the old address: %d", a.status)
	}
	told := s.untilMails("employee@ours.example", 2)[0].Body
	if !strings.Contains(told, "изменён") || strings.Contains(told, "moved@evil.example") {
		t.Errorf("the old address was told:\n%s", told)
	}
	thief.post(link, "password", "ten letters or more", "again", "ten letters or more")
	if a := thief.get("/settings/crm"); a.status != http.StatusForbidden {
		t.Errorf("the account opens the settings: %d", a.status)
	}
}

// CVE-2026-33665 and its kind: a person of the portal with an administrator's address is
// linked to the administrator, and the link outlives the address.
func TestLinkToAPrivilegedAccount(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	s.work()
	v := s.signedIn("admin@ours.example")
	account := func() (a struct{ Name, Email, Password, Role, Link string }) {
		t.Helper()
		err := s.DB().NewRaw("SELECT name, email, password, role, COALESCE(bitrix24_user_id, '') AS link FROM users WHERE role = 'admin' AND tenant_id = ?", s.ours).Scan(t.Context(), &a)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	before := account()
	s.portal(usersync.Person{ExternalID: "66", Name: "Самозванец", Email: "ADMIN@ours.example"})
	v.synced()
	if now := account(); now.Email != before.Email || now.Password != before.Password || now.Role != before.Role || now.Link != "66" {
		t.Errorf("linked: %+v, before: %+v", now, before)
	}
	s.portal(usersync.Person{ExternalID: "66", Name: "Самозванец", Email: "thief@evil.example"})
	v.synced()
	if now := account(); now.Email != before.Email || now.Password != before.Password || now.Role != before.Role {
		t.Errorf("the link took the account over: %+v, before: %+v", now, before)
	}
	// A number of the portal is never taken for one of ours (CVE-2025-41115).
	s.portal(usersync.Person{ExternalID: number(int(s.personID("manager@ours.example"))), Name: "Чужой номер", Email: "number@evil.example"})
	v.synced()
	if n := s.count("SELECT COUNT(*) FROM users WHERE id = ? AND email = 'manager@ours.example' AND bitrix24_user_id IS NULL", s.personID("manager@ours.example")); n != 1 {
		t.Error("a number of the portal was taken for one of ours")
	}
}

// Who is deactivated is out, wherever that was done: here or in the server beside us.
func TestSessionAfterDeactivation(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for name, deactivate := range map[string]func(admin *visitor, path string){
		"by hand on the page":     func(admin *visitor, path string) { admin.save(path, admin.opened(path), "active", "") },
		"in the server beside us": func(*visitor, string) { s.exec("UPDATE users SET is_active = 0 WHERE email = 'manager@ours.example'") },
		"with the role taken away": func(*visitor, string) {
			s.exec("UPDATE users SET role = 'employee', is_active = 0 WHERE email = 'manager@ours.example'")
		},
	} {
		s.exec("UPDATE users SET is_active = 1, role = 'manager' WHERE email = 'manager@ours.example'")
		admin, manager := s.signedIn("admin@ours.example"), s.signedIn("manager@ours.example")
		link := s.ask(s.visitor(), "manager@ours.example")
		deactivate(admin, personPath(s.personID("manager@ours.example")))
		if a := manager.get("/account"); a.status != http.StatusSeeOther {
			t.Errorf("%s: the session still works: %d", name, a.status)
		}
		if a := s.visitor().post(link, "password", "ten letters or more", "again", "ten letters or more"); a.status != http.StatusGone {
			t.Errorf("%s: the link still works: %d", name, a.status)
		}
		if a := s.visitor().post("/sign-in", "email", "manager@ours.example", "password", password); a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: signs in: %d", name, a.status)
		}
	}
}

// A token is good once, or until it is over: a link's, a session's, an API's, the code of
// the first run (TestFirstRunMakesTheCompanyAndItsAdministratorAndIsOver).
func TestTokenReuse(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := s.visitor()
	link := s.ask(v, "employee@ours.example")
	if a := v.post(link, "password", "ten letters or more", "again", "ten letters or more"); a.to != "/" {
		t.Fatalf("%d", a.status)
	}
	for name, a := range map[string]answer{
		"opened again": s.visitor().get(link), "used again": s.visitor().post(link, "password", "another one of ten", "again", "another one of ten"),
	} {
		if a.status != http.StatusGone {
			t.Errorf("a link, %s: %d", name, a.status)
		}
	}
	// The cookie of a session that was signed out, or that was there before the sign-in.
	session := s.visitor()
	session.get("/account")
	before := session.client.Jar.Cookies(must(url.Parse(s.http.URL)))
	session.post("/sign-in", "email", "admin@ours.example", "password", password)
	during := session.client.Jar.Cookies(must(url.Parse(s.http.URL)))
	session.post("/sign-out")
	for name, cookies := range map[string][]*http.Cookie{"before the sign-in": before, "after the sign-out": during} {
		again := s.visitor()
		again.client.Jar.SetCookies(must(url.Parse(s.http.URL)), cookies)
		if a := again.get("/account"); a.status == http.StatusOK {
			t.Errorf("the cookie of %s opens the account", name)
		}
	}
	// An API token that was revoked.
	admin := s.signedIn("admin@ours.example")
	made := admin.post("/settings/tokens", "name", "reuse", "scope", "read")
	_, fresh, _ := strings.Cut(made.body, `aria-label="Токен">`)
	fresh, _, _ = strings.Cut(fresh, "<")
	machine := &visitor{s: s, client: s.visitor().client, header: http.Header{"Authorization": {"Bearer " + fresh}}}
	if a := machine.get("/api/v1/status"); a.status != http.StatusOK {
		t.Fatalf("the token opens nothing: %d", a.status)
	}
	admin.post("/settings/tokens/" + number(s.count("SELECT MAX(id) FROM booking_tokens")) + "/revoke")
	if a := machine.get("/api/v1/status"); a.status != http.StatusUnauthorized {
		t.Errorf("a revoked token: %d", a.status)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// elsewhere are addresses that lead away, in the forms that browsers take.
var elsewhere = []string{
	"https://evil.example/", "//evil.example", `/\evil.example`, `\\evil.example`, "/\t/evil.example", "http:evil.example", "javascript:alert(1)",
	"/%5cevil.example", "///evil.example", "https:///evil.example", "\thttps://evil.example", "/\r\nLocation: https://evil.example", "data:text/html,x", "evil.example",
}

// Every form that says where to go then, and the sign-in page for whoever is in already.
func TestOpenRedirect(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	in := s.signedIn("admin@ours.example")
	for i, next := range elsewhere {
		person := s.person(s.ours, "Новичок", "redirect"+number(i)+"@ours.example", "employee")
		s.exec("UPDATE users SET password = ? WHERE id = ?", unset, person)
		for from, a := range map[string]answer{
			"sign-in":            s.visitor().post("/sign-in", "email", "admin@ours.example", "password", password, "next", next),
			"sign-in, signed in": in.get("/sign-in?next=" + url.QueryEscape(next)),
			"language":           s.visitor().post("/language", "language", "en", "back", next),
			"invitation":         in.post(personPath(person)+"/invite", "back", next),
		} {
			if a.status != http.StatusSeeOther || !staysHere(a.to) {
				t.Errorf("%s with %q leads to %q (%d)", from, next, a.to, a.status)
			}
		}
	}
}

// staysHere reports whether a browser on one of the pages would stay on this host.
func staysHere(location string) bool {
	base := must(url.Parse("https://calendar.example/sign-in"))
	to, err := base.Parse(strings.Map(func(r rune) rune {
		if r == '\\' { // browsers take it for a slash
			return '/'
		}
		return r
	}, location))
	return err == nil && to.Host == base.Host && to.Scheme == base.Scheme && !strings.ContainsAny(location, "\r\n\t")
}

// Whatever comes from outside and lands in a header or a line of the log stays one value.
func TestHeaderAndLogInjection(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	v := s.signedIn("admin@ours.example")
	const evil = "x\r\nSet-Cookie: evil=1\r\nX-Evil: yes\n{\"level\":\"ERROR\"}"
	v.header.Set("User-Agent", "evil\tbrowser level=ERROR")
	v.header.Set("X-Forwarded-For", "203.0.113.7 level=ERROR msg=forged")
	for _, a := range []answer{
		v.post("/language", "language", "en"+evil, "back", "/people?q="+url.QueryEscape(evil)), v.get("/people?q=" + url.QueryEscape(evil)),
		v.get("/people/portal?id=" + url.QueryEscape(evil)), v.get("/runs/" + url.PathEscape(evil)), v.get("/" + url.PathEscape(evil)),
		v.post("/sign-in", "email", evil, "password", "x", "next", evil), v.post("/settings/crm/schedule", "when", "daily", "at", evil),
		v.post("/settings/tokens", "name", evil, "scope", evil), v.get("/static/" + url.PathEscape(evil)),
	} {
		if a.header.Get("X-Evil") != "" || slices.ContainsFunc(a.header.Values("Set-Cookie"), func(c string) bool { return strings.HasPrefix(c, "evil") }) {
			t.Errorf("a header was injected: %v", a.header)
		}
	}
	for line := range strings.Lines(s.log.String()) {
		if !strings.HasPrefix(line, "time=") || strings.Contains(line, "level=ERROR") || strings.Contains(line, "forged") {
			t.Errorf("a line was injected into the log: %q", line)
		}
	}
}

// Names of people, of the company and of departments, what a plugin and a portal say: all
// of it is text, for the template, the page and the script.
func TestTemplateInjection(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	const evil = `{{.V.Who.PasswordHash}}{{define "x"}}</textarea></script><script>alert(1)</script>"'><img src=x onerror=alert(2)>`
	h := s.hostile(evil)
	for path, a := range h.pages() {
		if a.download() {
			continue
		}
		if strings.Contains(a.body, "<script>alert") || strings.Contains(a.body, "<img src=x") || strings.Contains(a.body, "</textarea>") || strings.Contains(a.body, "$2y$") {
			t.Errorf("%s: it is no text any more", path)
		}
	}
}

// A page of another site sends our forms: every one of them, to no effect. (The table of
// routes asks for the status, for every address and everybody.)
func TestCSRF(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	v := s.signedIn("admin@ours.example")
	person := s.personID("employee@ours.example")
	before := s.everything()
	for _, header := range []http.Header{{}, {"Origin": {"https://evil.example"}}, {"Origin": {"null"}}, {"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}},
		{"Origin": {s.http.URL + ".evil.example"}}, {"Referer": {s.http.URL + "/settings/crm"}}} {
		from := &visitor{s: s, client: v.client, header: header}
		for path, form := range map[string][]string{
			"/settings/crm":          {"plugin", "scripted", "with_settings", "yes", "setting.webhook", "https://evil.example/rest/1/x/", "with_enabled", "yes"},
			"/settings/crm/runs":     {"mode", "apply"},
			"/settings/crm/schedule": {"when", "off"},
			"/settings/crm/notices":  {"notices", "off"},
			"/settings/tokens":       {"name", "evil", "scope", "run"},
			"/people/new":            {"name", "Evil", "email", "evil@evil.example", "role", "admin", "active", "true"},
			personPath(person):       {"role", "admin", "seen", "x"},
			"/account/sessions":      {},
			"/sign-out":              {},
		} {
			if a := from.post(path, form...); a.status != http.StatusForbidden {
				t.Errorf("%s with %v: %d", path, header, a.status)
			}
		}
	}
	if after := s.everything(); after != before {
		t.Errorf("something was done: %s, before: %s", after, before)
	}
	if a := v.get("/account"); a.status != http.StatusOK {
		t.Errorf("the administrator was signed out: %d", a.status)
	}
}

// everything is what forms can change, as one text.
func (s *site) everything() string {
	s.t.Helper()
	return fmt.Sprint([]int{
		s.count("SELECT COUNT(*) FROM users"), s.count("SELECT COUNT(*) FROM users WHERE role = 'admin'"), s.count("SELECT COUNT(*) FROM crm_runs"), s.count("SELECT COUNT(*) FROM booking_tokens"),
		s.count("SELECT COUNT(*) FROM booking_audit"), s.count("SELECT COUNT(*) FROM crm_schedules"), s.count("SELECT COUNT(*) FROM booking_sessions"),
		s.count("SELECT COUNT(*) FROM crm_connections WHERE enabled = 1 AND portal = 'portal.example'"),
	})
}

// What is secret is on no page, in no download and in no header: the webhook, hashes of
// passwords, the token of the session.
func TestSecretInHTML(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	h := s.hostile("Обычное Имя")
	session := ""
	for _, cookie := range h.v.client.Jar.Cookies(must(url.Parse(s.http.URL))) {
		if strings.HasSuffix(cookie.Name, "session") {
			session = cookie.Value
		}
	}
	s.plugin.check = func(settings crm.Settings) []crm.Finding {
		if settings.Get("webhook") != webhook {
			t.Error("the check is made without the webhook")
		}
		return nil
	}
	pages := h.pages()
	pages["check"] = h.v.post("/settings/crm/check")
	pages["a refused form"] = h.v.post("/settings/crm", "plugin", "scripted", "with_settings", "yes", "setting.webhook", webhook, "setting.plan", "huge")
	pages["a refused sign-in"] = s.visitor().post("/sign-in", "email", "admin@ours.example", "password", "my secret passphrase")
	for path, a := range pages {
		var header bytes.Buffer
		_ = a.header.Write(&header)
		for _, secret := range []string{"very-secret-hook", "$2y$", "$2a$", session, "my secret passphrase"} {
			if strings.Contains(a.body+header.String(), secret) {
				t.Errorf("%s holds %q", path, secret)
			}
		}
	}
	if session == "" {
		t.Error("there was no session to look for")
	}
}

// Forms, headers and parameters of any size cost no more than they may.
func TestOversizedRequests(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	v := s.signedIn("admin@ours.example")
	large := strings.Repeat("1,", maxForm)
	for path, form := range map[string][]string{
		"/settings/crm": {"plugin", "scripted", "setting.departments", large}, "/settings/crm/choices/departments": {"value", large}, "/settings/crm/schedule": {"when", large},
		"/people/new": {"name", large}, "/settings/tokens": {"name", large}, "/recover": {"email", large}, "/sign-in": {"email", large}, "/first-run": {"code", large},
	} {
		if a := v.post(path, form...); a.status < 400 || a.status >= 500 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	for _, path := range []string{"/people?q=", "/runs?before=", "/people/portal?id=", "/audit?before=", "/sign-in?next=/"} {
		if a := v.get(path + strings.Repeat("9", 30_000)); a.status >= 500 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	if n := s.count("SELECT COUNT(*) FROM booking_tokens") + s.count("SELECT COUNT(*) FROM crm_schedules"); n != 0 {
		t.Errorf("%d rows were written", n)
	}
}

// Whoever asks whether an address is taken learns it of their own company alone.
func TestEmailTakenNeverTellsWhoHoldsItElsewhere(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	s.work()
	s.exec("UPDATE users SET name = 'Совершенно Секретный', phone = '+7 900 111-22-33', bitrix24_user_id = '4242' WHERE email = 'admin@theirs.example'")
	s.portal(usersync.Person{ExternalID: "31", Name: "Проситель", Email: "admin@theirs.example"}, usersync.Person{ExternalID: "32", Name: "Второй", Email: "manager@ours.example"})
	v := s.signedIn("admin@ours.example")
	v.synced()
	run := runPath(int64(s.count("SELECT MAX(id) FROM crm_runs")))
	form := []string{"name", "Новый", "email", "admin@theirs.example", "role", store.RoleEmployee, "active", "true"}
	taken := v.post("/people/new", form...)
	if taken.status != http.StatusUnprocessableEntity {
		t.Errorf("added by hand: %d", taken.status)
	}
	foreign := number(int(s.personID("admin@theirs.example")))
	for path, a := range map[string]answer{
		"run": v.get(run), "csv": v.get(run + "/changes.csv"), "json": v.get(run + "/changes.json"), "list": v.get("/people?linked=conflict"),
		"person": v.get("/people/portal?id=31"), "form": taken, "log": v.get("/audit"),
	} {
		if path == "run" || path == "list" || path == "person" {
			a.contains(t, "адрес занят другой учётной записью")
		}
		for _, tells := range []string{"Совершенно Секретный", "111-22-33", "4242", "Other", "/people/" + foreign + `"`, `"user_id": ` + foreign, `"user_id":` + foreign + ","} {
			if strings.Contains(a.body, tells) {
				t.Errorf("%s tells %q", path, tells)
			}
		}
	}
}
