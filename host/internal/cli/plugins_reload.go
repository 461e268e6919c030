package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"booking/host/internal/plugins"
	"booking/host/internal/problem"
	"booking/shared/crm"
	"booking/shared/crmhost"
)

type reloadJSON struct {
	Name  string          `json:"name"`
	Hosts []plugins.State `json:"hosts"`
}

func (a *app) pluginsReloadCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "reload NAME", Short: a.say("заменить плагин в работающем хосте", "replace the plugin in the host that serves"), Args: words(cobra.ExactArgs(1)),
		Long: a.say(
			"Работающий хост (booking-host serve) запускает доверенный файл рядом с прежним процессом, проверяет его и передаёт ему вызовы.\n"+
				"Запуски, которые уже идут, заканчиваются на прежнем. Если новый не годится, остаётся прежний, и сказано почему.",
			"The serving host (booking-host serve) starts the trusted file beside the process that runs, checks it and hands the calls over.\n"+
				"Runs that go on finish on the old one. If the new one is no good, the old one stays and the error says why."),
		RunE: func(cmd *cobra.Command, args []string) error { return a.reloadPlugin(cmd.Context(), args[0], asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, a.say("одним объектом JSON", "as one JSON object"))
	return cmd
}

// reloadPlugin tells every host that serves this data directory.
func (a *app) reloadPlugin(ctx context.Context, name string, asJSON bool) error {
	if _, err := crmhost.Find(a.config.PluginDir, name); crm.CodeOf(err) == crm.CodePluginMissing {
		return err // a typing error, whether or not a host serves
	}
	hosts := plugins.Hosts(a.config.DataDir)
	if len(hosts) == 0 {
		return problem.New(nil, crm.Text{
			RU: fmt.Sprintf("Для папки данных %s не работает ни один хост: заменять нечего, следующий booking-host serve запустит то, чему доверяют", a.config.DataDir),
			EN: fmt.Sprintf("No host serves the data directory %s: there is nothing to reload, the next booking-host serve starts what is trusted", a.config.DataDir),
		}, nil)
	}
	out := reloadJSON{Name: name, Hosts: []plugins.State{}}
	var failed error
	for _, host := range hosts {
		state, err := host.Reload(ctx, name)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		out.Hosts = append(out.Hosts, state)
	}
	if failed != nil {
		return failed
	}
	if asJSON {
		return a.printJSON(out)
	}
	for _, state := range out.Hosts {
		fmt.Fprintf(a.stdout, a.say("Плагин %s: работает версия %s (процесс %d)\n", "Plugin %s: version %s answers now (process %d)\n"), name, printable(state.Version), state.PID)
		for _, old := range state.Leaving {
			fmt.Fprintf(a.stdout, a.say("  прежний процесс %d (%s) заканчивает: %d\n", "  the old process %d (%s) still finishes: %d\n"), old.PID, printable(old.Version), old.Uses)
		}
	}
	return nil
}

// startControl opens this host's control socket. Without it everything works but
// reload, so that its failure is a warning.
func (a *app) startControl() (stop func()) {
	stop, err := a.keeper.Listen(a.config.DataDir)
	if err != nil {
		a.log.Warn(a.say("plugins reload не сможет обратиться к этому хосту", "plugins reload cannot reach this host"), "error", err.Error())
		return func() {}
	}
	return stop
}

// served are the plugins in the hosts that serve here, by name.
func (a *app) served(ctx context.Context) map[string][]plugins.State {
	all := map[string][]plugins.State{}
	for _, host := range plugins.Hosts(a.config.DataDir) {
		states, err := host.List(ctx)
		if err != nil {
			fmt.Fprintln(a.stderr, "⚠️ "+oneLine(problem.TextOf(err).In(a.locale)))
			continue
		}
		for name, state := range states {
			all[name] = append(all[name], state)
		}
	}
	return all
}

var stateWords = map[crmhost.State]crm.Text{
	crmhost.StateDiscovered: {RU: "не запущен", EN: "not running"},
	crmhost.StateUntrusted:  {RU: "не доверен", EN: "untrusted"},
	crmhost.StateStarting:   {RU: "запускается", EN: "starting"},
	crmhost.StateReady:      {RU: "работает", EN: "ready"},
	crmhost.StateDraining:   {RU: "завершается", EN: "draining"},
	crmhost.StateBackingOff: {RU: "ждёт перезапуска", EN: "backing off"},
	crmhost.StateFailed:     {RU: "отказал", EN: "failed"},
}

// processes is a cell: the plugin's state in each serving host.
func (a *app) processes(hosts []plugins.State) string {
	cells := make([]string, 0, len(hosts))
	for _, h := range hosts {
		cell := cmp.Or(stateWords[h.State].In(a.locale), string(h.State))
		if h.PID != 0 {
			cell += fmt.Sprintf(" %s (%d)", h.Version, h.PID)
		}
		if n := len(h.Leaving); n > 0 {
			cell += fmt.Sprintf(a.say(", прежних %d", ", %d old"), n)
		}
		cells = append(cells, cell)
	}
	return cmp.Or(strings.Join(cells, "; "), "-")
}

// notes is a cell: what keeps the plugin from running, or from being replaced.
func (a *app) notes(p pluginJSON) string {
	var notes []string
	if p.Message != "" {
		notes = append(notes, p.Message)
	}
	for _, h := range p.Hosts {
		for _, text := range []string{h.Message, h.Refused} {
			if text != "" {
				notes = append(notes, oneLine(text))
			}
		}
	}
	return strings.Join(notes, "; ")
}
