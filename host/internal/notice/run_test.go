package notice

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"booking/host/internal/store"
	"booking/shared/crm"
)

const (
	failedRU    = "Синхронизация не удалась: Ромашка <b>"
	recoveredRU = "Синхронизация снова работает: Ромашка <b>"
)

// Nights of failures: each administrator gets one mail when it begins, one when the
// reason changes and one when it is over; nobody else gets any.
func TestAdministratorsAreToldOnce(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	inactive := o.person("Ушёл", "gone@example.com", store.RoleAdmin)
	o.exec("UPDATE users SET is_active = 0 WHERE id = ?", inactive)
	want := []string{}
	for _, night := range []struct {
		end  func() store.Run
		tell string
	}{
		{end: func() store.Run { return o.run(well) }},
		{end: func() store.Run { return o.fails(crm.CodePortalUnreachable) }}, // tried again by itself
		{end: func() store.Run { return o.fails(crm.CodeScopeMissing) }, tell: failedRU},
		{end: func() store.Run { return o.fails(crm.CodeScopeMissing) }},
		{end: func() store.Run { return o.fails(crm.CodeScopeMissing) }},
		{end: func() store.Run { return o.fails(crm.CodeUnauthorized) }, tell: failedRU},
		{end: func() store.Run { return o.fails(crm.CodeUnauthorized) }},
		{end: func() store.Run { return o.run(well) }, tell: recoveredRU},
		{end: func() store.Run { return o.run(well) }},
		{end: func() store.Run { return o.run(func(r *store.Run) { r.Held = true }) }, tell: "Синхронизация ждёт вашего решения: Ромашка <b>"},
		{end: func() store.Run { return o.run(func(r *store.Run) { r.Held = true }) }},
		{end: func() store.Run {
			return o.run(func(r *store.Run) { r.Status = store.StatusNotConfigured })
		}, tell: failedRU},
	} {
		night.end()
		if night.tell != "" {
			want = append(want, night.tell)
		}
		got := o.sent()
		for _, reader := range []string{"anna@example.com", "boris@example.com"} {
			if !slices.Equal(got[reader], want) {
				t.Fatalf("%s got %q, want %q", reader, got[reader], want)
			}
		}
		if len(got) > 2 {
			t.Fatalf("others got mail: %v", got)
		}
	}
}

func TestAMailOfAFailureSaysWhatWhyAndWhere(t *testing.T) {
	t.Parallel()
	for locale, want := range map[string][]string{
		"ru": {"Что случилось. Портал говорит: unauthorized", "Откройте настройки подключения", "https://calendar.example/settings/crm", "booking-host notices off --tenant 1", "Подробности: https://calendar.example/runs/1", "Ромашка <b>"},
		"en": {"What happened. The portal says: unauthorized", "Open the connection's settings", "https://calendar.example/settings/crm", "booking-host notices off --tenant 1", "Details: https://calendar.example/runs/1", "Ромашка <b>"},
	} {
		o := newOffice(t)
		o.writer.Locale = locale
		o.exec("INSERT INTO crm_schedules (tenant_id, zone, updated_at) VALUES (?, 'Asia/Yekaterinburg', UTC_TIMESTAMP(6))", o.tenant)
		run := o.fails(crm.CodeUnauthorized)
		o.send()
		m := o.server.Mails()[0]
		complete(t, m)
		for _, text := range append(want, run.FinishedAt.In(time.FixedZone("", 5*3600)).Format("02.01.2006 15:04 -07")[:16]) {
			if !strings.Contains(m.Body, text) {
				t.Errorf("%s: %q is not in\n%s", locale, text, m.Body)
			}
		}
		o.run(well)
		o.send()
		last := o.server.Mails()[len(o.server.Mails())-1]
		complete(t, last)
		if before := headline("unauthorized").In(locale); !strings.Contains(last.Body, before) || !strings.Contains(last.Body, "/runs/2") {
			t.Errorf("%s: it works again:\n%s", locale, last.Body)
		}
	}
}

// A plugin may say much: what it says fits, and is text.
func TestWhatAPluginSaysIsCut(t *testing.T) {
	t.Parallel()
	run := store.Run{ErrorCode: crm.CodePortalAnswer, ErrorRU: "a\r\nb\x1b[31m" + strings.Repeat("ж", 60_000), ErrorEN: "x"}
	if said := []rune(whatHappened("portal_answer", run).RU); len(said) != longestMessage || string(said[:8]) != "a b [31m" {
		t.Errorf("%d characters: %.20s", len(said), string(said))
	}
}

// Every code of the contract has words of its own, in both languages, and a mail made
// of them leaves nothing open.
func TestEveryTroubleHasWords(t *testing.T) {
	t.Parallel()
	for _, code := range []crm.Code{
		crm.CodeTenantBlocked, crm.CodeUnauthorized, crm.CodeScopeMissing, crm.CodeRateLimited, crm.CodePortalUnreachable, crm.CodePortalAnswer, crm.CodePortalChanged,
		crm.CodePluginMissing, crm.CodePluginUntrusted, crm.CodePluginLost, crm.CodePluginAnswer, crm.CodeDatabase, crm.CodeNotConfigured, troubleHeld, troubleInterrupted,
	} {
		if _, there := troubles[string(code)]; !there {
			t.Errorf("%s has no words", code)
		}
		for _, text := range []crm.Text{headline(string(code)), whatToDo(string(code)), whatHappened(string(code), store.Run{})} {
			if text.RU == "" || text.EN == "" || text.RU == text.EN {
				t.Errorf("%s: %+v", code, text)
			}
		}
	}
}

