package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"booking/host/internal/runs"
	"booking/host/internal/store"
	"booking/shared/crm"
	"booking/shared/usersync"
)

// What a preview has shown is what its button does, or nothing at all.
func TestRunAppliesExactlyWhatThePreviewShowed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	s.work()
	v := s.signedIn("admin@ours.example")
	first := usersync.Person{ExternalID: "31", Name: "Первая", Email: "first@ours.example"}
	s.portal(first)
	preview := s.press(v, "preview")
	a := v.until(preview, "Применить ровно это")
	number := strings.TrimPrefix(preview, "/runs/")
	a.contains(t, `<input type="hidden" name="preview" value="`+number+`">`, `<span class="tag good">будет создан</span>`, "будут созданы 1<")
	applied := v.post("/settings/crm/runs", "mode", "apply", "preview", number)
	v.until(applied.to, `<span class="state">Итог: готово`).contains(t, "Ровно то, что показал", `href="`+preview+`"`, "Первая", `<span class="tag good">создан</span>`)
	if n := s.count("SELECT COUNT(*) FROM users WHERE bitrix24_user_id = '31'"); n != 1 {
		t.Errorf("%d people", n)
	}

	// The portal changes between the look and the press.
	s.portal(first, usersync.Person{ExternalID: "32", Name: "Вторая", Email: "second@ours.example"})
	stale := s.press(v, "preview")
	v.until(stale, "Применить ровно это")
	s.portal(first, usersync.Person{ExternalID: "33", Name: "Третья", Email: "third@ours.example"})
	refused := v.post("/settings/crm/runs", "mode", "apply", "preview", strings.TrimPrefix(stale, "/runs/"))
	v.until(refused.to, "не удалось").contains(t, "Должно было записаться ровно то, что показал", "просмотр устарел", "ничего не записано", "Новый предпросмотр</button>", "!Третья", "!менять нечего")
	if n := s.count("SELECT COUNT(*) FROM users WHERE bitrix24_user_id IN ('32', '33')"); n != 0 {
		t.Errorf("%d people were written", n)
	}
	// Nothing is wrong with the company, then: no alarm, no mail.
	v.get("/settings/crm").contains(t, "Всё в порядке", "!Нужно внимание")
	if h, err := s.Health(t.Context(), s.ours); err != nil || h.Failures != 0 || h.Status != store.StatusSucceeded {
		t.Errorf("%+v, %v", h, err)
	}
	if n := s.count("SELECT COUNT(*) FROM booking_mail_queue WHERE kind = 'run'"); n != 0 {
		t.Errorf("%d mails tell of it", n)
	}
	for name, form := range map[string][]string{
		"another company's": {"mode", "apply", "preview", fmt.Sprint(s.exec("INSERT INTO crm_runs (tenant_id, plugin, mode, started_by, status, plan_hash, requested_at, finished_at) VALUES (?, 'scripted', 'preview', 'button', 'succeeded', REPEAT('a', 64), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))", s.theirs))},
		"one that is none":  {"mode", "apply", "preview", strings.TrimPrefix(applied.to, "/runs/")},
		"nobody's":          {"mode", "apply", "preview", "99999"},
	} {
		if a := v.post("/settings/crm/runs", form...); a.status != http.StatusConflict || !strings.Contains(a.body, "Этот предпросмотр применить нельзя") {
			t.Errorf("%s: %d", name, a.status)
		}
	}
}

func TestRunOfOnePersonSaysWhatBecameOfThem(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	s.work()
	v := s.signedIn("admin@ours.example")
	path := personPath(s.personID("employee@ours.example"))
	v.get(path).contains(t, "!Синхронизировать только этого") // there is no link yet
	s.exec("UPDATE users SET bitrix24_user_id = '7' WHERE email = 'employee@ours.example'")
	s.portal(usersync.Person{ExternalID: "7", Name: "Егор Новый", Email: "employee@ours.example"}, usersync.Person{ExternalID: "8", Name: "Не Он", Email: "other@ours.example"})
	v.get(path).contains(t, "Синхронизировать только этого человека", `name="person" value="7"`)
	one := v.post("/settings/crm/runs", "mode", "person", "person", "7")
	v.until(one.to, `<span class="state">Итог: готово`).contains(t, "Один сотрудник", `href="`+path+`"`, "Егор Новый", "<del><bdi>Егор</bdi></del>", "!Не Он")
	if n := s.count("SELECT COUNT(*) FROM users WHERE bitrix24_user_id = '8'"); n != 0 {
		t.Error("somebody else was synced, too")
	}
	again := v.post("/settings/crm/runs", "mode", "person", "person", "7")
	v.until(again.to, "У этого сотрудника всё уже в порядке")
	s.portal(usersync.Person{ExternalID: "8", Name: "Не Он", Email: "other@ours.example"})
	gone := v.post("/settings/crm/runs", "mode", "person", "person", "7")
	v.until(gone.to, "такого сотрудника нет")
	// It says nothing of everybody.
	v.get("/settings/crm").contains(t, "синхронизаций ещё не было")
	for _, id := range []string{"", "seven", "0", "-1", "9223372036854775808"} {
		if a := v.post("/settings/crm/runs", "mode", "person", "person", id); a.status != http.StatusConflict {
			t.Errorf("person %q: %d", id, a.status)
		}
	}
	s.exec("UPDATE crm_connections SET enabled = 0")
	v.get(path).contains(t, "!Синхронизировать только этого")
}

