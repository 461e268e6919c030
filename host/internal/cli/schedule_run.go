package cli

import (
	"github.com/spf13/cobra"

	"booking/host/internal/runs"
)

func (a *app) scheduleRunCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "schedule:run", Short: a.say("выполнить то, чему пора, и выйти (для cron)", "do what is due and exit (for cron)"),
		Long: a.say(
			"Для тех, у кого расписание ведёт cron, а не booking-host serve:\n"+
				"  * * * * * booking-host schedule:run\n"+
				"Ставит в очередь то, чему пора, выполняет очередь, отправляет письма (не дольше минуты), удаляет часть\n"+
				"старой истории и выходит. Если делать нечего, молчит.\n"+
				"Код выхода — как у sync-users.",
			"For those whose schedule is driven by cron and not by booking-host serve:\n"+
				"  * * * * * booking-host schedule:run\n"+
				"Queues what is due, carries out the queue, sends mail (for a minute at most), removes a little old\n"+
				"history and exits. Silent when there is nothing to do.\n"+
				"Exit status as of sync-users."),
		Args: words(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runSchedule(cmd, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, a.say("по объекту JSON на запуск", "one JSON object per run"))
	return cmd
}

func (a *app) runSchedule(cmd *cobra.Command, asJSON bool) error {
	ctx := cmd.Context()
	service, err := a.runService(ctx)
	if err != nil {
		return err
	}
	if err := a.scheduler(service).Tick(ctx); err != nil {
		return err
	}
	worst := exitDone
	var watch *progress
	err = service.Drain(ctx, func() runs.Watcher {
		watch = a.newProgress(asJSON)
		return watch
	}, func(outcome runs.Outcome) {
		if outcome.BusyWith != 0 {
			watch = a.newProgress(asJSON) // it was not begun
		}
		watch.done()
		a.tellOutcome(outcome, asJSON, watch)
		worst = worse(worst, outcomeStatus(outcome))
	})
	if mailErr := a.sendDueMail(ctx); err == nil {
		err = mailErr
	}
	if pruneErr := a.pruner(nil).Tick(ctx); err == nil {
		err = pruneErr
	}
	switch {
	case ctx.Err() != nil:
		return silent(exitFailed)
	case err != nil:
		return err
	case worst != exitDone:
		return silent(worst)
	}
	return nil
}
