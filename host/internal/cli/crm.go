package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"booking/host/internal/connect"
	"booking/host/internal/store"
	"booking/shared/crm"
)

func (a *app) crmCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "crm", Short: a.say("подключение компании к CRM", "a tenant's CRM connection"), Args: words(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(a.crmConnectCommand(), a.crmShowCommand(), a.crmCheckCommand(), a.crmChoicesCommand(), a.crmEventsCommand(), a.crmImportCommand())
	return cmd
}

func (a *app) crmShowCommand() *cobra.Command {
	var tenant int64
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show", Short: a.say("показать подключение (секреты скрыты)", "show the connection (secrets masked)"), Args: words(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.openStore(cmd.Context()); err != nil {
				return err
			}
			connection, err := a.store.Connection(cmd.Context(), a.box, tenant)
			if err != nil {
				return err
			}
			out := connect.NewJSON(connection)
			if asJSON {
				return a.printJSON(out)
			}
			fmt.Fprintf(a.stdout, a.say("Компания %d: плагин %s, портал %s, %s\n", "Tenant %d: plugin %s, portal %s, %s\n"), out.Tenant, out.Plugin,
				shown(out.Portal), map[bool]string{true: a.say("включено", "enabled"), false: a.say("выключено", "disabled")}[out.Enabled])
			table := a.newTable(a.say("НАСТРОЙКА\tЗНАЧЕНИЕ", "SETTING\tVALUE"))
			for _, key := range sortedKeys(out.Settings) {
				table.row(key, out.Settings[key])
			}
			return table.flush()
		},
	}
	cmd.Flags().Int64Var(&tenant, "tenant", 0, a.say("номер компании", "the tenant's number"))
	cmd.Flags().BoolVar(&asJSON, "json", false, a.say("одним объектом JSON", "as one JSON object"))
	_ = cmd.MarkFlagRequired("tenant")
	return cmd
}

func (a *app) crmCheckCommand() *cobra.Command {
	var tenant int64
	var asJSON bool
	cmd := &cobra.Command{
		Use: "check", Short: a.say("проверить подключение: что видит портал и чего не хватает", "check the connection: what the portal sees and what is missing"), Args: words(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.openStore(cmd.Context()); err != nil {
				return err
			}
			findings, err := a.connections().Check(cmd.Context(), tenant)
			if err != nil {
				return err
			}
			return a.tellFindings(findings, asJSON)
		},
	}
	cmd.Flags().Int64Var(&tenant, "tenant", 0, a.say("номер компании", "the tenant's number"))
	cmd.Flags().BoolVar(&asJSON, "json", false, `{"ok":true,"findings":[{"code","ok","message"}]}`)
	_ = cmd.MarkFlagRequired("tenant")
	return cmd
}

// connections is the door to changes and checks of connections.
func (a *app) connections() *connect.Service {
	return &connect.Service{Store: a.store, Box: a.box, Plugins: a.keeper}
}

func (a *app) tellFindings(findings []crm.Finding, asJSON bool) error {
	out := connect.NewCheckJSON(findings, a.locale)
	if asJSON {
		if err := a.printJSON(out); err != nil {
			return err
		}
	} else {
		for _, f := range out.Findings {
			fmt.Fprintf(a.stdout, "%s %s\n", map[bool]string{true: "✅", false: "❌"}[f.OK], printable(oneLine(f.Message)))
		}
	}
	if !out.OK {
		return silent(exitFailed)
	}
	return nil
}

// linkColumn is the column that holds a tenant's links: the only one there is, or,
// with several CRMs on one database, the one of the tenant's own plugin.
func (a *app) linkColumn(ctx context.Context, tenant int64) (string, error) {
	columns, err := a.store.LinkColumns(ctx)
	if err != nil || len(columns) == 0 {
		return "", err
	}
	if len(columns) == 1 || tenant == 0 {
		return columns[0], nil
	}
	connection, err := a.store.Connection(ctx, a.box, tenant)
	if errors.Is(err, store.ErrNotFound) {
		return columns[0], nil
	}
	if err != nil {
		return "", err
	}
	_, description, release, err := a.keeper.Describe(ctx, connection.Plugin)
	if err != nil {
		return "", err
	}
	release()
	return description.ExternalIDColumn, nil
}
