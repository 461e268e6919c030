package browser

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// noPages are addresses that bring something else.
var noPages = map[string]bool{"/static/{file}": true, "/healthz": true, "/readyz": true, "/{$}": true,
	"/runs/{run}/events": true, "/runs/{run}/changes.csv": true, "/runs/{run}/changes.json": true}

// seenElsewhere are pages that a company at work does not have, with the test that looks
// at them.
var seenElsewhere = map[string]string{"/first-run": "TestTheFirstAdministratorComesByTheCodeOnTheConsole", "/mail": "TestTheDemo"}

// patterns are the addresses that the pages' own table has for GET.
func patterns(t *testing.T) (all []string) {
	t.Helper()
	table, err := os.ReadFile("../web/routes.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(`"GET (/[^"]*)"`).FindAllStringSubmatch(string(table), -1) {
		if !noPages[found[1]] {
			all = append(all, found[1])
		}
	}
	if len(all) < 15 {
		t.Fatalf("only %d pages in the table", len(all))
	}
	return all
}

// Every page there is, on a phone and a screen, in both languages, in light and dark
// (inspect does both), on a wall, and once without script. A page that the table of routes has
// and nobody shows here fails.
func TestEveryPageIsGoodInEveryForm(t *testing.T) {
	w := newWorld(t, "--people", "70", "--oddities", "0.6")
	addresses := w.everyPage()
	for _, pattern := range patterns(t) {
		if _, there := addresses[pattern]; !there && seenElsewhere[pattern] == "" {
			t.Errorf("nobody looks at %s", pattern)
		}
	}
	b := w.newTab()
	b.zone("Asia/Vladivostok")
	for _, locale := range []string{"ru", "en"} {
		for _, width := range widths {
			b.size(width, 900)
			for who, paths := range w.byVisitor(addresses) {
				b.become(who, locale)
				for _, path := range paths {
					b.open(path)
					b.in(locale)
					b.inspect(fmt.Sprintf("tour-%s-%d%s", locale, width, regexp.MustCompile(`[^\w-]+|[A-Z2-7]{52}`).ReplaceAllString(path, "-")))
				}
			}
		}
	}
	t.Log("without script")
	b.size(1100, 900)
	b.scripts(false)
	for who, paths := range w.byVisitor(addresses) {
		b.become(who, "ru")
		for _, path := range paths {
			b.open(path)
			b.in("ru")
			for _, problem := range b.look() {
				t.Errorf("%s without script: %s", path, problem)
			}
		}
	}
	b.quiet()
}

// Who looks at a page.
const (
	nobody   = ""
	employee = "manager@company.example"
	root     = "root@company.example"
)

// everyPage fills the company and returns the addresses of every page, by its pattern.
func (w *world) everyPage() map[string][]string {
	w.t.Helper()
	w.call(password, "users", "add", "--tenant", "1", "--email", employee, "--name", "Манас Менеджеров", "--role", "manager", "--password-stdin")
	w.call(password, "users", "add", "--tenant", "1", "--email", root, "--name", "Рут", "--role", "admin", "--password-stdin")
	w.exec("UPDATE users SET role = 'super_admin', tenant_id = NULL WHERE email = ?", root)
	w.call("", "tenants", "add", "--name", "Another company")
	w.call(w.webhook, "crm", "connect", "--tenant", "1", "--plugin", pluginName, "--set", "departments=1", "--secret", "webhook_url")
	w.call("", "sync-users", "--tenant", "1", "--preview")
	w.call("", "sync-users", "--tenant", "1")
	w.change("POST", "faults", "no_auth,times=always")
	w.fail("sync-users", "--tenant", "1")
	w.change("DELETE", "faults", "")
	changed := w.ordinary(1)[0]
	w.change("PATCH", fmt.Sprint("people/", changed.ID), `{"name": "Переименованный"}`)
	w.call("", "sync-users", "--tenant", "1")
	w.call("", "tokens", "add", "--tenant", "1", "--name", "мониторинг", "--scope", "read")
	var runs []struct{ Run int64 }
	if err := json.Unmarshal([]byte(w.call("", "runs", "list", "--tenant", "1", "--json")), &runs); err != nil || len(runs) != 4 {
		w.t.Fatalf("%d runs (%v)", len(runs), err)
	}
	run := func(i int) string { return fmt.Sprint("/runs/", runs[i].Run) }
	var nowhere struct{ Changes []struct{ PortalID string } }
	if err := json.Unmarshal([]byte(w.call("", "runs", "show", fmt.Sprint(runs[2].Run), "--json")), &nowhere); err != nil {
		w.t.Fatal(err)
	}
	b := w.newTab()
	b.open("/recover")
	b.fill("#email", adminEmail)
	b.click("button.main")
	b.see("уже идёт письмо")
	link := strings.TrimPrefix(w.link(adminEmail), w.url)
	b.signIn(adminEmail, password)
	b.see("Всё в порядке")
	b.open("/people?linked=conflict")
	portal := b.attribute(`td a[href^="/people/portal"]`, "href")
	b.open("/people?q=" + changed.Email)
	person := b.attribute(`td a[href^="/people/"]`, "href")
	return map[string][]string{
		"/sign-in": {"/sign-in"}, "/recover": {"/recover"}, "/recover/{token}": {link, "/recover/NOSUCHLINK"}, "/account": {"/account"}, "/tenants": {"/tenants"},
		"/settings/crm": {"/settings/crm"}, "/settings/crm/choices/{field}": {"/settings/crm/choices/departments"}, "/settings/tokens": {"/settings/tokens"}, "/settings/events": {"/settings/events"},
		"/runs": {"/runs", "/runs?before=1"}, "/runs/{run}": {run(0), run(1), run(2), run(3), run(2) + "?action=conflict", run(2) + "?q=nobody-at-all"},
		"/people": {"/people", "/people?linked=conflict", "/people?q=nobody-at-all"}, "/people/new": {"/people/new"}, "/people/portal": {portal}, "/people/{person}": {person},
		"/audit": {"/audit", "/no-such-page"},
	}
}

// fail runs a command that is to fail.
func (w *world) fail(args ...string) {
	w.t.Helper()
	if err := w.command("", args...).Run(); err == nil {
		w.t.Fatalf("%v did not fail", args)
	}
}

// byVisitor sorts the pages by who looks at them.
func (w *world) byVisitor(addresses map[string][]string) map[string][]string {
	of := map[string][]string{nobody: {}, employee: {"/account", "/people"}, root: {"/tenants"}}
	for pattern, paths := range addresses {
		switch pattern {
		case "/sign-in", "/recover", "/recover/{token}":
			of[nobody] = append(of[nobody], paths...)
		case "/tenants":
		default:
			of[adminEmail] = append(of[adminEmail], paths...)
		}
	}
	return of
}
