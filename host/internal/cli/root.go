// Package cli is the command line: one file per command, and app.go, the
// composition root, the only place that knows every room of the host.
package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"booking/host/internal/config"
	"booking/host/internal/mysqld"
)

// Version of the host, shown by --version.
const Version = "0.1.0"

// Main runs one command and returns the process's exit status: 0 done, 1 failed,
// 2 wrong usage, 3 a run for the tenant is already going on.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return MainAt(time.Now, args, stdin, stdout, stderr)
}

// MainAt is Main with a clock for the schedule: tests let many nights pass in a minute.
func MainAt(clock func() time.Time, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{
		clock: clock, stdin: stdin, stdout: stdout, stderr: stderr,
		environment: config.Environment(), role: mysqld.Attach,
	}
	a.locale = config.Locale(a.environment)
	ctx, release := interruptible(context.Background())
	defer release()
	return a.run(ctx, args)
}

// interruptible ends the context at the first Ctrl-C or SIGTERM, so that a
// command can stop in order; the second one ends the process at once.
func interruptible(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		os.Exit(exitFailed)
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel()
	}
}

func (a *app) run(ctx context.Context, args []string) int {
	defer a.close()
	root := a.rootCommand()
	root.SetArgs(a.withAliases(root, args))
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	cmd, err := root.ExecuteContextC(ctx)
	a.command = commandWords(cmd)
	return a.report(err)
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:     "booking-host",
		Short:   a.say("сотрудники из CRM в календаре бронирования", "people of a CRM in the booking calendar"),
		Version: Version,
		// Errors are printed once, by report, in the operator's language.
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(
		a.serveCommand(), a.migrateCommand(), a.tenantsCommand(), a.usersCommand(), a.crmCommand(),
		a.syncUsersCommand(), a.scheduleCommand(), a.scheduleRunCommand(), a.runsCommand(), a.pluginsCommand(), a.secretsCommand(), a.tokensCommand(), a.mailCommand(), a.noticesCommand(), a.demoCommand(),
	)
	a.translateHelp(root)
	return root
}

// withAliases replaces a command's other name, taken from a plugin's manifest,
// by the name it stands for: "crm:sync-users" is "sync-users".
func (a *app) withAliases(root *cobra.Command, args []string) []string {
	if len(args) == 0 {
		return args
	}
	if found, _, err := root.Find(args[:1]); err == nil && found != root {
		return args
	}
	for alias, command := range a.aliases() {
		if args[0] == alias {
			return append([]string{command}, args[1:]...)
		}
	}
	return args
}

// usageError is a mistake in the command's words: exit status 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// words wraps a cobra argument check, so that its error counts as wrong usage.
func words(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{err}
		}
		return nil
	}
}

// silent is an exit status whose reason has been told already.
type silent int

func (silent) Error() string { return "" }

func exitStatus(err error) int {
	var status silent
	var usage usageError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &status):
		return int(status)
	case errors.As(err, &usage), isCobraUsage(err):
		return exitUsage
	default:
		return exitFailed
	}
}
