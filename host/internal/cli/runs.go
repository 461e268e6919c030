package cli

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"encoding/json"

	"github.com/spf13/cobra"

	"booking/host/internal/reason"
	"booking/host/internal/runjson"
	"booking/host/internal/store"
)

func (a *app) runsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "runs", Short: a.say("история синхронизаций", "the history of syncs"), Args: words(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(a.runsListCommand(), a.runsShowCommand())
	return cmd
}

func (a *app) runsListCommand() *cobra.Command {
	var tenant int64
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: a.say("последние запуски, новые сверху", "the last runs, newest first"), Args: words(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.openStore(cmd.Context()); err != nil {
				return err
			}
			list, err := a.store.Runs(cmd.Context(), tenant)
			if err != nil {
				return err
			}
			if asJSON {
				out := make([]runjson.History, 0, len(list))
				for _, run := range list {
					out = append(out, runjson.NewHistory(run, a.locale, time.Now()))
				}
				return a.printJSON(out)
			}
			if len(list) == 0 {
				fmt.Fprintln(a.stdout, a.say("Запусков пока нет. Запустить: booking-host sync-users --tenant НОМЕР", "No runs yet. Start one: booking-host sync-users --tenant ID"))
				return nil
			}
			return a.printRuns(list)
		},
	}
	cmd.Flags().Int64Var(&tenant, "tenant", 0, a.say("только эта компания", "this tenant only"))
	cmd.Flags().BoolVar(&asJSON, "json", false, a.say("одним массивом JSON", "as one JSON array"))
	return cmd
}

func (a *app) printRuns(list []store.Run) error {
	table := a.newTable(a.say("ЗАПУСК\tКОМПАНИЯ\tПЛАГИН\tРЕЖИМ\tКТО\tНАЧАЛО (UTC)\tСОСТОЯНИЕ\tСОЗДАНО\tОБНОВЛЕНО\tБЕЗ ИЗМ.\tПРОПУЩЕНО\tКОНФЛИКТОВ",
		"RUN\tTENANT\tPLUGIN\tMODE\tTRIGGER\tSTARTED (UTC)\tSTATUS\tCREATED\tUPDATED\tUNCHANGED\tSKIPPED\tCONFLICTS"))
	for _, r := range list {
		status := string(r.Status)
		if r.ErrorCode != "" {
			status += " (" + string(r.ErrorCode) + ")"
		}
		table.row(r.ID, r.TenantID, r.Plugin, r.Mode, r.Trigger, r.StartedAt.UTC().Format(time.DateTime), status,
			r.Created, r.Updated, r.Unchanged, r.Skipped, r.Conflicts)
	}
	return table.flush()
}

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
			if asJSON {
				out := struct {
					runjson.History
					Changes []runjson.Change `json:"changes"`
				}{runjson.NewHistory(run, a.locale, time.Now()), []runjson.Change{}}
				if err := a.store.Changes(ctx, id, func(c store.Change) error {
					out.Changes = append(out.Changes, runjson.NewChange(c))
					return nil
				}); err != nil {
					return err
				}
				return a.printJSON(out)
			}
			if err := a.printRuns([]store.Run{run}); err != nil {
				return err
			}
			if run.ErrorCode != "" {
				fmt.Fprintf(a.stdout, "❌ %s\n", oneLine(runjson.ErrorText(run).In(a.locale)))
			}
			fmt.Fprintln(a.stdout)
			return a.printChanges(cmd, id)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, a.say("одним объектом JSON", "as one JSON object"))
	return cmd
}

func (a *app) printChanges(cmd *cobra.Command, run int64) error {
	table := a.newTable(a.say("ПОРТАЛ\tПОЛЬЗОВАТЕЛЬ\tЧТО\tКТО\tE-MAIL\tПОЧЕМУ / БЫЛО → СТАЛО", "PORTAL ID\tUSER\tACTION\tNAME\tE-MAIL\tWHY / BEFORE → AFTER"))
	count := 0
	err := a.store.Changes(cmd.Context(), run, func(c store.Change) error {
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