// Hosts look at the same end of a run at the same time, and one is slow: it is told
// once, and an older end that comes late is not news.
func TestTheEndOfARunIsJudgedOnce(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	bad := o.fails(crm.CodeScopeMissing)
	step := o.claimStep(bad.ID)
	var hosts sync.WaitGroup
	for range 6 {
		hosts.Go(func() {
			if err := o.writer.Step(t.Context(), step, time.Hour); err != nil {
				t.Error(err)
			}
		})
	}
	hosts.Wait()
	if n := o.number("SELECT COUNT(*) FROM booking_mail_queue WHERE kind = 'run'"); n != 2 {
		t.Errorf("%d mails for two administrators", n)
	}
	// The next two ends are judged in the wrong order.
	good, late := o.run(well), o.fails(crm.CodeUnauthorized)
	second, first := o.claimStep(late.ID), o.claimStep(good.ID)
	for _, step := range []store.QueuedMail{second, first} {
		if err := o.writer.Step(t.Context(), step, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if n := o.number("SELECT COUNT(*) FROM booking_notices WHERE told = 'unauthorized' AND told_run = ?", late.ID); n != 1 {
		t.Error("what was told last is not the newest end")
	}
	if n := o.number("SELECT COUNT(*) FROM booking_mail_queue WHERE kind = 'run' AND run_id = ?", good.ID); n != 0 {
		t.Error("an end that is not the newest was told")
	}
}

func (o *office) claimStep(run int64) store.QueuedMail {
	o.t.Helper()
	due, err := o.DueMails(o.t.Context(), [3]int{0, 0, 9})
	if err != nil {
		o.t.Fatal(err)
	}
	for _, step := range due {
		if step.RunID == run {
			if mine, err := o.ClaimMail(o.t.Context(), &step, time.Hour); err != nil || !mine {
				o.t.Fatal(mine, err)
			}
			return step
		}
	}
	o.t.Fatalf("run %d has no step among %+v", run, due)
	return store.QueuedMail{}
}

// In an outage of the mail server only the last news is worth reading.
func TestNewsThatAreOldAreNotSent(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.server.Down()
	o.fails(crm.CodeScopeMissing)
	o.send()
	o.fails(crm.CodeUnauthorized)
	o.send()
	o.run(well)
	o.send()
	o.server.Up(t)
	o.exec("UPDATE booking_mail_queue SET due_at = UTC_TIMESTAMP(6)")
	got := o.sent()
	for _, reader := range []string{"anna@example.com", "boris@example.com"} {
		if !slices.Equal(got[reader], []string{recoveredRU}) {
			t.Errorf("%s got %q", reader, got[reader])
		}
	}
	if n := o.number("SELECT COUNT(*) FROM booking_mail_queue WHERE status = 'dropped' AND reason = ?", ReasonOutdated); n != 4 {
		t.Errorf("%d mails were dropped as outdated", n)
	}
}

func TestNobodyIsToldWhereItIsSwitchedOff(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	// Switched off between the decision and the sending.
	run := o.fails(crm.CodeScopeMissing)
	if err := o.writer.Step(t.Context(), o.claimStep(run.ID), time.Hour); err != nil {
		t.Fatal(err)
	}
	o.switches(false)
	o.fails(crm.CodeUnauthorized)
	if got := o.sent(); len(got) != 0 {
		t.Errorf("sent: %v", got)
	}
	// What is still wrong when they are switched on is told then, and once.
	o.switches(true)
	o.fails(crm.CodeUnauthorized)
	o.fails(crm.CodeUnauthorized)
	if got := o.sent(); !slices.Equal(got["anna@example.com"], []string{failedRU}) {
		t.Errorf("sent: %v", got)
	}
}

func (o *office) switches(on bool) {
	o.t.Helper()
	if err := o.SwitchNotices(o.t.Context(), o.tenant, on); err != nil {
		o.t.Fatal(err)
	}
}

// Whoever is no administrator any more when the mail is to leave gets none.
func TestOnlyAdministratorsOfTodayAreTold(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	run := o.fails(crm.CodeScopeMissing)
	if err := o.writer.Step(t.Context(), o.claimStep(run.ID), time.Hour); err != nil {
		t.Fatal(err)
	}
	o.exec("UPDATE users SET role = 'employee' WHERE email = 'anna@example.com'")
	o.exec("UPDATE users SET email = 'b2@example.com' WHERE email = 'boris@example.com'")
	if got := o.sent(); len(got) != 1 || len(got["b2@example.com"]) != 1 {
		t.Errorf("sent: %v", got)
	}
}
