package cli

import (
	"fmt"
	"time"

	"booking/host/internal/reason"
	"booking/host/internal/runs"
	"booking/host/internal/store"
	"booking/shared/crm"
)

// listedPeople is how many people with a problem a summary names; `runs show` has all.
const listedPeople = 10

// tellSummary prints a run's end for people: what happened, to whom, and what next.
func (a *app) tellSummary(outcome runs.Outcome, watch *progress) {
	run := outcome.Run
	switch run.Status {
	case store.StatusNotConfigured:
		fmt.Fprintf(a.stdout, "⚠️ %s\n", a.tenantLabel(run.TenantID)+oneLine(outcome.Message.In(a.locale)))
		return
	case store.StatusQueued:
		fmt.Fprintf(a.stdout, a.say("⏳ %sзапуск %d стоит в очереди, его выполнит booking-host serve. Посмотреть: booking-host runs show %d\n",
			"⏳ %srun %d is queued, booking-host serve carries it out. See it: booking-host runs show %d\n"), a.tenantLabel(run.TenantID), run.ID, run.ID)
		return
	case store.StatusSucceeded, store.StatusPartial:
		fmt.Fprintf(a.stdout, "✅ %s%s\n", a.tenantLabel(run.TenantID), a.countsLine(run))
	case store.StatusCancelled:
		fmt.Fprintf(a.stdout, "⚠️ %s%s\n   %s\n", a.tenantLabel(run.TenantID), oneLine(outcome.Message.In(a.locale)), a.countsLine(run))
	default:
		fmt.Fprintf(a.stdout, "❌ %s%s\n", a.tenantLabel(run.TenantID), oneLine(outcome.Message.In(a.locale)))
		if run.ID != 0 && run.Created+run.Updated > 0 {
			fmt.Fprintf(a.stdout, "   %s\n", a.say("Записано до ошибки: ", "Written before the failure: ")+a.countsLine(run))
		}
	}
	for _, line := range watch.problems {
		fmt.Fprintln(a.stdout, "   "+line)
	}
	if watch.moreProblems > 0 {
		fmt.Fprintf(a.stdout, "   "+a.say("… и ещё %d", "… and %d more")+"\n", watch.moreProblems)
	}
	if run.ID != 0 {
		fmt.Fprintf(a.stdout, "   %s booking-host runs show %d\n", a.say("Подробно:", "In detail:"), run.ID)
	}
}

func (a *app) tenantLabel(id int64) string {
	return fmt.Sprintf(a.say("Компания %d: ", "Tenant %d: "), id)
}

func (a *app) countsLine(run store.Run) string {
	if run.Mode == crm.ModePreview {
		return fmt.Sprintf(a.say(
			"предпросмотр, ничего не изменено: прочитано %d, было бы создано %d, обновлено %d, без изменений %d, пропущено %d, конфликтов %d (%s, запросов к порталу: %d)",
			"preview, nothing was changed: read %d, would be created %d, updated %d, unchanged %d, skipped %d, conflicts %d (%s, portal requests: %d)"),
			run.Fetched, run.Created, run.Updated, run.Unchanged, run.Skipped, run.Conflicts, seconds(run), run.Requests)
	}
	return fmt.Sprintf(a.say(
		"прочитано %d, создано %d, обновлено %d, без изменений %d, пропущено %d, конфликтов %d (%s, запросов к порталу: %d)",
		"read %d, created %d, updated %d, unchanged %d, skipped %d, conflicts %d (%s, portal requests: %d)"),
		run.Fetched, run.Created, run.Updated, run.Unchanged, run.Skipped, run.Conflicts, seconds(run), run.Requests)
}

func seconds(run store.Run) string {
	return fmt.Sprintf("%.2fs", run.Duration(time.Now()).Seconds())
}

// problemLine says why somebody did not arrive as the portal has them.
func (a *app) problemLine(c crm.Change) string {
	who := c.Name
	if who == "" {
		who = c.Email
	}
	line := fmt.Sprintf("⚠️ %s %s: %s", short(c.ExternalID), short(who), reason.Of(c.Reason).Line().In(a.locale))
	if c.Field != "" {
		line += " (" + c.Field + ")"
	}
	switch {
	case c.OtherExternalID != "":
		line += fmt.Sprintf(a.say(" — сотрудник портала %s", " (portal person %s)"), c.OtherExternalID)
	case c.OtherUserID != 0:
		line += fmt.Sprintf(a.say(" — пользователь %d", " (user %d)"), c.OtherUserID)
	}
	return printable(line)
}

// short keeps a line of the summary on one line of a screen.
func short(text string) string {
	const most = 40
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most-1]) + "…"
}
