package browser

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// demo starts `booking-host demo` with a database of its own and returns where its page
// is, and the administrator's password.
func (w *world) demo() (page, password string) {
	w.t.Helper()
	w.env = append(w.env, "BOOKING_DSN_FILE=", "BOOKING_ADDR=127.0.0.1:0", "BOOKING_DATA_DIR="+filepath.Join(w.dir, "demo"))
	w.start("demo")
	said := regexp.MustCompile(`Страница:\s+(\S+)\n.*\n\s+Пароль:\s+(\S+)`)
	for deadline := time.Now().Add(2 * patience); ; time.Sleep(50 * time.Millisecond) {
		if found := said.FindStringSubmatch(w.console.text()); found != nil {
			return found[1], found[2]
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("the demo does not say where it is:\n%s", w.console.text())
		}
	}
}

// What somebody sees who knows nothing: the settings with a run going on, its end, what
// it did, then a preview and a sync of one's own; and the mail that nobody gets.
func TestTheDemo(t *testing.T) {
	w := newEmptyWorld(t)
	page, password := w.demo()
	w.url = strings.TrimSuffix(page, "/settings/crm")
	b := w.newTab()
	b.open("/settings/crm")
	b.see("Вход")
	b.fill("#email", "admin@demo.example")
	b.fill("#password", password)
	b.click("form.card button.main")
	b.see("Идёт синхронизация") // the strip, too, which has begun with a run in the queue
	b.see("Читаем сотрудников из портала")
	b.inspect("300-demo")
	b.until("how far it is", regexp.MustCompile(`Читаем сотрудников из портала — \d`).MatchString)
	b.inspect("301-demo-live")
	b.see("Запуск закончен.")
	b.until("a strip that knows it, too", func(text string) bool { return !strings.Contains(text, "Идёт синхронизация") })
	b.until("what it came to", regexp.MustCompile(`Создано\s+2\s+Обновлено\s+3\s`).MatchString)
	b.inspect("302-demo-over")
	b.click("[data-over]")
	b.see("Прочитано")
	b.see("Вера Новикова")
	b.see("Замужняя")
	b.see("→")
	b.inspect("303-demo-result")

	t.Log("now oneself")
	b.open("/settings/crm")
	b.see("Всё в порядке")
	b.click(runButton("preview"))
	b.see("Это предпросмотр: ничего не записано")
	b.click("section.card button.main")
	b.see("Ровно то, что показал")
	b.see("Прочитано")

	t.Log("the mail")
	b.open("/recover")
	b.fill("#email", "admin@demo.example")
	b.click("button.main")
	b.see("уже идёт письмо")
	b.eventually("the mail", func() bool {
		b.open("/mail")
		return strings.Contains(b.text(), "Вход в календарь бронирования")
	})
	b.inEveryForm("304-mail", "/mail")
	b.quiet()
}
