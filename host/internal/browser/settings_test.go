package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// How things are, in the strip on top of the settings: from a company without a
// connection to one that is blocked, each state brought about for real.
func TestTheSettingsSayHowThingsAre(t *testing.T) {
	w := newWorld(t, "--people", "70")
	b := w.newTab()
	b.zone("Asia/Yekaterinburg")
	b.signIn(adminEmail, password)
	b.see("Не подключено")
	w.call(w.webhook, "crm", "connect", "--tenant", "1", "--plugin", pluginName, "--secret", "webhook_url")
	// The next run in the company's zone, and what the clock of somebody elsewhere shows then.
	b.strip("Подключено, синхронизаций ещё не было", ", 01:00", "у вас:", ", 03:00")

	t.Log("running, then stopped")
	w.change("POST", "faults", "hang,times=1")
	b.click(runButton("apply"))
	b.see("Читаем сотрудников из портала")
	b.strip("Идёт синхронизация", "открыть запуск 1")
	b.stop("1")

	t.Log("the portal asks to wait")
	w.change("POST", "bucket", "120")
	b.open("/settings/crm")
	b.click(runButton("apply"))
	b.see("Портал ограничил частоту запросов")
	b.inspect("200-limited")
	b.strip("Портал просит подождать до", "открыть запуск 2")
	b.inspect("201-limited-settings")
	b.stop("2")

	t.Log("all is well")
	w.call("", "sync-users", "--tenant", "1")
	b.strip("Всё в порядке", "последняя синхронизация", "следующая")

	t.Log("a webhook that was revoked, twice")
	w.change("POST", "faults", "no_auth,times=always")
	w.fail("sync-users", "--tenant", "1")
	b.strip("Нужно внимание", "Создайте новый входящий вебхук", "последняя синхронизация")
	w.fail("sync-users", "--tenant", "1")
	b.strip("Нужно внимание", "Не удалось 2\u00a0раза подряд.")
	b.inspect("202-failing")
	w.change("DELETE", "faults", "")

	t.Log("paused")
	b.click("#enabled")
	b.click("button[value=save]")
	b.see("Сохранено.")
	b.strip("Приостановлено", "Подключение выключено")
	b.until("no button to sync, and no next run", func(text string) bool {
		return !strings.Contains(text, "Синхронизировать пользователей") && !strings.Contains(text, "следующая")
	})
	b.click("#enabled")
	b.click("button[value=save]")
	b.see("Сохранено.")

	t.Log("blocked")
	w.exec("UPDATE tenants SET subscription_status = 'blocked' WHERE id = 1")
	b.strip("Компания заблокирована")
	b.inspect("203-blocked")
	b.quiet()
}

// strip opens the settings until the strip says all of that.
func (b *tab) strip(want ...string) {
	b.t.Helper()
	b.eventually(strings.Join(want, ", "), func() bool {
		b.open("/settings/crm")
		said, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector(".strip").innerText`))
		if err != nil {
			b.t.Fatal(err)
		}
		for _, text := range want {
			if !strings.Contains(said, text) {
				return false
			}
		}
		return true
	})
}

// stop stops a run and waits for its end.
func (b *tab) stop(run string) {
	b.t.Helper()
	b.open("/runs/" + run)
	b.click(`form[action="/runs/` + run + `/cancel"] button`)
	b.see("остановлено")
}

// What is wrong stands next to its field, what was typed stays, and nobody loses it
// without a question.
func TestTheSettingsWarnOfWhatIsNotSaved(t *testing.T) {
	w := newWorld(t, "--people", "70")
	b := w.newTab()
	b.signIn(adminEmail, password)
	b.see("Три шага до первого предпросмотра")
	b.open("/runs")
	if asked := b.questions(); asked != 0 {
		t.Errorf("%d questions though nothing was typed", asked)
	}
	b.open("/settings/crm")
	b.fill("#field-departments", "five")
	b.open("/runs")
	if asked := b.questions(); asked != 1 {
		t.Errorf("%d questions about settings that were not saved", asked)
	}
	b.open("/settings/crm")
	for field, value := range map[string]string{"webhook_url": "https://portal.example/no/webhook", "departments": "five"} {
		b.open("/settings/crm")
		b.fill("#field-"+field, value)
		b.click("button[value=save]")
		b.see("Не сохранено: исправьте отмеченное.")
		beside, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`(() => {
			const input = document.querySelector("#field-`+field+`"), error = document.querySelector("#error-`+field+`");
			return input.getAttribute("aria-invalid") === "true" && input.getAttribute("aria-describedby").split(" ").includes(error.id) &&
				error.getBoundingClientRect().top - input.getBoundingClientRect().bottom < 120;
		})()`))
		if err != nil || !beside {
			t.Errorf("the mistake in %s does not stand next to it (%v)", field, err)
		}
		if typed := b.value("#field-" + field); typed != strings.TrimPrefix(value, "https://portal.example/no/webhook") {
			t.Errorf("%s holds %q: what was typed stays, a secret does not come back", field, typed)
		}
		b.inspect("210-mistake-" + field)
	}
	b.fill("#field-departments", "")
	b.fill("#field-webhook_url", w.webhook)
	b.questions()
	b.click("button[value=save]")
	b.see("Сохранено.")
	if asked := b.questions(); asked != 0 {
		t.Errorf("%d questions about what was saved", asked)
	}
	b.quiet()
}
