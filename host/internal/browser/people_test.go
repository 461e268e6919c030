package browser

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Nobody is there yet: the code on the console makes the first administrator, who is
// signed in, and it is good for nothing any more.
func TestTheFirstAdministratorComesByTheCodeOnTheConsole(t *testing.T) {
	w := newEmptyWorld(t)
	w.serve()
	code := w.firstRunCode()
	b := w.newTab()
	b.open("/")
	b.see("Администратора ещё нет")
	b.click(`a[href="/first-run"]`)
	b.see("Название компании")
	b.inEveryForm("40-first-run", "/first-run")
	fill := func(code, password string) {
		t.Helper()
		for _, field := range [][2]string{{"code", code}, {"company", "ООО «Ромашка»"}, {"name", "Анна Админ"}, {"email", adminEmail}, {"password", password}, {"again", password}} {
			b.fill("#"+field[0], field[1])
		}
		b.click("button.main")
	}
	fill("AAAAA-AAAAA-AAAAA-AAAAA", password)
	b.see("Код не подходит")
	b.inspect("41-wrong-code")
	fill(strings.ToLower(code), adminEmail)
	b.see("Пароль совпадает с адресом или именем")
	fill(code, password)
	b.see("Три шага до первого предпросмотра")
	b.see("Анна Админ")
	b.open("/audit")
	b.see("Добавлен человек")
	b.inspect("42-audit")
	b.open("/first-run")
	b.see("Такой страницы нет")
	log, err := os.ReadFile(filepath.Join(w.dir, "host.log"))
	if err != nil || strings.Contains(string(log), code) {
		t.Errorf("the code is in the log file (%v)", err)
	}
	b.quiet()
}

// firstRunCode is the code on the host's console.
func (w *world) firstRunCode() string {
	w.t.Helper()
	form := regexp.MustCompile(`/first-run\S* .*?([A-Z2-7]{5}(?:-[A-Z2-7]{5}){3})`)
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		if found := form.FindStringSubmatch(w.console.text()); found != nil {
			return found[1]
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("no code on the console:\n%s", w.console.text())
		}
	}
}

// An administrator looks after people by hand: who is in conflict and why, somebody's
// page, a mistake, a change, somebody new; on a phone and without script, too.
func TestAnAdministratorLooksAfterPeople(t *testing.T) {
	w := newWorld(t)
	w.call(w.webhook, "crm", "connect", "--tenant", "1", "--plugin", pluginName, "--secret", "webhook_url")
	w.call("", "sync-users", "--tenant", "1")
	b := w.newTab()
	b.signIn(adminEmail, password)
	b.see("Всё в порядке")

	b.open("/people")
	b.see("человек")
	b.do(chromedp.SetValue("#linked", "conflict"))
	b.click("form.filter button")
	b.see("Почему и что делать")
	b.see("оставьте его одному")
	b.inspect("50-in-conflict")
	b.click(`td a[href^="/people/portal"]`)
	b.see("В календаре с этим номером никого нет")
	b.inspect("51-nobody-here")

	b.open("/people?linked=yes")
	b.click(`td a[href^="/people/"]`)
	b.see("ID в Битрикс24")
	b.see("Что было и почему")
	b.inspect("52-person")
	person := b.address()
	b.fill("#link", "07")
	b.click("form[data-guard] button.main")
	b.see("целое число больше нуля")
	b.inspect("53-mistake")
	b.fill("#link", "999999")
	b.fill("#name", `Мария <b>«Новая»</b> 👩 מרים`)
	b.click("form[data-guard] button.main")
	b.see("Сохранено.")
	b.see("999999")
	b.see("Мария <b>«Новая»</b> 👩 מרים")
	b.inspect("54-saved")

	t.Log("somebody else was faster")
	b.open(person)
	other := w.newTab()
	other.signIn(adminEmail, password)
	other.see("Всё в порядке")
	other.open(person)
	other.fill("#phone", "+7 900 000-00-00")
	other.click("form[data-guard] button.main")
	other.see("Сохранено.")
	b.fill("#phone", "112")
	b.click("form[data-guard] button.main")
	b.see("изменил кто-то другой")
	b.see("Вы вводили: 112")
	b.inspect("55-stale")

	t.Log("somebody new, without script")
	b.scripts(false)
	b.open("/people/new")
	b.do(chromedp.SendKeys("#name", "Вера Вручную"), chromedp.SendKeys("#email", "vera@company.example\r"))
	b.see("Добавлен.")
	b.scripts(true)

	t.Log("English, on a phone of 320 points")
	b.open("/people")
	b.click("footer button")
	b.see("Add a person")
	b.size(320, 640)
	for name, path := range map[string]string{"56-phone-people": "/people", "57-phone-conflict": "/people?linked=conflict", "58-phone-person": person,
		"59-phone-new": "/people/new", "60-phone-audit": "/audit", "61-phone-account": "/account"} {
		b.open(path)
		b.until("no Russian but names", func(text string) bool {
			return !regexp.MustCompile(`Сохранить|Роль|Журнал|Завершить`).MatchString(text)
		})
		b.inspect(name)
	}
	b.quiet()
}
