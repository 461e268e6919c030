package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"booking/host/internal/simulator"
	"booking/shared/crm"
	"booking/shared/crmhost"
	"booking/shared/crmtest"
)

type checkOptions struct {
	settings, many []string
	secretKey      string
	only           []string
	json           bool
}

func (a *app) pluginsCheckCommand() *cobra.Command {
	var o checkOptions
	cmd := &cobra.Command{
		Use: "check NAME", Short: a.say("проверить плагин по договору, на пустой базе", "hold a plugin against the contract, on an empty database"), Args: words(cobra.ExactArgs(1)),
		Long: a.say(
			"Запускает доверенный плагин много раз и проверяет его: от рукопожатия до смерти хоста посреди запуска. Данные хоста не нужны и не\n"+
				"трогаются: для проверок поднимается своя база. Портал читается по-настоящему, с настройками из --settings; без них — смоделированный,\n"+
				"если он у плагина есть. Что без настроек проверить нельзя, так и называется: не проверялось.",
			"Starts a trusted plugin many times and looks at it: from the handshake to the host's death in the middle of a run. The host's data is\n"+
				"neither needed nor touched: the checks have a database of their own. The portal is really read, with the values of --settings; without\n"+
				"them it is the simulated one, where the plugin has one. What cannot be tried without settings is called that: not tried."),
		RunE: func(cmd *cobra.Command, args []string) error { return a.checkPlugin(cmd.Context(), args[0], o) },
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&o.settings, "settings", nil, a.say("КЛЮЧ=ЗНАЧЕНИЕ, можно несколько раз", "KEY=VALUE, may be repeated"))
	flags.StringVar(&o.secretKey, "secret", "", a.say("секретная настройка, значение — со стандартного ввода", "a secret setting, its value from standard input"))
	flags.StringArrayVar(&o.many, "many", nil, fmt.Sprintf(a.say("КЛЮЧ=ЗНАЧЕНИЕ: чем отличаются настройки портала, где не меньше %d человек", "KEY=VALUE: what differs for a portal with at least %d people"), crmtest.ManyPeople))
	flags.StringSliceVar(&o.only, "only", nil, a.say("только эти проверки, через запятую", "these checks only, comma separated"))
	flags.BoolVar(&o.json, "json", false, a.say("одним объектом JSON", "as one JSON object"))
	return cmd
}

func (a *app) checkPlugin(ctx context.Context, name string, o checkOptions) error {
	for _, check := range o.only {
		if !slices.Contains(crmtest.Names(), check) {
			return usageError{fmt.Errorf(a.say("--only: нет проверки %q; есть: %s", "--only: there is no check %q; there are: %s"), check, strings.Join(crmtest.Names(), ", "))}
		}
	}
	found, err := crmhost.Find(a.config.PluginDir, name)
	if err != nil {
		return err
	}
	file, err := a.trust().Open(found)
	if err != nil {
		return err
	}
	defer file.Close()
	subject := crmtest.Subject{
		Executable: found.Executable(), File: file, Manifest: &found.Manifest,
		HTTPPortals: a.config.HTTPPortals, Only: o.only, Patience: 2,
	}
	if len(o.settings)+len(o.many) > 0 || o.secretKey != "" {
		err = a.givenSettings(ctx, found, o, &subject)
	} else if len(found.Manifest.Simulator) > 0 {
		var stop func()
		if stop, err = a.simulatedSettings(ctx, found, &subject); err == nil {
			defer stop()
		}
	}
	if err != nil {
		return err
	}
	seen := a.tellCheck
	if o.json {
		seen = nil
	}
	report, err := crmtest.Examine(ctx, subject, seen)
	if err != nil {
		return err
	}
	if o.json {
		err = a.printJSON(a.reportJSON(report))
	} else {
		a.tellReport(report)
	}
	if err == nil && report.Count(crmtest.StatusFailed) > 0 {
		err = silent(exitFailed)
	}
	return err
}

// described starts the plugin once, as a host does, to learn its settings.
func (a *app) described(ctx context.Context, found crmhost.Found) (crm.Description, error) {
	process, err := crmhost.Start(ctx, crmhost.Options{Found: found, Trust: a.trust(), Log: a.log, Locale: a.locale})
	if err != nil {
		return crm.Description{}, err
	}
	defer process.Stop(ctx)
	return process.Description(), nil
}

// givenSettings are those of the command line.
func (a *app) givenSettings(ctx context.Context, found crmhost.Found, o checkOptions, s *crmtest.Subject) error {
	d, err := a.described(ctx, found)
	if err != nil {
		return err
	}
	if s.Settings, err = a.checkSettings(d, o.settings); err != nil {
		return err
	}
	if o.secretKey != "" {
		if !slices.ContainsFunc(d.Fields, func(f crm.Field) bool { return f.Key == o.secretKey && f.Secret }) {
			return usageError{fmt.Errorf(a.say("--secret %s: у плагина нет такой секретной настройки", "--secret %s: the plugin has no such secret setting"), o.secretKey)}
		}
		value, err := a.readSecret()
		if err != nil {
			return err
		}
		s.Settings[o.secretKey] = value.Reveal()
	}
	many, err := a.checkSettings(d, o.many)
	if err != nil || len(many) == 0 {
		return err
	}
	s.Many = many
	for key, value := range s.Settings {
		if _, there := many[key]; !there {
			many[key] = value
		}
	}
	return nil
}

func (a *app) checkSettings(d crm.Description, pairs []string) (map[string]string, error) {
	values := map[string]string{}
	for _, pair := range pairs {
		key, value, found := strings.Cut(pair, "=")
		if !found {
			return nil, usageError{errors.New(a.say("--settings и --many: нужно КЛЮЧ=ЗНАЧЕНИЕ", "--settings and --many must be KEY=VALUE"))}
		}
		if slices.ContainsFunc(d.Fields, func(f crm.Field) bool { return f.Key == key && f.Secret }) {
			return nil, usageError{fmt.Errorf(a.say("%s — секрет, передайте его на стандартный ввод: --secret %[1]s", "%s is a secret, give it on standard input: --secret %[1]s"), key)}
		}
		values[key] = value
	}
	return values, nil
}

// simulatedSettings are those of the plugin's simulated portal, and of one where
// nobody listens.
func (a *app) simulatedSettings(ctx context.Context, found crmhost.Found, s *crmtest.Subject) (stop func(), err error) {
	d, err := a.described(ctx, found)
	if err != nil {
		return nil, err
	}
	portal, err := simulator.Start(ctx, found.Executable(), found.Manifest.Simulator)
	if err != nil {
		return nil, err
	}
	s.Settings, s.Broken = map[string]string{}, map[string]string{}
	for _, field := range d.Fields {
		value, given := portal.Settings[field.Key]
		if !given {
			continue
		}
		s.Settings[field.Key], s.Broken[field.Key] = value.Reveal(), value.Reveal()
		if address, err := url.Parse(value.Reveal()); err == nil && address.Host != "" {
			address.Host = "127.0.0.1:9"
			s.Broken[field.Key] = address.String()
		}
	}
	return portal.Stop, nil
}
