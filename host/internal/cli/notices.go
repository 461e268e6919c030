package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"booking/host/internal/notice"
)

func (a *app) noticesCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "notices", Short: a.say("письма администраторам о синхронизации: включить, выключить, показать", "mails to administrators about syncs: on, off, show"), Args: words(cobra.NoArgs),
		Long: a.say("Если запуск из очереди (расписание, кнопка, API, событие) не удался или ждёт решения, администраторы компании получают одно письмо;\n"+
			"ещё одно — если причина сменится, и одно, когда снова заработает. О предпросмотрах и о sync-users на экране писем нет.",
			"When a run from the queue (schedule, button, API, event) fails or waits for a decision, the tenant's administrators get one mail;\n"+
				"one more when the reason changes, and one when it works again. There are none about previews and a sync-users on the screen."),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(a.noticesSwitchCommand(true, "on", a.say("включить", "switch on")),
		a.noticesSwitchCommand(false, "off", a.say("выключить", "switch off")), a.noticesShowCommand())
	return cmd
}

// noticesJSON is what a tenant's administrators know.
type noticesJSON struct {
	Tenant  int64 `json:"tenant"`
	Enabled bool  `json:"enabled"`
	// Told is the error code they were told of, "" while all is well; Run the run.
	Told    string   `json:"told"`
	Run     int64    `json:"run,omitempty"`
	Readers []string `json:"readers"`
}

func (a *app) noticesSwitchCommand(on bool, name, short string) *cobra.Command {
	var tenant int64
	cmd := &cobra.Command{
		Use: name, Short: short, Args: words(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.openStore(cmd.Context()); err != nil {
				return err
			}
			if err := a.store.SwitchNotices(cmd.Context(), tenant, on); err != nil {
				return err
			}
			return a.showNotices(cmd.Context(), tenant, false)
		},
	}
	cmd.Flags().Int64Var(&tenant, "tenant", 0, a.say("номер компании", "the tenant's number"))
	_ = cmd.MarkFlagRequired("tenant")
	return cmd
}

func (a *app) noticesShowCommand() *cobra.Command {
	var tenant int64
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show", Short: a.say("включены ли, кому идут и о чём сказано последним", "whether they are on, to whom they go and what was told last"), Args: words(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.openStore(cmd.Context()); err != nil {
				return err
			}
			return a.showNotices(cmd.Context(), tenant, asJSON)
		},
	}
	cmd.Flags().Int64Var(&tenant, "tenant", 0, a.say("номер компании", "the tenant's number"))
	cmd.Flags().BoolVar(&asJSON, "json", false, a.say("одним объектом JSON", "as one JSON object"))
	_ = cmd.MarkFlagRequired("tenant")
	return cmd
}

func (a *app) showNotices(ctx context.Context, tenant int64, asJSON bool) error {
	if _, err := a.store.Tenant(ctx, tenant); err != nil {
		return err
	}
	row, err := a.store.Notices(ctx, tenant)
	if err != nil {
		return err
	}
	administrators, err := a.store.Administrators(ctx, tenant, notice.Readers)
	if err != nil {
		return err
	}
	out := noticesJSON{Tenant: tenant, Enabled: row.Enabled, Told: row.Told, Readers: []string{}}
	if row.Told != "" {
		out.Run = row.ToldRun
	}
	for _, reader := range administrators {
		out.Readers = append(out.Readers, reader.Email)
	}
	if asJSON {
		return a.printJSON(out)
	}
	a.printNotices(out)
	return nil
}

func (a *app) printNotices(n noticesJSON) {
	state := a.say("выключены", "off")
	if n.Enabled {
		state = a.say("включены", "on")
	}
	fmt.Fprintf(a.stdout, a.say("Компания %d: письма о синхронизации %s\n", "Tenant %d: mails about syncs are %s\n"), n.Tenant, state)
	for _, reader := range n.Readers {
		fmt.Fprintf(a.stdout, "    %s\n", printable(reader))
	}
	if len(n.Readers) == 0 {
		fmt.Fprintln(a.stdout, a.say("⚠️ Получать их некому: нет активных администраторов.", "⚠️ Nobody gets them: there is no active administrator."))
	}
	if n.Told != "" {
		fmt.Fprintf(a.stdout, a.say("Сказано: %s, запуск %d\n", "Told: %s, run %d\n"), printable(n.Told), n.Run)
	}
}
