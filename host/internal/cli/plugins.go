package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"booking/host/internal/plugins"
	"booking/host/internal/problem"
	"booking/shared/crmhost"
)

func (a *app) pluginsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "plugins", Short: a.say("плагины CRM: показать, доверить, заменить на ходу, проверить", "CRM plugins: list, trust, reload, check"), Args: words(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(a.pluginsListCommand(), a.pluginsTrustCommand(), a.pluginsReloadCommand(), a.pluginsCheckCommand())
	return cmd
}

type pluginJSON struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Path    string `json:"path"`
	SHA256  string `json:"sha256"`
	// State is trusted, untrusted or broken; Message says why it is not trusted.
	State   string `json:"state"`
	Message string `json:"message,omitempty"`
	// Hosts are those that serve here and have been asked for the plugin.
	Hosts []plugins.State `json:"hosts,omitempty"`
}

func (a *app) pluginsListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: a.say("какие плагины есть и можно ли их запускать", "which plugins there are and whether they may run"), Args: words(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, err := crmhost.Discover(a.config.PluginDir)
			if err != nil {
				return err
			}
			served := a.served(cmd.Context())
			list := make([]pluginJSON, 0, len(found))
			for _, f := range found {
				p := a.inspect(f)
				p.Hosts = served[f.Name]
				list = append(list, p)
			}
			if asJSON {
				return a.printJSON(list)
			}
			if len(list) == 0 {
				fmt.Fprintf(a.stdout, a.say("В папке %s плагинов нет.\n", "There are no plugins in %s.\n"), a.config.PluginDir)
				return nil
			}
			table := a.newTable(a.say("ПЛАГИН\tВЕРСИЯ\tСОСТОЯНИЕ\tПРОЦЕСС\tSHA256\tПОЯСНЕНИЕ", "PLUGIN\tVERSION\tSTATE\tPROCESS\tSHA256\tNOTE"))
			for _, p := range list {
				table.row(p.Name, p.Version, p.State, a.processes(p.Hosts), p.SHA256[:min(12, len(p.SHA256))], a.notes(p))
			}
			return table.flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, a.say("одним массивом JSON", "as one JSON array"))
	return cmd
}

// writers are those who may write to a file or folder of a plugin.
func (a *app) writers(access crmhost.Access) string {
	names := make([]string, 0, len(access.Writers))
	for _, writer := range access.Writers {
		names = append(names, writer.In(a.locale))
	}
	return strings.Join(names, ", ")
}

func (a *app) inspect(f crmhost.Found) pluginJSON {
	out := pluginJSON{Name: f.Name, Version: f.Manifest.Version, Path: f.Executable(), State: "trusted"}
	inspection, err := a.trust().Inspect(f)
	if err != nil {
		out.State, out.Message = "broken", oneLine(problem.TextOf(err).In(a.locale))
		return out
	}
	out.SHA256 = inspection.SHA256
	if err := a.trust().Verify(f); err != nil {
		out.State, out.Message = "untrusted", oneLine(problem.TextOf(err).In(a.locale))
	}
	return out
}

func (a *app) pluginsTrustCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "trust NAME", Short: a.say("разрешить запуск именно этого файла", "allow this very file to run"), Args: words(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			found, err := crmhost.Find(a.config.PluginDir, args[0])
			if err != nil {
				return err
			}
			inspection, err := a.trust().Inspect(found)
			if err != nil {
				return err
			}
			if err := a.trust().Pin(found); err != nil {
				return err
			}
			if asJSON {
				return a.printJSON(a.inspect(found))
			}
			fmt.Fprintf(a.stdout, a.say("Плагин %s %s доверен.\n  файл:   %s\n  sha256: %s\n", "The plugin %s %s is trusted.\n  file:   %s\n  sha256: %s\n"),
				inspection.Name, inspection.Version, inspection.Path, inspection.SHA256)
			for _, access := range inspection.Access {
				fmt.Fprintf(a.stdout, a.say("  изменять может %s: %s\n", "  can be changed by %s: %s\n"), a.writers(access), access.Path)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, a.say("одним объектом JSON", "as one JSON object"))
	return cmd
}
