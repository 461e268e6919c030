package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"booking/shared/crm"
)

func TestSettingsAreBuiltFromWhatThePluginSays(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := s.signedIn("admin@ours.example")
	a := v.get("/settings/crm")
	a.contains(t, "<h1>Пример CRM</h1>", "Адрес вебхука", `type="password" id="field-webhook"`, `<option value="large">большой</option>`, "Три шага", "Не подключено", "!Синхронизировать пользователей")
	v.post("/language", "language", "en")
	v.get("/settings/crm").contains(t, `<html lang="en">`, "<h1>Example CRM</h1>", "Webhook address", "Three steps", "Not connected", "!Адрес", "!Сохранить")
}

func TestSettingsMistakesStandNextToTheirFields(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := s.signedIn("admin@ours.example")
	a := v.post("/settings/crm", "plugin", "scripted", "with_settings", "yes", "setting.webhook", "no address <b>", "setting.departments", "5")
	if a.status != http.StatusUnprocessableEntity {
		t.Fatalf("%d", a.status)
	}
	a.contains(t, `id="error-webhook">Это не адрес вебхука.`, `aria-invalid="true"`, `value="5"`, "!no address", "!<b>")
	a = v.post("/settings/crm", "plugin", "scripted", "with_settings", "yes", "setting.departments", "five", "setting.plan", "huge")
	a.contains(t, `id="error-departments"`, `id="error-plan"`, `value="five"`)
	if _, err := s.Connection(t.Context(), s.box, s.ours); err == nil {
		t.Error("something was saved")
	}
}

func TestSettingsSecretIsNeverShownAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := s.signedIn("admin@ours.example")
	a := v.post("/settings/crm", "plugin", "scripted", "with_settings", "yes", "setting.webhook", webhook, "setting.phone", "true", "then", "check")
	a.contains(t, "Видно 25 сотрудников.", "portal.example", "Задан", "Анна", "!very-secret-hook")
	for _, path := range []string{"/settings/crm", "/runs", "/account"} {
		v.get(path).contains(t, "!very-secret-hook")
	}
	// Left empty it stays, whatever else is saved.
	v.post("/settings/crm", "plugin", "scripted", "with_settings", "yes", "with_enabled", "yes", "enabled", "true", "setting.webhook", "", "setting.departments", "3,4")
	c, err := s.Connection(t.Context(), s.box, s.ours)
	if err != nil || c.Secret["webhook"].Reveal() != webhook || c.Plain["departments"] != "3,4" || c.Plain["phone"] != "false" || !c.Enabled {
		t.Errorf("%v %+v", err, c)
	}
	// Who changed what is told, the secret's values are not.
	v.get("/settings/crm").contains(t, "Кто что менял", "значение не показывается", "3,4", "!very-secret-hook")
	if strings.Contains(s.log.String(), "very-secret-hook") {
		t.Error("the secret is in the log")
	}
	v.post("/settings/crm", "plugin", "scripted", "with_settings", "yes", "remove.webhook", "true")
	if c, _ := s.Connection(t.Context(), s.box, s.ours); !c.Secret["webhook"].Empty() {
		t.Error("it was not removed")
	}
}

func TestSettingsCheckShowsEachFindingAndItsRemedy(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	s.plugin.check = func(crm.Settings) []crm.Finding {
		return []crm.Finding{{Code: "alive", OK: true, Message: crm.Text{RU: "Вебхук жив.", EN: "Alive."}},
			{Code: "scope_missing", Message: crm.Text{RU: "Нет права user: добавьте его.", EN: "No scope user: add it."}}}
	}
	a := s.signedIn("admin@ours.example").post("/settings/crm/check")
	a.contains(t, "Вебхук жив.", "Нет права user: добавьте его.", "Нужно исправить:")
}

// Another portal's numbers mean other people: the page asks and does nothing before.
func TestSettingsAskWhatBecomesOfTheLinksOfAnotherPortal(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	s.exec("UPDATE crm_connections SET links_portal = 'old.example' WHERE tenant_id = ?", s.ours)
	s.exec("UPDATE users SET bitrix24_user_id = '7' WHERE email = 'employee@ours.example'")
	v := s.signedIn("admin@ours.example")
	v.get("/settings/crm").contains(t, "Портал сменился", "old.example", "1\u00a0человек связан")
	v.post("/settings/crm", "links", "drop")
	c, err := s.Connection(t.Context(), s.box, s.ours)
	if err != nil || c.LinksPortal != "portal.example" || c.Secret["webhook"].Reveal() != webhook {
		t.Errorf("%v %+v", err, c)
	}
	if n, err := s.LinkCount(t.Context(), s.ours, "bitrix24_user_id"); err != nil || n != 0 {
		t.Errorf("%d links are left (%v)", n, err)
	}
	v.get("/settings/crm").contains(t, "!Портал сменился")
}

