package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"booking/host/internal/config"
	"booking/host/internal/health"
	"booking/host/internal/logging"
	"booking/host/internal/metrics"
	"booking/host/internal/mysqld"
	"booking/host/internal/plugins"
	"booking/host/internal/runs"
	"booking/host/internal/secrets"
	"booking/host/internal/store"
	"booking/host/internal/systemd"
	"booking/migrations"
	"booking/shared/crm"
	"booking/shared/crmhost"
	"booking/shared/secret"
	"booking/shared/usersync"
)

// pluginsLeave is how long plugins may take to end in order.
const pluginsLeave = 10 * time.Second

// app holds what a command needs; every part is made when it is first asked for,
// so that `plugins trust` needs no database and `--help` needs nothing.
type app struct {
	clock          func() time.Time // the schedule's
	stdin          io.Reader
	stdout, stderr io.Writer
	environment    map[string]string
	locale         string
	command        string // the command's words, for hints

	config  *config.Config
	screen  *logging.Screen
	log     *slog.Logger
	dsn     secret.Text // the host's account
	private *mysqld.Instance
	// role says whether this process may own the private database for good.
	role mysqld.Role
	// demonstrates: the pages show the outbox, for there is nobody to send mail to.
	demonstrates bool
	// opened is told when the settings are opened; nil outside the demo.
	opened func(context.Context, int64)

	store   *store.Store
	box     *secrets.Box
	keeper  *plugins.Keeper
	health  *health.Checker
	metrics *metrics.Metrics // nil: nobody counts
	manager systemd.Manager
	closers []func()
}

// configure reads the environment and opens the log. Every command but help and
// completion begins with it.
func (a *app) configure() error {
	if a.config != nil {
		return nil
	}
	loaded, err := config.Load(a.environment)
	if err != nil {
		return usageError{err}
	}
	config.ForgetSecrets()
	a.config, a.locale = loaded, loaded.Locale
	a.screen = a.newScreen()
	log, closer, err := logging.New(logging.Options{Out: a.screen, File: loaded.LogFile, Level: loaded.LogLevel, JSON: loaded.LogFormat == "json"})
	if err != nil {
		return err
	}
	a.log = log
	a.onClose(func() { _ = closer.Close() })
	for _, name := range config.Unknown(a.environment) {
		log.Warn(a.say("неизвестная переменная окружения", "unknown environment variable"), "name", name)
	}
	return nil
}

// openDatabase opens the database, the operator's or the private one, as it is.
func (a *app) openDatabase(ctx context.Context) error {
	if a.store != nil {
		return nil
	}
	a.dsn = a.config.DSN
	if a.dsn.Empty() {
		instance, err := mysqld.Open(ctx, mysqld.Options{DataDir: a.config.DataDir, Role: a.role, Log: a.log, Locale: a.locale})
		if err != nil {
			return err
		}
		a.private, a.dsn = instance, instance.DSN()
		a.onClose(func() { _ = instance.Close() })
	}
	opened, err := store.Open(ctx, a.dsn, func(notice crm.Text) { fmt.Fprintln(a.stderr, notice.In(a.locale)) })
	if err != nil {
		return err
	}
	a.store = opened
	a.onClose(func() { _ = opened.Close() })
	a.keeper = plugins.New(a.pluginOptions())
	a.onClose(func() {
		ctx, cancel := context.WithTimeout(context.Background(), pluginsLeave)
		defer cancel()
		a.keeper.Close(ctx)
	})
	return nil
}

// openAndMigrate opens the database, brings the host's own tables up (they are
// ours alone, so any command may) and unlocks the secrets.
func (a *app) openAndMigrate(ctx context.Context) ([]string, error) {
	if err := a.openDatabase(ctx); err != nil {
		return nil, err
	}
	var applied []string
	for _, set := range ownSets() {
		set.Lease = a.config.Lease
		steps, err := set.Up(ctx, a.store.DB())
		if err != nil {
			return nil, err
		}
		for _, step := range steps {
			applied = append(applied, set.Name+": "+step)
		}
	}
	box, err := secrets.Unlock(ctx, a.store.DB(), a.secretOptions())
	if err != nil {
		return nil, err
	}
	a.box = box
	return applied, nil
}

func (a *app) secretOptions() secrets.Options {
	return secrets.Options{DataDir: a.config.DataDir, Key: a.config.SecretKey}
}

// openStore is openAndMigrate for commands that are not about migrations.
func (a *app) openStore(ctx context.Context) error {
	_, err := a.openAndMigrate(ctx)
	return err
}

// runService is the door to syncs.
func (a *app) runService(ctx context.Context) (*runs.Service, error) {
	if err := a.openStore(ctx); err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return &runs.Service{
		Store: a.store, Box: a.box, Plugins: a.keeper, Log: a.log, Lease: a.config.Lease,
		Host: fmt.Sprintf("%s:%d", host, os.Getpid()), Locale: a.locale,
		Limits: runs.Limits{Runs: int(a.config.Runs), PerPortal: int(a.config.PerPortal), PerPlugin: int(a.config.PerPlugin)},
	}, nil
}

func (a *app) pluginOptions() plugins.Options {
	narrow := a.config.PluginDSN
	options := plugins.Options{
		Dir: a.config.PluginDir, Trust: a.trust(), Log: a.log, DSN: a.dsn, Watch: a.config.PluginWatch,
		Limits: crmhost.Limits{Memory: a.config.PluginMemory << 20, Files: a.config.PluginFiles},
	}
	if a.private != nil {
		narrow = a.private.PluginDSN()
		options.Grant = func(ctx context.Context, column string) error {
			return a.private.EnsurePluginAccount(ctx, usersync.Grants(mysqld.PluginUser, mysqld.Database, column))
		}
	}
	if narrow.Empty() {
		narrow = a.dsn
	}
	options.AddLink = func(ctx context.Context, column string) ([]string, error) {
		set := migrations.Link(column)
		set.Lease = a.config.Lease
		return set.Up(ctx, a.store.DB())
	}
	options.Configuration = crm.Configuration{
		DSN: narrow, Locale: a.locale, HTTPPortals: a.config.HTTPPortals, Proxy: a.config.Proxy, LimitWait: a.config.LimitWait,
	}
	return options
}

func (a *app) trust() crmhost.Trust {
	return crmhost.Trust{Path: filepath.Join(a.config.DataDir, "trust.json"), Clock: time.Now}
}

// aliases are the other names of commands that the plugins' manifests give.
func (a *app) aliases() map[string]string {
	all := map[string]string{}
	if a.configure() != nil {
		return all
	}
	found, err := crmhost.Discover(a.config.PluginDir)
	if err != nil {
		return all
	}
	for _, f := range found {
		for alias, command := range f.Manifest.Aliases {
			all[alias] = command
		}
	}
	return all
}

func (a *app) newScreen() *logging.Screen {
	if file, ok := a.stderr.(*os.File); ok {
		return logging.NewScreen(file)
	}
	return logging.NewPlainScreen(a.stderr)
}

func (a *app) onClose(closer func()) { a.closers = append(a.closers, closer) }

// close undoes what was opened, the last first.
func (a *app) close() {
	for i := len(a.closers) - 1; i >= 0; i-- {
		a.closers[i]()
	}
	a.closers = nil
}
