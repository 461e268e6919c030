package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"booking/host/internal/connect"
	"booking/host/internal/mysqld"
	"booking/host/internal/problem"
	"booking/host/internal/runs"
	"booking/host/internal/simulator"
	"booking/host/internal/store"
	"booking/shared/crm"
	"booking/shared/crmhost"
	"booking/shared/secret"
)

const demoAdmin = "admin@demo.example"

func (a *app) demoCommand() *cobra.Command {
	var once bool
	cmd := &cobra.Command{
		Use: "demo", Short: a.say("показать всё в работе на ненастоящем портале", "show everything at work with a simulated portal"), Args: words(cobra.NoArgs),
		Long: a.say(
			"Поднимает собственную базу, ненастоящий портал и плагин, заводит компанию и администратора, один раз синхронизирует\nсотрудников и показывает страницу до Ctrl-C. Повторный вызов продолжает с того, что оставил первый.",
			"Brings up a private database, a simulated portal and the plugin, makes a company and an administrator, syncs the people once\nand serves the page until Ctrl-C. A second call goes on from what the first one left."),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.demo(cmd.Context(), once) },
	}
	cmd.Flags().BoolVar(&once, "once", false, a.say("то же без страницы, и выйти", "the same without the page, then exit"))
	return cmd
}

func (a *app) demo(ctx context.Context, once bool) error {
	a.role = mysqld.Owner
	found, err := a.demoPlugin()
	if err != nil {
		return err
	}
	portal, err := simulator.Start(ctx, found.Executable(), found.Manifest.Simulator)
	if err != nil {
		return err
	}
	a.onClose(portal.Stop)
	a.config.HTTPPortals = append(a.config.HTTPPortals, portal.Hosts...)
	service, err := a.runService(ctx)
	if err != nil {
		return err
	}
	tenant, err := a.demoTenant(ctx, found.Name, portal.Settings)
	if err != nil {
		return err
	}
	password, err := a.demoAdministrator(ctx, tenant)
	if err != nil {
		return err
	}
	// A line per person would push the progress bar away; the summary and the page name them.
	service.Quiet = true
	watch := a.newProgress(false)
	outcome, err := service.Sync(ctx, runs.Request{TenantID: tenant, Mode: crm.ModeApply, Trigger: "cli"}, watch)
	watch.done()
	if err != nil {
		return err
	}
	a.tellSummary(outcome, watch)
	if status := outcomeStatus(outcome); status != exitDone {
		return silent(status)
	}
	if once {
		return nil
	}
	a.measure(service)
	if err := portal.Tell("lively"); err != nil {
		return err
	}
	a.opened = firstTime(a.log, func(ctx context.Context) error {
		_, err := service.Queue(ctx, runs.Request{TenantID: tenant, Mode: crm.ModeApply, Trigger: "cli"})
		return err
	})
	return a.demoServe(ctx, service, password)
}

// firstTime does something the first time the settings are opened: there is a run to
// look at then, and the next one is the visitor's own.
func firstTime(log *slog.Logger, do func(context.Context) error) func(context.Context, int64) {
	var once sync.Once
	return func(ctx context.Context, _ int64) {
		once.Do(func() {
			if err := do(ctx); err != nil {
				log.Warn("the demo's run cannot be queued", "error", err.Error())
			}
		})
	}
}

// demoPlugin is the first plugin that brings a simulated portal; the demo trusts
// it in its own data directory, for it was built a moment ago.
func (a *app) demoPlugin() (crmhost.Found, error) {
	all, err := crmhost.Discover(a.config.PluginDir)
	if err != nil {
		return crmhost.Found{}, err
	}
	for _, found := range all {
		if found.Err == nil && len(found.Manifest.Simulator) > 0 {
			return found, a.trust().Pin(found)
		}
	}
	return crmhost.Found{}, crm.NewError(crm.CodePluginMissing, crm.Text{
		RU: fmt.Sprintf("В папке %s нет плагина с ненастоящим порталом: выполните make build", a.config.PluginDir),
		EN: fmt.Sprintf("No plugin in %s brings a simulated portal: run make build", a.config.PluginDir),
	}, nil)
}

// demoTenant makes the demo's company, or finds it, and connects it to the portal.
func (a *app) demoTenant(ctx context.Context, plugin string, settings crm.Settings) (int64, error) {
	name := a.say("Демонстрация", "Demo")
	tenants, err := a.store.Tenants(ctx)
	if err != nil {
		return 0, err
	}
	var tenant int64
	if len(tenants) > 0 {
		tenant = tenants[0].ID
	} else {
		added, err := a.store.AddTenant(ctx, name)
		if err != nil {
			return 0, err
		}
		tenant = added.ID
	}
	_, description, release, err := a.keeper.Describe(ctx, plugin)
	if err != nil {
		return 0, err
	}
	release()
	change := connect.Change{TenantID: tenant, Plugin: plugin, Plain: map[string]string{}, Secret: map[string]secret.Text{}}
	for _, field := range description.Fields {
		value, given := settings[field.Key]
		switch {
		case given && field.Secret:
			change.Secret[field.Key] = value
		case given:
			change.Plain[field.Key] = value.Reveal()
		}
	}
	_, err = a.connections().Save(ctx, change)
	return tenant, err
}

// demoAdministrator makes the administrator once and keeps the password in the
// demo's data directory, so that a second call can tell it again.
func (a *app) demoAdministrator(ctx context.Context, tenant int64) (secret.Text, error) {
	path := filepath.Join(a.config.DataDir, "demo-password")
	kept, err := os.ReadFile(path)
	if err == nil {
		return secret.New(strings.TrimSpace(string(kept))), nil
	}
	password := secret.New(strings.ToLower(rand.Text()[:12]))
	_, err = a.store.AddUser(ctx, store.NewUser{
		TenantID: tenant, Email: demoAdmin, Name: a.say("Администратор", "Administrator"), Role: store.RoleAdmin, Password: password,
	})
	if err != nil && !errors.Is(err, store.ErrDuplicate) {
		return secret.Text{}, err
	}
	if err == nil {
		err = os.WriteFile(path, []byte(password.Reveal()+"\n"), 0o600)
	}
	if errors.Is(err, store.ErrDuplicate) {
		return secret.Text{}, nil
	}
	return password, err
}

func (a *app) demoServe(ctx context.Context, service *runs.Service, password secret.Text) error {
	a.demonstrates = true
	doors, err := a.openDoors(ctx)
	if err != nil {
		fmt.Fprintln(a.stderr, "⚠️ "+oneLine(problem.TextOf(err).In(a.locale)))
		a.config.Addr = "127.0.0.1:0"
		if doors, err = a.openDoors(ctx); err != nil {
			return err
		}
	}
	given := a.config.PublicURL != "http://"+a.config.Addr
	address := "http://" + doors.pages.Addr().(*net.TCPAddr).String()
	if !given {
		a.config.PublicURL = address
	}
	fmt.Fprintf(a.stdout, a.say("\n  Страница:      %s/settings/crm\n  Вход:          %s\n", "\n  Page:          %s/settings/crm\n  Sign in as:    %s\n"), address, demoAdmin)
	if !password.Empty() {
		fmt.Fprintf(a.stdout, a.say("  Пароль:        %s\n", "  Password:      %s\n"), password.Reveal())
	}
	fmt.Fprintln(a.stdout, a.say("\n  Остановить: Ctrl-C", "\n  Stop: Ctrl-C"))
	return a.serve(ctx, doors, service, duties{pages: true, work: true})
}
