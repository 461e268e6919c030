package browser

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// portalPerson is somebody of the simulated portal.
type portalPerson struct {
	ID       int64
	Name     string
	LastName string `json:"last_name"`
	Email    string
}

// ordinary are people of the portal whom a first sync brings over as they are, at least n.
func (w *world) ordinary(n int) []portalPerson {
	w.t.Helper()
	var all, found []portalPerson
	if err := json.Unmarshal([]byte(w.change("GET", "people", "")), &all); err != nil {
		w.t.Fatal(err)
	}
	var users []struct{ Email, Name string }
	if err := json.Unmarshal([]byte(w.call("", "users", "list", "--tenant", "1", "--linked", "--json")), &users); err != nil {
		w.t.Fatal(err)
	}
	names := map[string]string{}
	for _, user := range users {
		names[user.Email] = user.Name
	}
	for _, p := range all {
		if p.ID > 1 && regexp.MustCompile(`^[а-яА-Я]+ [а-яА-Я]+$`).MatchString(p.Name+" "+p.LastName) && names[p.Email] == p.Name+" "+p.LastName {
			found = append(found, p)
		}
	}
	if len(found) < n {
		w.t.Fatalf("%d ordinary people", len(found))
	}
	return found
}

// From nothing at all to a second sync that says what it did for whom and why, as the
// owner tells it; each page on the way is looked at.
func TestTheWholeStory(t *testing.T) {
	w := newEmptyWorld(t, "--people", "2600", "--oddities", "0.02", "--latency", "1200ms")
	w.serve()
	b := w.newTab()

	t.Log("the first run")
	b.open("/")
	b.click(`a[href="/first-run"]`)
	for field, value := range map[string]string{"code": w.firstRunCode(), "company": "ООО «Ромашка»", "name": "Анна Админ", "email": adminEmail, "password": password, "again": password} {
		b.fill("#"+field, value)
	}
	b.click("button.main")
	b.see("Три шага до первого предпросмотра")
	b.inspect("100-first-settings")

	t.Log("a wrong webhook, the right one")
	b.fill("#field-webhook_url", wrongSecret(t, w.webhook))
	b.click("button[value=check]")
	b.see("Проверка нашла, что исправить")
	b.see("не принимает вебхук")
	b.inspect("101-wrong-webhook")
	b.fill("#field-webhook_url", w.webhook)
	b.click("button[value=check]")
	b.see("Активных сотрудников:")
	b.until("no finding that is bad", func(text string) bool { return !strings.Contains(text, "✕") })

	t.Log("what would change, then the change itself, live")
	b.click(runButton("preview"))
	b.see("Это предпросмотр: ничего не записано")
	if people := w.people(); people != 1 {
		t.Fatalf("the preview left %d people", people)
	}
	b.click("section.card button.main")
	b.until("how many have been read", regexp.MustCompile(`Читаем сотрудников из портала — \d`).MatchString)
	b.inspect("102-live")
	b.see("Прочитано")
	b.inspect("103-result")

	t.Log("a newcomer gets in")
	people := w.ordinary(4)
	renamed, moved, robbed, robber := people[0], people[1], people[2], people[3]
	newcomer := w.newTab()
	newcomer.open("/sign-in")
	newcomer.click(`a[href="/recover"]`)
	newcomer.see("Введите адрес")
	newcomer.do(chromedp.SendKeys("#email", moved.Email+"\r"))
	newcomer.see("уже идёт письмо")
	newcomer.open(strings.TrimPrefix(w.link(moved.Email), w.url))
	newcomer.do(chromedp.SendKeys("#password", "a good long one"), chromedp.SendKeys("#again", "a good long one\r"))
	newcomer.see("Вы вошли")
	newcomer.click(`form[action="/sign-out"] button`)
	newcomer.see("Вхожу впервые")
	newcomer.signIn(moved.Email, "a good long one")
	newcomer.see(moved.Name + " " + moved.LastName)
	newcomer.quiet()

	t.Log("the portal changes: a new name, a new address, somebody else's address, nobody's")
	w.change("PATCH", fmt.Sprint("people/", renamed.ID), `{"name": "Новое", "last_name": "Имя-Фамилия"}`)
	w.change("PATCH", fmt.Sprint("people/", moved.ID), `{"email": "moved@company.example"}`)
	w.change("PATCH", fmt.Sprint("people/", robber.ID), fmt.Sprintf(`{"email": %q}`, robbed.Email))
	w.change("POST", "people", `{"name": "Без", "last_name": "Адреса"}`)
	b.open("/settings/crm")
	b.click(runButton("apply"))
	b.see("Прочитано")
	run := b.address()
	b.open(run + "?q=" + "Имя-Фамилия")
	b.see(renamed.Name + " " + renamed.LastName)
	b.see("→")
	b.see("Новое Имя-Фамилия")
	b.inspect("104-renamed")
	b.open(run + "?action=conflict&q=" + robbed.Email)
	b.see(robber.Name + " " + robber.LastName)
	b.see("оставьте его одному")
	b.inspect("105-conflict")
	b.open(run + "?action=skipped&q=" + "Без")
	b.see("Без Адреса")
	b.see("заполните его там")
	b.inspect("106-skipped")
	b.open(run + "?q=moved")
	b.see(moved.Email)
	b.see("moved@company.example")
	b.click(`td a[href^="/people/"]`)
	b.see("Что было и почему")
	b.see("moved@company.example")
	b.inspect("107-why")

	t.Log("one person alone")
	w.change("PATCH", fmt.Sprint("people/", moved.ID), `{"name": "Переехавшая"}`)
	b.click(`form:has(input[value=person]) button`)
	b.see("Прочитано")
	b.see("Один сотрудник")
	b.see("Переехавшая")
	b.inspect("108-one-person")

	t.Log("a preview that is overtaken writes nothing; the next one is applied exactly")
	b.open("/settings/crm")
	b.click(runButton("preview"))
	b.see("Это предпросмотр: ничего не записано")
	w.change("PATCH", fmt.Sprint("people/", robber.ID), `{"email": "robber@company.example"}`)
	b.click("section.card button.main")
	b.see("просмотр устарел")
	b.inspect("109-stale")
	b.click("section.card button.main")
	b.see("Это предпросмотр: ничего не записано")
	b.click("section.card button.main")
	b.see("Ровно то, что показал")
	b.see("robber@company.example")
	b.inspect("110-exactly")
	b.open("/people?q=robber@company.example")
	b.click(`td a[href^="/people/"]`)
	b.see("Что было и почему")

	t.Log("English, on a phone, without script")
	b.click("footer button")
	b.see("What happened, and why")
	b.size(320, 640)
	b.open("/settings/crm")
	b.see("All is well")
	b.inspect("111-english-phone")
	b.scripts(false)
	b.open("/settings/crm")
	b.click(runButton("preview"))
	b.see("This is a preview: nothing was written.")
	b.inspect("112-without-script")
	b.quiet()
}
