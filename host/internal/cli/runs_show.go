package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"booking/host/internal/reason"
	"booking/host/internal/runjson"
	"booking/host/internal/store"
)

func (a *app) runsShowCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show RUN", Short: a.say("что стало с каждым человеком и почему", "what became of each person, and why"), Args: words(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || id <= 0 {
				return usageError{errors.New(a.say("нужен номер запуска, см. booking-host runs list", "RUN must be a run's number, see booking-host runs list"))}
			}
			ctx := cmd.Context()
			if err := a.openStore(ctx); err != nil {
				return err
			}
			run, err := a.store.Run(ctx, id)
			if err != nil {
				return err
			}
			attempts, err := a.store.Attempts(ctx, run)
			if err != nil {
				return err
			}
			if asJSON {
				return a.showRunJSON(ctx, run, attempts)
			}
			return a.showRun(ctx, run, attempts)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, a.say("одним объектом JSON", "as one JSON object"))
	return cmd
}

func (a *app) showRunJSON(ctx context.Context, run store.Run, attempts []store.Attempt) error {
	out := struct {
		runjson.History
		Attempts []runjson.Attempt `json:"attempts,omitempty"`
		Changes  []runjson.Change  `json:"changes"`
	}{runjson.NewHistory(run, a.locale, time.Now()), runjson.NewAttempts(attempts), []runjson.Change{}}
	err := a.store.Changes(ctx, run.ID, func(c store.Change) error {
		out.Changes = append(out.Changes, runjson.NewChange(c))
		return nil
	})
	if err != nil {
		return err
	}
	return a.printJSON(out)
}

func (a *app) showRun(ctx context.Context, run store.Run, attempts []store.Attempt) error {
	if err := a.printRuns([]store.Run{run}); err != nil {
		return err
	}
	if run.ErrorCode != "" {
		fmt.Fprintf(a.stdout, "❌ %s\n", oneLine(runjson.ErrorText(run).In(a.locale)))
	}
	for _, line := range a.aboutRun(run) {
		fmt.Fprintln(a.stdout, line)
	}
	fmt.Fprintln(a.stdout)
	if err := a.printAttempts(attempts); err != nil {
		return err
	}
	return a.printChanges(ctx, run.ID)
}

// aboutRun says what is special about a run.
func (a *app) aboutRun(run store.Run) (lines []string) {
	if run.PersonID != "" {
		lines = append(lines, fmt.Sprintf(a.say("Только сотрудник %s.", "Person %s only."), run.PersonID))
	}
	if run.PlanID != 0 {
		lines = append(lines, fmt.Sprintf(a.say("Ровно то, что показал предпросмотр %d.", "Exactly what preview %d showed."), run.PlanID))
	}
	if run.RetryOf != 0 {
		lines = append(lines, fmt.Sprintf(a.say("Повтор %d запуска %d.", "Retry %d of run %d."), run.Retry, run.RetryOf))
	}
	if run.Status == store.StatusQueued && !run.NotBefore.IsZero() {
		lines = append(lines, fmt.Sprintf(a.say("Начнётся не раньше %s (UTC).", "Begins at %s (UTC) at the earliest."), run.NotBefore.UTC().Format(time.DateTime)))
	}
	return lines
}

// printAttempts lists the attempts of a run that changed hands.
func (a *app) printAttempts(attempts []store.Attempt) error {
	if len(attempts) == 0 {
		return nil
	}
	table := a.newTable(a.say("ПОПЫТКА\tУЗЕЛ\tНАЧАЛО (UTC)\tКОНЕЦ (UTC)\tЧЕМ КОНЧИЛАСЬ", "ATTEMPT\tHOST\tSTARTED (UTC)\tENDED (UTC)\tHOW IT ENDED"))
	for _, one := range attempts {
		table.row(one.Attempt, one.Host, moment(one.StartedAt), moment(one.EndedAt), a.attemptEnd(one))
	}
	if err := table.flush(); err != nil {
		return err
	}
	fmt.Fprintln(a.stdout)
	return nil
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "—"
	}
	return t.UTC().Format(time.DateTime)
}

func (a *app) attemptEnd(one store.Attempt) string {
	switch one.Reason {
	case store.AttemptLost:
		return a.say("узел пропал, продолжил другой", "the host was lost, another one went on")
	case store.AttemptReturned:
		return a.say("узел остановили, запуск вернулся в очередь", "the host was stopped, the run went back into the queue")
	}
	return one.Reason
}

func (a *app) printChanges(ctx context.Context, run int64) error {
	table := a.newTable(a.say("ПОРТАЛ\tПОЛЬЗОВАТЕЛЬ\tЧТО\tКТО\tE-MAIL\tПОЧЕМУ / БЫЛО → СТАЛО", "PORTAL ID\tUSER\tACTION\tNAME\tE-MAIL\tWHY / BEFORE → AFTER"))
	count := 0
	err := a.store.Changes(ctx, run, func(c store.Change) error {
		count++
		user := ""
		if c.UserID != 0 {
			user = strconv.FormatInt(c.UserID, 10)
		}
		table.row(c.ExternalID, user, c.Action, c.Name, c.Email, a.why(c))
		return nil
	})
	if err != nil {
		return err
	}
	if count == 0 {
		fmt.Fprintln(a.stdout, a.say("Никто не изменился.", "Nobody changed."))
		return nil
	}
	return table.flush()
}

// why is a change's reason and what it changed.
func (a *app) why(c store.Change) string {
	var parts []string
	if c.Reason != "" {
		parts = append(parts, reason.Of(c.Reason).Line().In(a.locale))
	}
	if c.Field != "" {
		parts = append(parts, c.Field)
	}
	var before, after map[string]any
	_ = json.Unmarshal(runjson.OrEmpty(c.Before), &before)
	_ = json.Unmarshal(runjson.OrEmpty(c.After), &after)
	if len(before) > 0 {
		for _, column := range sortedKeys(after) {
			parts = append(parts, fmt.Sprintf("%s: %v → %v", column, shown(before[column]), shown(after[column])))
		}
	}
	return strings.Join(parts, "; ")
}

func shown(value any) any {
	if value == nil || value == "" {
		return "—"
	}
	return value
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
