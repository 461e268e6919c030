package web

import (
	"fmt"
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
	// Retry tries again by itself; nil when nothing does.
	Retry *store.Run
	// Unsettled is how many people somebody has to look at.
	Unsettled int
}

func newState(d *settingsView, tenant store.Tenant) stateView {
	last := d.LastSync
	switch {
	case tenant.Refusal() != nil:
		return stateView{Tone: "bad", Text: crm.Text{RU: "Компания заблокирована", EN: "The company is blocked"},
			More: crm.Text{RU: "Подписка приостановлена: сотрудники не обновляются.", EN: "The subscription is suspended: people are not brought up to date."}}
	case d.Active != nil:
		return d.Live.State()
	case !d.Connected:
		return stateView{Tone: "calm", Text: crm.Text{RU: "Не подключено", EN: "Not connected"}}
	case !d.Connection.Enabled:
		return stateView{Tone: "calm", Text: crm.Text{RU: "Приостановлено", EN: "Paused"},
			More: crm.Text{RU: "Подключение выключено: сотрудники не обновляются.", EN: "The connection is off: people are not brought up to date."}}
	case d.Foreign > 0:
		return stateView{Tone: "bad", Text: crm.Text{RU: "Нужно ваше решение: портал сменился", EN: "Your decision is needed: the portal has changed"}}
	case last != nil && (last.Status == store.StatusFailed || last.Status == store.StatusInterrupted):
		return stateView{Tone: "bad", Run: last.ID, Text: crm.Text{RU: "Нужно внимание", EN: "Needs attention"}, More: failures(d.Failures, *last), Retry: d.Retry}
	case d.Held != 0:
		return stateView{Tone: "warn", Run: d.Held, Unsettled: d.Unsettled, Text: crm.Text{RU: "Нужно внимание", EN: "Needs attention"}, More: heldBack}
	case !d.LastGood.IsZero():
		return stateView{Tone: "good", Unsettled: d.Unsettled, Text: crm.Text{RU: "Всё в порядке", EN: "All is well"}}
	}
	return stateView{Tone: "calm", Text: crm.Text{RU: "Подключено, синхронизаций ещё не было", EN: "Connected, nothing was synced yet"}}
}

// State is how things are while the run goes on: what the strip begins with, and what it
// is told of by each event.
func (l liveRun) State() stateView {
	state := stateView{Tone: "busy", Run: l.Run.ID, Text: crm.Text{RU: "Идёт синхронизация", EN: "A sync is going on"}}
	switch {
	case l.Over():
		state.Tone, state.Text = "calm", crm.Text{RU: "Запуск закончен", EN: "The run is over"}
	case !l.Progress.LimitedUntil.IsZero():
		state.Tone, state.Until, state.Text = "warn", l.Progress.LimitedUntil, crm.Text{RU: "Портал просит подождать до", EN: "The portal asks to wait until"}
	case l.Run.Status == store.StatusQueued:
		state.Text = crm.Text{RU: "Запуск в очереди", EN: "A run is queued"}
	case l.Run.Mode == crm.ModePreview:
		state.Text = crm.Text{RU: "Идёт предпросмотр", EN: "A preview is going on"}
	}
	return state
}

// heldBack is what a run says that held leavers back.
var heldBack = crm.Text{
	RU: "Ушедших оказалось подозрительно много, поэтому никто не отключён. Проверьте портал.",
	EN: "Suspiciously many people seem to have left, so nobody was deactivated. Look into the portal.",
}

// failures says why the last sync failed, and how often in a row when it was not alone.
func failures(count int, last store.Run) crm.Text {
	text := runError(last)
	if last.Status == store.StatusInterrupted {
		text = crm.Text{RU: "Программа, которая выполняла запуск, исчезла.", EN: "The program that carried out the run is gone."}
	}
	if count < 2 {
		return text
	}
	return crm.Text{
		RU: fmt.Sprintf("Не удалось %s подряд. %s", counted("ru", count, "раз", "раза", "раз", "", ""), text.RU),
		EN: fmt.Sprintf("Failed %s in a row. %s", counted("en", count, "", "", "", "time", "times"), text.In("en")),
	}
}

func runError(run store.Run) crm.Text { return crm.Text{RU: run.ErrorRU, EN: run.ErrorEN} }
