package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"booking/host/internal/connect"
)

type importOptions struct {
	plugin           string
	tenant           int64
	fromStdin        bool
	apply, overwrite bool
	json             bool
}

func (a *app) crmImportCommand() *cobra.Command {
	var o importOptions
	cmd := &cobra.Command{
		Use: "import", Short: a.say("перенести подключения со старого сервера (сначала показывает)", "take the connections of an older server over (shows first)"), Args: words(cobra.NoArgs),
		Long: a.say(
			"Читает настройки, которые старый сервер хранит в этой же базе, и показывает, что стало бы с каждой компанией; с --apply делает это.\n"+
				"Ключ старого сервера (у Laravel — APP_KEY из .env) передаётся на стандартный ввод. У старого сервера ничего не меняется,\n"+
				"портал не вызывается. Подключение, которое меняли здесь, остаётся как есть (--overwrite заменит и его). Повторять можно сколько угодно.",
			"Reads the settings that an older server keeps in this database and shows what would become of each tenant; --apply does it.\n"+
				"The older server's key (Laravel's APP_KEY of its .env) comes from standard input. Nothing of that server is changed, the portal\n"+
				"is not called. A connection that was changed here stays as it is (--overwrite replaces it, too). It may be repeated at will."),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.importConnections(cmd.Context(), o) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.plugin, "plugin", "", a.say("имя плагина, см. plugins list", "the plugin's name, see plugins list"))
	flags.Int64Var(&o.tenant, "tenant", 0, a.say("только эта компания", "this tenant only"))
	flags.BoolVar(&o.fromStdin, "key-stdin", false, a.say("прочитать ключ старого сервера со стандартного ввода", "read the older server's key from standard input"))
	flags.BoolVar(&o.apply, "apply", false, a.say("сделать, а не только показать", "do it, instead of showing it"))
	flags.BoolVar(&o.overwrite, "overwrite", false, a.say("заменить и то, что меняли здесь", "replace what was changed here, too"))
	flags.BoolVar(&o.json, "json", false, a.say("одним массивом JSON", "as one JSON array"))
	_ = cmd.MarkFlagRequired("plugin")
	_ = cmd.MarkFlagRequired("key-stdin")
	return cmd
}

type importJSON struct {
	Tenant int64  `json:"tenant"`
	Name   string `json:"name"`
	// Action is connect, replace, unchanged, keep or skip; Done says that it was saved.
	Action string `json:"action"`
	Done   bool   `json:"done"`
	// Portal, Enabled and LastSync are the older server's.
	Portal   string     `json:"portal"`
	Enabled  bool       `json:"enabled"`
	LastSync *time.Time `json:"last_sync,omitempty"`
	Reason   string     `json:"reason,omitempty"`
	Message  string     `json:"message,omitempty"`
}

func (a *app) importConnections(ctx context.Context, o importOptions) error {
	if !o.fromStdin {
		return usageError{errors.New(a.say("--key-stdin: ключ старого сервера читается только со стандартного ввода", "--key-stdin: the older server's key comes from standard input only"))}
	}
	key, err := a.readSecret()
	if err != nil {
		return err
	}
	if err := a.openStore(ctx); err != nil {
		return err
	}
	if o.tenant != 0 {
		if _, err := a.store.Tenant(ctx, o.tenant); err != nil {
			return err
		}
	}
	steps := []importJSON{}
	failed := false
	err = a.connections().Import(ctx, a.keeper, connect.Import{
		Plugin: o.plugin, Key: key, TenantID: o.tenant, Apply: o.apply, Overwrite: o.overwrite,
	}, func(s connect.ImportStep) error {
		failed = failed || s.Failed()
		steps = append(steps, a.newImportJSON(s))
		return nil
	})
	if err != nil && len(steps) == 0 {
		return err
	}
	// What was saved before something failed is told all the same.
	if told := a.tellImport(steps, o); err == nil {
		err = told
	}
	if err == nil && failed {
		err = silent(exitFailed)
	}
	return err
}

func (a *app) newImportJSON(s connect.ImportStep) importJSON {
	out := importJSON{
		Tenant: s.TenantID, Name: s.TenantName, Action: string(s.Action), Done: s.Done, Portal: s.Portal, Enabled: s.Enabled,
		Reason: s.Reason, Message: oneLine(s.Message.In(a.locale)),
	}
	if !s.LastSync.IsZero() {
		at := s.LastSync.UTC()
		out.LastSync = &at
	}
	return out
}

func (a *app) tellImport(steps []importJSON, o importOptions) error {
	if o.json {
		return a.printJSON(steps)
	}
	if len(steps) == 0 {
		fmt.Fprintln(a.stdout, a.say("Старый сервер не знает ни одной компании.", "The older server knows no tenant."))
		return nil
	}
	table := a.newTable(a.say("КОМПАНИЯ\tНАЗВАНИЕ\tПОРТАЛ\tТАМ\tСИНХРОНИЗАЦИЯ ТАМ (UTC)\tЧТО\tПОЯСНЕНИЕ", "TENANT\tNAME\tPORTAL\tTHERE\tLAST SYNC THERE (UTC)\tWHAT\tNOTE"))
	waiting := 0
	for _, s := range steps {
		if !s.Done && (s.Action == string(connect.ActionConnect) || s.Action == string(connect.ActionReplace)) {
			waiting++
		}
		table.row(s.Tenant, shown(s.Name), shown(s.Portal), a.there(s), a.lastSync(s), a.importWord(s), s.Message)
	}
	if err := table.flush(); err != nil {
		return err
	}
	if waiting > 0 && !o.apply {
		fmt.Fprintf(a.stdout, a.say("Ничего не записано. Записать (подключений: %d): то же с --apply\n", "Nothing was saved. To save (connections: %d): the same with --apply\n"), waiting)
	}
	return nil
}

// there is whether the older server uses the connection.
func (a *app) there(s importJSON) string {
	switch {
	case s.Portal == "":
		return "—"
	case s.Enabled:
		return a.say("включено", "enabled")
	}
	return a.say("выключено", "disabled")
}

func (a *app) lastSync(s importJSON) string {
	if s.LastSync == nil {
		return "—"
	}
	return s.LastSync.Format(time.DateTime)
}

// importWord says what is done, or would be.
func (a *app) importWord(s importJSON) string {
	switch connect.Action(s.Action) {
	case connect.ActionConnect:
		if s.Done {
			return a.say("подключена", "connected")
		}
		return a.say("будет подключена", "would be connected")
	case connect.ActionReplace:
		if s.Done {
			return a.say("заменено", "replaced")
		}
		return a.say("будет заменено", "would be replaced")
	case connect.ActionUnchanged:
		return a.say("без изменений", "unchanged")
	case connect.ActionKeep:
		return a.say("остаётся", "stays")
	}
	return a.say("пропущена", "skipped")
}
