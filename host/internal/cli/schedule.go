package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"booking/host/internal/runs"
	"booking/host/internal/schedule"
	"booking/host/internal/store"
)

func (a *app) scheduleCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "schedule", Short: a.say("когда синхронизировать: задать, показать, выключить", "when to sync: set, show, switch off"), Args: words(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(a.scheduleSetCommand(), a.scheduleShowCommand(),
		a.scheduleSwitchCommand(true, "on", a.say("включить расписание", "switch the schedule on")),
		a.scheduleSwitchCommand(false, "off", a.say("выключить расписание", "switch the schedule off")))
	return cmd
}

// scheduler is the schedule of this process; queue may be nil where nothing is queued.
func (a *app) scheduler(queue *runs.Service) *schedule.Scheduler {
	return &schedule.Scheduler{
		Store: a.store, Queue: queue, Clock: a.clock, Zone: a.config.TimeZone, Window: a.config.Spread, Log: a.log,
	}
}

func (a *app) scheduleSetCommand() *cobra.Command {
	var tenant int64
	var zone, quiet string
	cmd := &cobra.Command{
		Use: "set --tenant ID SPEC", Short: a.say("задать расписание компании", "set a tenant's schedule"),
		Long: a.say(
			"SPEC — одно из:\n"+
				"  daily 01:00              каждый день\n"+
				"  hourly                   каждый час\n"+
				"  every 4h                 каждые 4 часа, считая от полуночи (от 1h до 24h)\n"+
				"  weekly mon,wed 06:30     по выбранным дням (mon-fri, пн,ср — тоже)\n"+
				"Что не указано (пояс, тихое время, SPEC), остаётся прежним. --quiet none убирает тихое время.",
			"SPEC is one of:\n"+
				"  daily 01:00              every day\n"+
				"  hourly                   every hour\n"+
				"  every 4h                 every 4 hours, counted from midnight (1h to 24h)\n"+
				"  weekly mon,wed 06:30     on chosen days (mon-fri works, too)\n"+
				"What is not given (zone, quiet time, SPEC) stays. --quiet none removes the quiet time."),
		Args: words(cobra.ArbitraryArgs),
		RunE: func(cmd *cobra.Command, args []string) error {
			rule := strings.Join(args, " ")
			if rule == "" && !cmd.Flags().Changed("zone") && !cmd.Flags().Changed("quiet") {
				return usageError{errors.New(a.say("нужно расписание, например: schedule set --tenant 1 daily 01:00", "a schedule is needed, for example: schedule set --tenant 1 daily 01:00"))}
			}
			return a.changeSchedule(cmd.Context(), tenant, func(row *store.Schedule) {
				if rule != "" {
					row.Rule = rule
				}
				if cmd.Flags().Changed("zone") {
					row.Zone = zone
				}
				if cmd.Flags().Changed("quiet") {
					row.Quiet = strings.TrimSuffix(quiet, "none")
				}
			})
		},
	}
	cmd.Flags().Int64Var(&tenant, "tenant", 0, a.say("номер компании", "the tenant's number"))
	cmd.Flags().StringVar(&zone, "zone", "", a.say("часовой пояс, например Europe/Moscow", "time zone, for example Europe/London"))
	cmd.Flags().StringVar(&quiet, "quiet", "", a.say("тихое время без запусков, например 22:00-06:00", "a time of the day without starts, for example 22:00-06:00"))
	_ = cmd.MarkFlagRequired("tenant")
	return cmd
}

func (a *app) scheduleSwitchCommand(on bool, name, short string) *cobra.Command {
	var tenant int64
	cmd := &cobra.Command{
		Use: name, Short: short, Args: words(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.changeSchedule(cmd.Context(), tenant, func(row *store.Schedule) { row.Enabled = on })
		},
	}
	cmd.Flags().Int64Var(&tenant, "tenant", 0, a.say("номер компании", "the tenant's number"))
	_ = cmd.MarkFlagRequired("tenant")
	return cmd
}

// changeSchedule changes a tenant's schedule, plans it anew and shows it.
func (a *app) changeSchedule(ctx context.Context, tenant int64, change func(*store.Schedule)) error {
	if err := a.openStore(ctx); err != nil {
		return err
	}
	row, err := a.store.Schedule(ctx, tenant)
	if err != nil {
		return err
	}
	change(&row)
	if err := a.settleSchedule(ctx, &row); err != nil {
		return err
	}
	if err := a.store.SaveSchedule(ctx, row); err != nil {
		return err
	}
	return a.showSchedule(ctx, tenant, false)
}

// settleSchedule checks what was written, brings it into its one form and plans it.
// A zone that nobody named stays the host's, whatever that will be.
func (a *app) settleSchedule(ctx context.Context, row *store.Schedule) error {
	scheduler := a.scheduler(nil)
	if err := scheduler.Plan(ctx, row); err != nil {
		if errors.Is(err, schedule.ErrInvalid) {
			return usageError{err}
		}
		return err
	}
	spec, err := scheduler.Spec(*row)
	if err != nil {
		return fmt.Errorf("read a schedule back: %w", err)
	}
	text := spec.Text()
	if row.Rule != "" {
		row.Rule = text.Rule
	}
	row.Quiet = text.Quiet
	return nil
}
