package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

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
			if err := a.printRuns(list); err != nil || len(list) == store.RunsListed {
				return err
			}
			return a.tellRemoved(cmd.Context())
		},
	}
	cmd.Flags().Int64Var(&tenant, "tenant", 0, a.say("только эта компания", "this tenant only"))
	cmd.Flags().BoolVar(&asJSON, "json", false, a.say("одним массивом JSON", "as one JSON array"))
	return cmd
}

// tellRemoved says, below the oldest run there is, that there were older ones.
func (a *app) tellRemoved(ctx context.Context) error {
	kept, err := a.store.History(ctx)
	if err == nil && kept.Days != 0 {
		fmt.Fprintf(a.stdout, a.say("Подробности запусков старше %d дн. удалены (BOOKING_HISTORY_DAYS).\n", "The details of runs older than %d days are removed (BOOKING_HISTORY_DAYS).\n"), kept.Days)
	}
	return err
}

func (a *app) printRuns(list []store.Run) error {
	table := a.newTable(a.say("ЗАПУСК\tКОМПАНИЯ\tПЛАГИН\tРЕЖИМ\tКТО\tНАЧАЛО (UTC)\tСОСТОЯНИЕ\tСОЗДАНО\tОБНОВЛЕНО\tБЕЗ ИЗМ.\tПРОПУЩЕНО\tКОНФЛИКТОВ",
		"RUN\tTENANT\tPLUGIN\tMODE\tTRIGGER\tSTARTED (UTC)\tSTATUS\tCREATED\tUPDATED\tUNCHANGED\tSKIPPED\tCONFLICTS"))
	for _, r := range list {
		status := string(r.Status)
		if r.ErrorCode != "" {
			status += " (" + string(r.ErrorCode) + ")"
		}
		trigger := r.Trigger
		if r.RetryOf != 0 {
			trigger += fmt.Sprintf(a.say(", повтор %d (%d)", ", retry %d (%d)"), r.Retry, r.RetryOf)
		}
		table.row(r.ID, r.TenantID, r.Plugin, r.Mode, trigger, moment(r.StartedAt), status,
			r.Created, r.Updated, r.Unchanged, r.Skipped, r.Conflicts)
	}
	return table.flush()
}
