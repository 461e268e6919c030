package web

import (
	"time"

	"booking/host/internal/store"
	"booking/shared/crm"
)

// stateView is the strip on top of the settings page: how things are, in one sentence.
type stateView struct {
	Text crm.Text
	Tone string // good, bad, warn, busy or calm
	// More is what happened or what to do next; may be empty.
	More crm.Text
	// Until is set while the portal makes us wait.
	Until time.Time
	// Run is the run it is about, 0 for none.
	Run int64
}

func newState(d *settingsView, tenant store.Tenant, p store.RunProgress, now time.Time) stateView {
	last := lastSync(d.Runs)
	switch {
	case tenant.Refusal() != nil:
		return stateView{Tone: "bad", Text: crm.Text{RU: "Компания заблокирована", EN: "The company is blocked"},
			More: crm.Text{RU: "Подписка приостановлена: сотрудники не обновляются.", EN: "The subscription is suspended: people are not brought up to date."}}
	case d.Active != nil && p.LimitedUntil.After(now):
		return stateView{Tone: "warn", Run: d.Active.ID, Until: p.LimitedUntil, Text: crm.Text{RU: "Портал просит подождать до", EN: "The portal asks to wait until"}}
	case d.Active != nil:
		return stateView{Tone: "busy", Run: d.Active.ID, Text: crm.Text{RU: "Идёт синхронизация", EN: "A sync is going on"}}
	case !d.Connected:
		return stateView{Tone: "calm", Text: crm.Text{RU: "Не подключено", EN: "Not connected"}}
	case !d.Connection.Enabled:
		return stateView{Tone: "calm", Text: crm.Text{RU: "Приостановлено", EN: "Paused"},
			More: crm.Text{RU: "Подключение выключено: сотрудники не обновляются.", EN: "The connection is off: people are not brought up to date."}}
	case d.Foreign > 0:
		return stateView{Tone: "bad", Text: crm.Text{RU: "Нужно ваше решение: портал сменился", EN: "Your decision is needed: the portal has changed"}}
	case last != nil && (last.Status == store.StatusFailed || last.Status == store.StatusInterrupted):
		return stateView{Tone: "bad", Run: last.ID, Text: crm.Text{RU: "Нужно внимание", EN: "Needs attention"}, More: runError(*last)}
	case !d.LastGood.IsZero():
		return stateView{Tone: "good", Text: crm.Text{RU: "Всё в порядке", EN: "All is well"}}
	}
	return stateView{Tone: "calm", Text: crm.Text{RU: "Подключено, синхронизаций ещё не было", EN: "Connected, nothing was synced yet"}}
}

// lastSync is the newest run that is over and was no preview.
func lastSync(runs []store.Run) *store.Run {
	for i := range runs {
		if runs[i].Mode != crm.ModePreview && runs[i].Status != store.StatusQueued && runs[i].Status != store.StatusRunning {
			return &runs[i]
		}
	}
	return nil
}

func runError(run store.Run) crm.Text { return crm.Text{RU: run.ErrorRU, EN: run.ErrorEN} }
