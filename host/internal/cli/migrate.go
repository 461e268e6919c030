package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"booking/host/internal/problem"
	"booking/migrations"
	"booking/shared/crmhost"
)

func (a *app) migrateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "migrate", Short: a.say("привести таблицы в порядок (up), показать (status)", "bring the tables up (up), show them (status)"), Args: words(cobra.NoArgs),
		Long: a.say(
			"Добавляет таблицы хоста и то, что нужно доверенным плагинам. Существующие таблицы и строки не меняются,\n"+
				"добавляются только недостающие столбцы и индексы. Можно запускать сколько угодно раз и с нескольких машин.",
			"Adds the host's tables and what trusted plugins need. Existing tables and rows stay as they are, only missing\n"+
				"columns and indexes are added. It may be run any number of times and from several machines at once."),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.migrateUp(cmd) },
	}
	cmd.AddCommand(
		&cobra.Command{Use: "up", Short: a.say("добавить недостающее", "add what is missing"), Args: words(cobra.NoArgs),
			RunE: func(cmd *cobra.Command, _ []string) error { return a.migrateUp(cmd) }},
		&cobra.Command{Use: "status", Short: a.say("что уже сделано", "what has been done"), Args: words(cobra.NoArgs),
			RunE: func(cmd *cobra.Command, _ []string) error { return a.migrateStatus(cmd) }},
		&cobra.Command{Use: "unlock", Short: a.say("снять замок, не дожидаясь его срока (обычно не нужно)", "take the lock away before its time (usually not needed)"), Args: words(cobra.NoArgs),
			RunE: func(cmd *cobra.Command, _ []string) error { return a.migrateUnlock(cmd) }},
	)
	return cmd
}

func (a *app) migrateUp(cmd *cobra.Command) error {
	ctx := cmd.Context()
	applied, err := a.openAndMigrate(ctx)
	if err != nil {
		return err
	}
	for _, step := range applied {
		fmt.Fprintf(a.stdout, "✅ %s\n", step)
	}
	more, err := a.migratePlugins(cmd)
	if err != nil {
		return err
	}
	if len(applied)+more == 0 {
		fmt.Fprintln(a.stdout, a.say("Всё уже на месте.", "Everything is in place already."))
	}
	return nil
}

// migratePlugins runs the migration of each trusted plugin; an untrusted one is a
// warning, for nobody has allowed it to run.
func (a *app) migratePlugins(cmd *cobra.Command) (int, error) {
	found, err := crmhost.Discover(a.config.PluginDir)
	if err != nil {
		fmt.Fprintln(a.stderr, "⚠️ "+oneLine(problem.TextOf(err).In(a.locale)))
		return 0, nil
	}
	count := 0
	for _, f := range found {
		if err := a.trust().Verify(f); err != nil {
			fmt.Fprintln(a.stderr, "⚠️ "+oneLine(problem.TextOf(err).In(a.locale)))
			continue
		}
		applied, err := a.keeper.Migrate(cmd.Context(), f.Name)
		if err != nil {
			return count, err
		}
		for _, step := range applied {
			fmt.Fprintf(a.stdout, "✅ %s: %s\n", f.Name, printable(step))
		}
		count += len(applied)
	}
	return count, nil
}

func (a *app) migrateStatus(cmd *cobra.Command) error {
	if err := a.openDatabase(cmd.Context()); err != nil {
		return err
	}
	table := a.newTable(a.say("НАБОР\tШАГ\tСДЕЛАН (UTC)", "SET\tSTEP\tAPPLIED (UTC)"))
	for _, set := range ownSets() {
		steps, err := set.Status(cmd.Context(), a.store.DB())
		if err != nil {
			return err
		}
		for _, step := range steps {
			when := a.say("нет", "no")
			if !step.AppliedAt.IsZero() {
				when = step.AppliedAt.UTC().Format(time.DateTime)
			}
			table.row(set.Name, step.Name, when)
		}
	}
	return table.flush()
}

func (a *app) migrateUnlock(cmd *cobra.Command) error {
	if err := a.openDatabase(cmd.Context()); err != nil {
		return err
	}
	for _, set := range ownSets() {
		if err := set.Unlock(cmd.Context(), a.store.DB()); err != nil {
			return err
		}
	}
	fmt.Fprintln(a.stdout, a.say("Замок снят.", "The lock is gone."))
	return nil
}

// ownSets are the migrations the host itself runs; those of a plugin run in the plugin.
func ownSets() []migrations.Set { return []migrations.Set{migrations.Host, migrations.Usersync} }
