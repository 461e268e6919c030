package browser

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// An administrator who has never heard of any of this: from nothing to a finished
// sync, then English, a phone, and no script.
func TestAnAdministratorConnectsAPortalAndSyncs(t *testing.T) {
	w := newWorld(t)
	b := w.newTab()
	b.open("/")
	b.inspect("01-sign-in")
	b.signIn(adminEmail, "not the password")
	b.see("Адрес или пароль не подходят")
	b.inspect("02-refused")
	b.signIn(adminEmail, password)
	b.see("Три шага до первого предпросмотра")
	b.see("Не подключено")
	b.inspect("03-empty")

	t.Log("a webhook that cannot be one, one that is wrong, the right one")
	b.fill("#field-webhook_url", "not an address")
	b.click("button[value=check]")
	b.see("Не сохранено")
	b.inspect("04-mistake")
	b.fill("#field-webhook_url", wrongSecret(t, w.webhook))
	b.click("button[value=check]")
	b.see("Что показала проверка")
	b.see("✕")
	b.inspect("05-wrong-webhook")
	b.fill("#field-webhook_url", w.webhook)
	b.click("button[value=check]")
	b.see("✓")
	b.until("no finding that is bad", func(text string) bool { return !strings.Contains(text, "✕") })
	b.inspect("06-connected")

	t.Log("preview: what would change, and nothing is written")
	b.open("/settings/crm")
	b.click(runButton("preview"))
	b.see("Это предпросмотр: ничего не записано")
	b.inspect("07-preview")
	if people := w.people(); people != 1 {
		t.Fatalf("the preview left %d people", people)
	}

	t.Log("sync, live")
	b.open("/settings/crm")
	b.click(runButton("apply"))
	b.see("Читаем сотрудников из портала")
	b.until("how many have been read", regexp.MustCompile(`Читаем сотрудников из портала — \d`).MatchString)
	b.inspect("08-live")
	b.see("готово")
	b.inspect("09-result")
	run := b.address()
	b.click(`nav.tabs a[href*="action=conflict"]`)
	b.see("оставьте его одному")
	b.inspect("10-conflicts")
	b.open("/people")
	b.see("Новые сверху")
	b.inspect("11-people")
	b.open("/runs")
	b.inspect("12-history")
	b.open("/settings/crm")
	b.see("Всё в порядке")
	b.inspect("13-settings")

	t.Log("a token for a program, seen once")
	b.open("/settings/tokens")
	b.fill("#name", "мониторинг")
	b.click("main button.main")
	b.see("больше он не покажется")
	b.inspect("13-token")
	b.open("/settings/crm")

	t.Log("English, on a phone of 320 points")
	b.click("footer button")
	b.see("All is well")
	b.until("no Russian but names", func(text string) bool {
		return !regexp.MustCompile(`Сохран|Запуск|Настройки|Выйти`).MatchString(text)
	})
	b.inspect("14-english")
	b.size(320, 640)
	for _, path := range []string{"/settings/crm", run, run + "?action=conflict", "/people", "/runs", "/account", "/settings/tokens"} {
		b.open(path)
		b.inspect("15-phone" + strings.NewReplacer("/", "-", "?", "-", "=", "-").Replace(path))
	}
	b.quiet()
}

func TestWithoutScriptEverythingWorks(t *testing.T) {
	w := newWorld(t)
	b := w.newTab()
	b.scripts(false)
	b.open("/sign-in")
	b.do(chromedp.SendKeys("#email", adminEmail), chromedp.SendKeys("#password", password), chromedp.Click("form.card button"))
	b.see("Три шага")
	b.fill("#field-webhook_url", w.webhook)
	b.click("button[value=check]")
	b.see("✓")
	b.open("/settings/crm")
	b.click(runButton("apply"))
	// The page comes anew by itself until the run is over.
	b.see("Создано")
	b.see("готово")
	b.shot("20-without-script")
}

// A newcomer whom the sync has made asks for a link, sets a password and is in.
func TestANewcomerGetsIn(t *testing.T) {
	w := newWorld(t)
	w.call(w.webhook, "crm", "connect", "--tenant", "1", "--plugin", pluginName, "--secret", "webhook_url")
	w.call("", "sync-users", "--tenant", "1")
	var people []struct{ Email, Name, Role string }
	if err := json.Unmarshal([]byte(w.call("", "users", "list", "--tenant", "1", "--linked", "--json")), &people); err != nil || len(people) == 0 {
		t.Fatalf("%d people (%v)", len(people), err)
	}
	newcomer := people[0]
	b := w.newTab()
	b.open("/sign-in")
	b.click(`a[href="/recover"]`)
	b.see("Введите адрес")
	b.inspect("30-recover")
	b.do(chromedp.SendKeys("#email", newcomer.Email+"\r"))
	b.see("уже идёт письмо")
	b.inspect("31-asked")
	link := w.link(newcomer.Email)
	b.open(strings.TrimPrefix(link, w.url))
	b.see("Новый пароль")
	b.inspect("32-password")
	b.do(chromedp.SendKeys("#password", "a good long one"), chromedp.SendKeys("#again", "a good long one\r"))
	b.see("Вы вошли")
	b.see("Анна Админ") // whom to ask
	b.inspect("33-account")
	b.open("/settings/crm")
	b.see("Эта страница — для администраторов")
	b.inspect("34-forbidden")
	b.click(`form[action="/sign-out"] button`)
	b.see("Вхожу впервые")
	b.signIn(newcomer.Email, "a good long one")
	b.see("Вы вошли")
	b.quiet()
}

// wrongSecret is a webhook of the same portal that the portal does not know.
func wrongSecret(t *testing.T, webhook string) string {
	t.Helper()
	u, err := url.Parse(webhook)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	parts[len(parts)-1] = strings.Repeat("x", len(parts[len(parts)-1]))
	u.Path = "/" + strings.Join(parts, "/") + "/"
	return u.String()
}

// people counts the company's users.
func (w *world) people() int {
	w.t.Helper()
	var list []json.RawMessage
	if err := json.Unmarshal([]byte(w.call("", "users", "list", "--tenant", "1", "--json")), &list); err != nil {
		w.t.Fatal(err)
	}
	return len(list)
}

// link is the one in the newest mail to an address.
func (w *world) link(to string) string {
	w.t.Helper()
	var mails []struct{ To, Body string }
	if err := json.Unmarshal([]byte(w.call("", "mail", "list", "--json")), &mails); err != nil {
		w.t.Fatal(err)
	}
	for _, m := range mails {
		if m.To == to {
			return regexp.MustCompile(`http://\S+/recover/\w+`).FindString(m.Body)
		}
	}
	w.t.Fatalf("no mail to %s", to)
	return ""
}
