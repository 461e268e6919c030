package cli

import (
	"github.com/spf13/cobra"
)

// translateHelp puts cobra's own words into the operator's language and makes
// every command but help read its configuration first.
func (a *app) translateHelp(root *cobra.Command) {
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if cmd.Name() == "help" || cmd.Name() == "completion" || (cmd.HasParent() && cmd.Parent().Name() == "completion") {
			return nil
		}
		return a.configure()
	}
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	if a.locale == "en" {
		return
	}
	root.SetUsageTemplate(russianUsage)
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Short = "справка о команде"
		case "completion":
			cmd.Short = "автодополнение для оболочки"
		}
	}
	translateFlags(root)
}

func translateFlags(cmd *cobra.Command) {
	cmd.InitDefaultHelpFlag()
	cmd.Flags().Lookup("help").Usage = "справка"
	cmd.InitDefaultVersionFlag()
	if version := cmd.Flags().Lookup("version"); version != nil {
		version.Usage = "версия"
	}
	for _, child := range cmd.Commands() {
		translateFlags(child)
	}
}

const russianUsage = `Использование:{{if .Runnable}}
  {{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} [команда]

Команды:{{range .Commands}}{{if (or .IsAvailableCommand (eq .Name "help"))}}
  {{rpad .Name .NamePadding }} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

Ключи:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableSubCommands}}

Подробнее о команде: {{.CommandPath}} [команда] --help{{end}}
`