// Why a run has not begun: the company's other one, the portal's limit, the queue, or the
// time of a retry.
func TestRunSaysWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) { o.Limits = runs.Limits{PerPortal: 1} })
	s.connect()
	v := s.signedIn("admin@ours.example")
	waiting := s.press(v, "apply") // nobody works here
	v.get(waiting).contains(t, "В очереди", "сейчас начнётся")
	// It is above the list of the last ones, not in it.
	v.get("/settings/crm").contains(t, `<span class="state">Запуск в очереди</span>`, "сейчас начнётся", "!Последние запуски")
	s.exec(`INSERT INTO crm_runs (tenant_id, plugin, portal, mode, started_by, status, queue_key, queue_at, requested_at) VALUES (?, 'scripted', 'elsewhere.example', 'apply', 'button', 'queued', 'x', UTC_TIMESTAMP(6) - INTERVAL 1 MINUTE, UTC_TIMESTAMP(6))`, s.theirs)
	v.get(waiting).contains(t, "впереди 1\u00a0запуск")
	other := s.exec(`INSERT INTO crm_runs (tenant_id, plugin, portal, mode, started_by, status, active_tenant, lease_until, requested_at, started_at)
		VALUES (?, 'scripted', 'portal.example', 'apply', 'button', 'running', ?, UTC_TIMESTAMP(6) + INTERVAL 1 HOUR, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))`, s.theirs, s.theirs)
	v.get(waiting).contains(t, "портал занят: у него уже 1\u00a0запуск")
	s.exec("UPDATE crm_runs SET tenant_id = ?, active_tenant = ? WHERE id = ?", s.ours, s.ours, other)
	v.get(waiting).contains(t, "начнётся, когда закончится", `href="`+runPath(other)+`"`)
	// Whoever watches sees it, too.
	watching := v.events(waiting)
	if live := watching.next(t, "live"); !strings.Contains(live, "начнётся, когда закончится") {
		t.Errorf("live: %s", live)
	}
	// What the strip of the settings says goes along with it.
	s.exec("UPDATE crm_runs SET status = 'running', active_tenant = NULL, started_at = UTC_TIMESTAMP(6) WHERE id = ?", strings.TrimPrefix(waiting, "/runs/"))
	if live := watching.next(t, "live"); !strings.Contains(live, `<template class="busy">Идёт синхронизация</template>`) {
		t.Errorf("live: %s", live)
	}
}

func TestRunTellsOfItsRetriesAndAttempts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	s.work()
	v := s.signedIn("admin@ours.example")
	s.plugin.sync = func(ctx context.Context, r crm.SyncRequest, _ crm.Events) (crm.SyncResult, error) {
		return crm.SyncResult{}, crm.NewError(crm.CodePortalUnreachable, crm.Text{RU: "Портал не отвечает.", EN: "The portal does not answer."}, nil)
	}
	failed := s.press(v, "apply")
	v.until(failed, "не удалось").contains(t, "Портал не отвечает.", "Повторим сами:")
	v.get("/settings/crm").contains(t, "Нужно внимание", "Повторим сами:", "Синхронизировать пользователей") // one may start it earlier
	retry := runPath(int64(s.count("SELECT MAX(id) FROM crm_runs")))
	v.get(retry).contains(t, "Повтор ждёт своего времени", `href="`+failed+`"`, "Повтор 1")

	// A run that changed hosts says so.
	id := strings.TrimPrefix(failed, "/runs/")
	v.get(failed).contains(t, "!Попытки")
	s.exec("UPDATE crm_runs SET attempt = 3 WHERE id = ?", id)
	for attempt, reason := range []string{store.AttemptLost, store.AttemptReturned} {
		s.exec("INSERT INTO crm_run_attempts (run_id, attempt, host, started_at, ended_at, reason) VALUES (?, ?, 'host-of-somebody:1', UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), ?)", id, attempt+1, reason)
	}
	v.get(failed).contains(t, "Попытки", "сервер пропал, продолжил другой", "сервер остановили, запуск вернулся в очередь", "!host-of-somebody")
}

func TestSettingsTellOfMissedRuns(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.connect()
	v := s.signedIn("admin@ours.example")
	v.get("/settings/crm").contains(t, "!пропущено")
	at := time.Now().UTC().Truncate(time.Hour)
	miss := func(tenant int64, ago time.Duration) {
		s.exec("INSERT INTO crm_slots (tenant_id, task, slot_at, status, created_at) VALUES (?, 'sync-users', ?, 'missed', UTC_TIMESTAMP(6))", tenant, at.Add(-ago))
	}
	miss(s.theirs, time.Hour)
	miss(s.ours, 40*24*time.Hour)
	v.get("/settings/crm").contains(t, "!пропущено")
	miss(s.ours, time.Hour)
	v.get("/settings/crm").contains(t, "За 30 дней пропущено: 1\u00a0запуск,", "!2\u00a0запуска")
	miss(s.ours, 25*time.Hour)
	v.get("/settings/crm").contains(t, "За 30 дней пропущено: 2\u00a0запуска, с")
	v.post("/language", "language", "en")
	v.get("/settings/crm").contains(t, "Missed in 30 days: 2\u00a0runs, from")
}
