package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"booking/host/internal/auth"
	"booking/host/internal/events"
	"booking/host/internal/problem"
	"booking/host/internal/runjson"
	"booking/host/internal/store"
	"booking/shared/crm"
)

func (a *app) crmEventsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "events", Short: a.say("секретный адрес, по которому портал сам сообщает о новых людях", "the secret address at which the portal tells of new people"), Args: words(cobra.NoArgs),
		Long: a.say(
			"Портал сообщает по секретному адресу, что появился новый человек, и запускается синхронизация этого человека. Потерянное событие\n"+
				"не страшно: человека найдёт синхронизация по расписанию. Адрес печатается один раз: в базе хранится только его хеш.",
			"The portal tells at a secret address that somebody new is there, which starts the sync of that person. A lost event does no harm:\n"+
				"the scheduled sync finds the person. The address is printed once: the database keeps nothing but its hash."),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(
		a.crmEventsActionCommand("show", a.say("включены ли, что пришло последним и почему отклонено", "whether they are on, what came last and why it was refused"), a.showEvents),
		a.crmEventsActionCommand("renew", a.say("создать адрес; прежний сразу перестаёт действовать", "make an address; the one before it ends at once"), a.renewEvents),
		a.crmEventsActionCommand("off", a.say("выключить: адрес сразу перестаёт действовать", "switch off: the address ends at once"), a.dropEvents))
	return cmd
}

func (a *app) crmEventsActionCommand(name, short string, act func(ctx context.Context, c store.Connection, d crm.Description) (eventsJSON, error)) *cobra.Command {
	var tenant int64
	var asJSON bool
	cmd := &cobra.Command{
		Use: name, Short: short, Args: words(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			if err := a.openStore(ctx); err != nil {
				return err
			}
			connection, description, err := a.readsEvents(ctx, tenant)
			if err != nil {
				return err
			}
			out, err := act(ctx, connection, description)
			if err != nil {
				return err
			}
			if asJSON {
				return a.printJSON(out)
			}
			a.printEvents(out, description)
			return nil
		},
	}
	cmd.Flags().Int64Var(&tenant, "tenant", 0, a.say("номер компании", "the tenant's number"))
	cmd.Flags().BoolVar(&asJSON, "json", false, a.say("одним объектом JSON", "as one JSON object"))
	_ = cmd.MarkFlagRequired("tenant")
	return cmd
}

// readsEvents is a tenant's connection to a CRM whose plugin reads events.
func (a *app) readsEvents(ctx context.Context, tenant int64) (store.Connection, crm.Description, error) {
	connection, err := a.store.Connection(ctx, a.box, tenant)
	if err != nil {
		return connection, crm.Description{}, err
	}
	_, description, release, err := a.keeper.Describe(ctx, connection.Plugin)
	if err != nil {
		return connection, description, err
	}
	release()
	if !description.Has(crm.CapabilityEvents) {
		return connection, description, problem.New(nil, crm.Text{
			RU: fmt.Sprintf("Плагин «%s» событий не понимает: остаётся расписание", connection.Plugin),
			EN: fmt.Sprintf("The plugin %q reads no events: the schedule remains", connection.Plugin),
		}, nil)
	}
	return connection, description, nil
}

// eventsJSON is what is known of the address. Address is there once, in the answer to renew.
type eventsJSON struct {
	Tenant    int64   `json:"tenant"`
	On        bool    `json:"on"`
	Address   string  `json:"address,omitempty"`
	MadeAt    *string `json:"made_at"`
	HeardAt   *string `json:"heard_at"`
	RefusedAt *string `json:"refused_at"`
	// Refused is the plugin's word why, or unjudged.
	Refused string `json:"refused,omitempty"`
}

func (a *app) showEvents(ctx context.Context, c store.Connection, _ crm.Description) (eventsJSON, error) {
	e, err := a.store.EventAddress(ctx, c.TenantID, c.Plugin)
	return eventsJSON{
		Tenant: c.TenantID, On: e.On(), MadeAt: runjson.Time(e.MadeAt), HeardAt: runjson.Time(e.HeardAt), RefusedAt: runjson.Time(e.RefusedAt), Refused: string(e.Refused),
	}, err
}

func (a *app) renewEvents(ctx context.Context, c store.Connection, d crm.Description) (eventsJSON, error) {
	fresh, err := auth.RenewEventAddress(ctx, a.store, store.Actor{}, c.TenantID, c.Plugin)
	if err != nil {
		return eventsJSON{}, err
	}
	out, err := a.showEvents(ctx, c, d)
	out.Address = events.Address(a.config.PublicURL, fresh)
	return out, err
}

func (a *app) dropEvents(ctx context.Context, c store.Connection, d crm.Description) (eventsJSON, error) {
	if err := a.store.DropEventAddress(ctx, store.Actor{}, c.TenantID); err != nil {
		return eventsJSON{}, err
	}
	return a.showEvents(ctx, c, d)
}

func (a *app) printEvents(e eventsJSON, d crm.Description) {
	when := func(t *string) string {
		if t == nil {
			return "—"
		}
		return *t
	}
	switch {
	case e.Address != "":
		fmt.Fprintf(a.stdout, a.say("Адрес для событий компании %d. Сохраните его в портале: больше он не покажется.\n%s\n", "Address for the events of tenant %d. Keep it in the portal: it is not shown again.\n%s\n"), e.Tenant, e.Address)
		fmt.Fprintln(a.stdout, printable(oneLine(d.EventsHelp.In(a.locale))))
	case e.On:
		fmt.Fprintf(a.stdout, a.say("Компания %d: события включены, адрес создан %s, последнее событие %s (UTC)\n", "Tenant %d: events are on, the address was made %s, the last event came %s (UTC)\n"),
			e.Tenant, when(e.MadeAt), when(e.HeardAt))
	default:
		fmt.Fprintf(a.stdout, a.say("Компания %d: события выключены. Включить: booking-host crm events renew --tenant %d\n", "Tenant %d: events are off. To switch them on: booking-host crm events renew --tenant %d\n"), e.Tenant, e.Tenant)
	}
	if e.Refused != "" {
		fmt.Fprintf(a.stdout, "⚠️ %s: %s\n", when(e.RefusedAt), printable(events.ReasonText(crm.EventReason(e.Refused)).In(a.locale)))
	}
}
