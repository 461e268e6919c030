package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/spf13/cobra"

	"booking/host/internal/runs"
	"booking/host/internal/store"
	"booking/shared/crm"
)

func (a *app) crmCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "crm", Short: a.say("подключение компании к CRM", "a tenant's CRM connection"), Args: words(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(a.crmConnectCommand(), a.crmShowCommand(), a.crmCheckCommand())
	return cmd
}

type connectionJSON struct {
	Tenant   int64             `json:"tenant"`
	Plugin   string            `json:"plugin"`
	Enabled  bool              `json:"enabled"`
	Portal   string            `json:"portal"`
	Settings map[string]string `json:"settings"`
}

// newConnectionJSON masks every secret, whatever its length.
func newConnectionJSON(c store.Connection) connectionJSON {
	out := connectionJSON{Tenant: c.TenantID, Plugin: c.Plugin, Enabled: c.Enabled, Portal: c.Portal, Settings: map[string]string{}}
	maps.Copy(out.Settings, c.Plain)
	for key, value := range c.Secret {
		out.Settings[key] = value.String()
	}
	return out
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
			out := newConnectionJSON(connection)
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

type findingJSON struct {
	Code    string `json:"code"`
	OK      bool   `json:"ok"`
	Message string `json:"message"`
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
			findings, err := a.check(cmd.Context(), tenant)
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

// check asks the plugin, and says before it what the host knows by itself.
func (a *app) check(ctx context.Context, tenant int64) ([]crm.Finding, error) {
	connection, err := a.store.Connection(ctx, a.box, tenant)
	if err != nil {
		return nil, err
	}
	owner, err := a.store.Tenant(ctx, tenant)
	if err != nil {
		return nil, err
	}
	if err := owner.Refusal(); err != nil {
		return nil, err
	}
	plugin, description, release, err := a.keeper.Describe(ctx, connection.Plugin)
	if err != nil {
		return nil, err
	}
	defer release()
	var findings []crm.Finding
	changed, err := a.portalChanged(ctx, connection, description)
	if err != nil {
		return nil, err
	}
	findings = append(findings, changed...)
	if connection.Portal == "" {
		return append(findings, missingSettings(description, connection)...), nil
	}
	result, err := plugin.CheckConnection(ctx, crm.ConnectionRequest{Tenant: owner.CRM(), Settings: connection.Settings()})
	if err != nil {
		return nil, err
	}
	return append(findings, result.Findings...), nil
}

// portalChanged is rule 12 as a finding.
func (a *app) portalChanged(ctx context.Context, c store.Connection, d crm.Description) ([]crm.Finding, error) {
	if c.LinksPortal == "" || c.LinksPortal == c.Portal {
		return nil, nil
	}
	linked, err := a.store.LinkCount(ctx, c.TenantID, d.ExternalIDColumn)
	if err != nil || linked == 0 {
		return nil, err
	}
	return []crm.Finding{{Code: string(crm.CodePortalChanged), Message: runs.PortalChanged(c, linked)}}, nil
}

func missingSettings(d crm.Description, c store.Connection) []crm.Finding {
	var findings []crm.Finding
	settings := c.Settings()
	for _, field := range d.Fields {
		if field.Required && settings.Get(field.Key) == "" {
			findings = append(findings, crm.Finding{Code: string(crm.CodeNotConfigured), Message: crm.Text{
				RU: fmt.Sprintf("Webhook not configured: не задано «%s» (%s). %s", field.Label.RU, field.Key, field.Help.RU),
				EN: fmt.Sprintf("Webhook not configured: %q (%s) is not set. %s", field.Label.EN, field.Key, field.Help.EN),
			}})
		}
	}
	return findings
}

func (a *app) tellFindings(findings []crm.Finding, asJSON bool) error {
	out := struct {
		OK       bool          `json:"ok"`
		Findings []findingJSON `json:"findings"`
	}{OK: true, Findings: []findingJSON{}}
	for _, f := range findings {
		out.OK = out.OK && f.OK
		out.Findings = append(out.Findings, findingJSON{Code: f.Code, OK: f.OK, Message: f.Message.In(a.locale)})
	}
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
