package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"booking/host/internal/connect"
	"booking/host/internal/store"
	"booking/shared/crm"
	"booking/shared/secret"
)

type connectOptions struct {
	tenant            int64
	plugin            string
	set               []string
	secretKey         string
	enabled, disabled bool
	links             string
	json              bool
}

func (a *app) crmConnectCommand() *cobra.Command {
	var o connectOptions
	cmd := &cobra.Command{
		Use: "connect", Short: a.say("подключить CRM или изменить подключение", "connect a CRM, or change the connection"), Args: words(cobra.NoArgs),
		Long: a.say(
			"Меняет то, что задано, и оставляет остальное. Настройки сверяются с описанием плагина; портал не вызывается (это делает crm check).\n"+
				"Секретная настройка читается со стандартного ввода: --secret КЛЮЧ. В аргументах её видели бы все.",
			"Changes what is given and keeps the rest. Settings are checked against the plugin's description; the portal is not called (crm check does).\n"+
				"A secret setting comes from standard input: --secret KEY. As an argument everybody could see it."),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.connect(cmd.Context(), o) },
	}
	flags := cmd.Flags()
	flags.Int64Var(&o.tenant, "tenant", 0, a.say("номер компании", "the tenant's number"))
	flags.StringVar(&o.plugin, "plugin", "", a.say("имя плагина, см. plugins list", "the plugin's name, see plugins list"))
	flags.StringArrayVar(&o.set, "set", nil, a.say("КЛЮЧ=ЗНАЧЕНИЕ, можно несколько раз; пустое значение убирает настройку", "KEY=VALUE, may be repeated; an empty value removes the setting"))
	flags.StringVar(&o.secretKey, "secret", "", a.say("секретная настройка, значение — со стандартного ввода", "a secret setting, its value from standard input"))
	flags.BoolVar(&o.enabled, "enabled", false, a.say("включить", "enable"))
	flags.BoolVar(&o.disabled, "disabled", false, a.say("выключить", "disable"))
	flags.StringVar(&o.links, "links", "", a.say("портал сменился: keep — связи верны и для нового, drop — убрать их", "the portal has changed: keep the links as right for the new one, or drop them"))
	flags.BoolVar(&o.json, "json", false, a.say("одним объектом JSON", "as one JSON object"))
	_ = cmd.MarkFlagRequired("tenant")
	cmd.MarkFlagsMutuallyExclusive("enabled", "disabled")
	return cmd
}

func (a *app) connect(ctx context.Context, o connectOptions) error {
	if o.links != "" && o.links != "keep" && o.links != "drop" {
		return usageError{errors.New(a.say("--links: keep или drop", "--links must be keep or drop"))}
	}
	if err := a.openStore(ctx); err != nil {
		return err
	}
	if _, err := a.store.Tenant(ctx, o.tenant); err != nil {
		return err
	}
	name, err := a.pluginName(ctx, o)
	if err != nil {
		return err
	}
	_, description, release, err := a.keeper.Describe(ctx, name)
	if err != nil {
		return err
	}
	defer release()
	change, err := a.readSettings(description, o)
	if err != nil {
		return err
	}
	change.Links = connect.Links(o.links)
	if o.enabled || o.disabled {
		change.Enabled = &o.enabled
	}
	saved, err := a.connections().Save(ctx, change)
	if refused := (*connect.RefusedError)(nil); errors.As(err, &refused) {
		return usageError{errors.New(refused.In(a.locale))}
	}
	if err != nil {
		return err
	}
	return a.tellConnected(saved, o.json)
}

// pluginName is the one given, or the one the tenant has already.
func (a *app) pluginName(ctx context.Context, o connectOptions) (string, error) {
	if o.plugin != "" {
		return o.plugin, nil
	}
	connection, err := a.store.Connection(ctx, a.box, o.tenant)
	if errors.Is(err, store.ErrNotFound) {
		return "", usageError{errors.New(a.say("--plugin: у компании ещё нет подключения, назовите плагин (booking-host plugins list)",
			"--plugin: the tenant has no connection yet, name a plugin (booking-host plugins list)"))}
	}
	return connection.Plugin, err
}

// readSettings is what the command's words ask for.
func (a *app) readSettings(d crm.Description, o connectOptions) (connect.Change, error) {
	change := connect.Change{TenantID: o.tenant, Plugin: d.Name, Plain: map[string]string{}, Secret: map[string]secret.Text{}}
	for _, pair := range o.set {
		key, value, found := strings.Cut(pair, "=")
		if !found {
			return change, usageError{errors.New(a.say("--set: нужно КЛЮЧ=ЗНАЧЕНИЕ", "--set must be KEY=VALUE"))}
		}
		field, err := a.field(d, key)
		if err != nil {
			return change, err
		}
		if field.Secret {
			return change, usageError{fmt.Errorf(a.say("--set %s: это секрет, передайте его на стандартный ввод: --secret %s", "--set %s: this is a secret, give it on standard input: --secret %s"), key, key)}
		}
		change.Plain[key] = value
	}
	if o.secretKey == "" {
		return change, nil
	}
	field, err := a.field(d, o.secretKey)
	if err != nil {
		return change, err
	}
	if !field.Secret {
		return change, usageError{fmt.Errorf(a.say("--secret %s: эта настройка не секретная, задайте её через --set", "--secret %s: this setting is no secret, use --set"), o.secretKey)}
	}
	change.Secret[o.secretKey], err = a.readSecret()
	return change, err
}

func (a *app) field(d crm.Description, key string) (crm.Field, error) {
	keys := make([]string, 0, len(d.Fields))
	for _, field := range d.Fields {
		if field.Key == key {
			return field, nil
		}
		keys = append(keys, field.Key)
	}
	return crm.Field{}, usageError{fmt.Errorf(a.say("нет настройки %q; есть: %s", "there is no setting %q; there are: %s"), key, strings.Join(keys, ", "))}
}

func (a *app) tellConnected(c store.Connection, asJSON bool) error {
	if asJSON {
		return a.printJSON(connect.NewJSON(c))
	}
	fmt.Fprintf(a.stdout, a.say("Компания %d: плагин %s, портал %s, %s\n", "Tenant %d: plugin %s, portal %s, %s\n"), c.TenantID, c.Plugin, shown(c.Portal),
		map[bool]string{true: a.say("включено", "enabled"), false: a.say("выключено", "disabled")}[c.Enabled])
	if c.Portal == "" {
		fmt.Fprintln(a.stdout, a.say("Дальше: задайте секретную настройку (--secret КЛЮЧ), см. booking-host crm check.", "Next: give the secret setting (--secret KEY), see booking-host crm check."))
		return nil
	}
	fmt.Fprintf(a.stdout, a.say("Дальше: booking-host crm check --tenant %d, затем booking-host sync-users --tenant %d --preview\n",
		"Next: booking-host crm check --tenant %d, then booking-host sync-users --tenant %d --preview\n"), c.TenantID, c.TenantID)
	return nil
}