// A name, a setting or a finding is text, whatever it holds.
func TestPagesShowMarkupAsText(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	const evil = `<script>alert(1)</script>{{.}}"'><img src=x onerror=alert(2)>`
	odd := []string{evil, "\u202eвалшоп акинзаворп", "👩‍👩‍👧‍👦 Семья", strings.Repeat("Ы", 255), "שלום מרחבא"}
	run := s.finishedRun(odd...)
	for _, name := range odd {
		s.exec("INSERT INTO users (tenant_id, name, email, password, role) VALUES (?, ?, ?, 'x', 'employee')", s.ours, name, "e"+secretHex(name)+"@ours.example")
	}
	s.exec("UPDATE tenants SET name = ? WHERE id = ?", evil, s.ours)
	s.plugin.check = func(crm.Settings) []crm.Finding { return []crm.Finding{{Message: crm.Text{RU: evil, EN: evil}}} }
	v := s.signedIn("admin@ours.example")
	for _, a := range []answer{v.get(runPath(run)), v.get("/people"), v.get("/people?q=" + "%3Cscript%3E"), v.get("/settings/crm"), v.post("/settings/crm/check")} {
		if a.status != http.StatusOK {
			t.Errorf("%d", a.status)
		}
		a.contains(t, "!<script>alert", "!<img src=x")
		if strings.Contains(a.body, "Семья") {
			a.contains(t, "<bdi>👩‍👩‍👧‍👦 Семья</bdi>", "<bdi>\u202eвалшоп")
		}
	}
}

func secretHex(text string) string {
	var sum int
	for _, r := range text {
		sum = sum*31%1_000_003 + int(r)
	}
	return number(sum % 1000)
}

func TestSettingsSayHowThingsAre(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	v := s.signedIn("admin@ours.example")
	v.get("/settings/crm").contains(t, "синхронизаций ещё не было")
	s.finishedRun()
	v.get("/settings/crm").contains(t, "Всё в порядке", "последняя синхронизация")
	s.exec(`INSERT INTO crm_runs (tenant_id, plugin, portal, mode, started_by, status, requested_at, finished_at, error_code, error_ru, error_en)
		VALUES (?, 'scripted', 'portal.example', 'apply', 'schedule', 'failed', UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), 'unauthorized', 'Вебхук отозван.', 'Revoked.')`, s.ours)
	v.get("/settings/crm").contains(t, "Нужно внимание", "Вебхук отозван.")
	s.exec("UPDATE crm_connections SET enabled = 0")
	v.get("/settings/crm").contains(t, "Приостановлено")
	s.exec("UPDATE tenants SET subscription_status = 'blocked'")
	v.get("/settings/crm").contains(t, "Компания заблокирована")
}

func TestSettingsScheduleIsChosenAndPlanned(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	v := s.signedIn("admin@ours.example")
	v.get("/settings/crm").contains(t, "каждый день в 01:00", `<option value="daily" selected>`)
	for _, c := range []struct{ when, at, shown string }{
		{"workdays", "06:30", `<option value="workdays" selected>`}, {"hourly", "", "каждый час (Europe/Moscow)"}, {"every 4h", "", "каждые 4 часа (Europe/Moscow)"},
		{"daily", "02:15", "каждый день в 02:15"},
	} {
		if a := v.post("/settings/crm/schedule", "when", c.when, "at", c.at); a.to != "/settings/crm?saved" {
			t.Errorf("%s: %d", c.when, a.status)
		}
		v.get("/settings/crm").contains(t, c.shown, "Следующая:")
	}
	if a := v.post("/settings/crm/schedule", "when", "daily", "at", "25:00"); a.status != http.StatusUnprocessableEntity {
		t.Errorf("25:00: %d", a.status)
	}
	v.post("/settings/crm/schedule", "when", "off")
	v.get("/settings/crm").contains(t, "не запускается", "Расписание", "!Следующая:")
	row, err := s.Schedule(t.Context(), s.ours)
	if err != nil || row.Enabled || row.Rule != "daily 02:15" || !row.NextAt.IsZero() {
		t.Errorf("%v %+v", err, row)
	}
}

func TestSettingsSwitchTheMailsAboutSyncsOffAndOn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	v := s.signedIn("admin@ours.example")
	v.get("/settings/crm").contains(t, "Письма о синхронизации", "Письма включены.", "<bdi>admin@ours.example</bdi>", "Выключить письма", "!manager@ours.example")
	if a := v.post("/settings/crm/notices", "notices", "off"); a.to != "/settings/crm?saved" {
		t.Fatalf("%d %s", a.status, a.to)
	}
	v.get("/settings/crm").contains(t, "Письма выключены.", "Включить письма", "Кто что менял")
	if n, err := s.Notices(t.Context(), s.ours); err != nil || n.Enabled {
		t.Errorf("%+v, %v", n, err)
	}
	v.post("/settings/crm/notices", "notices", "off") // a page that is open elsewhere
	v.post("/settings/crm/notices", "notices", "on")
	if n := s.count("SELECT COUNT(*) FROM booking_audit WHERE action = 'notices'"); n != 2 {
		t.Errorf("%d changes are in the audit", n)
	}
	if n, err := s.Notices(t.Context(), s.theirs); err != nil || !n.Enabled {
		t.Errorf("another company: %+v, %v", n, err)
	}
	s.exec("UPDATE users SET role = 'super_admin', tenant_id = NULL WHERE email = 'admin@ours.example'")
	v.post("/tenants", "tenant", fmt.Sprint(s.ours))
	v.post("/language", "language", "en")
	v.get("/settings/crm").contains(t, "Mails about syncs", "But there is nobody to get them")
}
