// Package plugins keeps the plugin processes of this host: a thin layer over
// crmhost that gives each plugin its supervisor, tells it what it must know and
// lets its migration run, and the control socket by which other commands reach
// the host that serves ([Listen], [Hosts]).
package plugins

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"booking/shared/crm"
	"booking/shared/crmhost"
	"booking/shared/secret"
)

// Options are what the keeper and its plugins need to know.
type Options struct {
	// Dir has one folder per plugin.
	Dir   string
	Trust crmhost.Trust
	Log   *slog.Logger
	// Limits of each plugin's process; zero values are crmhost's.
	Limits crmhost.Limits
	// Watch is how often to look for a newly trusted version, which then takes over;
	// 0: only a reload does that.
	Watch time.Duration
	// DSN is the account that may ALTER; a plugin sees it in Migrate only.
	DSN secret.Text
	// Configuration carries the narrow account's DSN.
	Configuration crm.Configuration
	// Grant gives the narrow account its rights once the plugin's columns are there;
	// nil where the operator has done that.
	Grant func(ctx context.Context, column string) error
	// AddLink gives users the column of a plugin without a database (crm.Description.
	// HostSyncs) and returns the steps that did something.
	AddLink func(ctx context.Context, column string) ([]string, error)
}

// Keeper starts plugins and keeps them running. It is safe for use by several
// goroutines; one plugin that is slow to start holds up nobody else's.
type Keeper struct {
	options Options

	mu          sync.Mutex
	supervisors map[string]*crmhost.Supervisor
	closed      bool
}

// New makes a Keeper; no plugin is started yet.
func New(options Options) *Keeper {
	return &Keeper{options: options, supervisors: map[string]*crmhost.Supervisor{}}
}

// Plugin returns the plugin of a name, started, configured and migrated. Its
// process stays until release is called, whatever is reloaded meanwhile. Errors
// are *crm.Error with a plugin_ code, or what its migration says.
func (k *Keeper) Plugin(ctx context.Context, name string) (plugin crm.Plugin, d crm.Description, release func(), err error) {
	return held(k.supervisor(name).Use(ctx))
}

// Describe is Plugin without the migration, for questions that need no database.
func (k *Keeper) Describe(ctx context.Context, name string) (plugin crm.Plugin, d crm.Description, release func(), err error) {
	return held(k.supervisor(name).Ask(ctx))
}

func held(h *crmhost.Hold, err error) (crm.Plugin, crm.Description, func(), error) {
	if err != nil {
		return nil, crm.Description{}, nil, err
	}
	return h.Plugin, h.Description, h.Release, nil
}

// Migrate runs the plugin's own migration, or adds the column of one without a
// database, and returns the steps that did something.
func (k *Keeper) Migrate(ctx context.Context, name string) ([]string, error) {
	return k.supervisor(name).Migrate(ctx)
}

// Reload puts the plugin's trusted version in the place of the running one;
// [crmhost.Supervisor.Reload].
func (k *Keeper) Reload(ctx context.Context, name string) (crmhost.Status, error) {
	if _, err := crmhost.Find(k.options.Dir, name); err != nil && crm.CodeOf(err) == crm.CodePluginMissing {
		return crmhost.Status{}, err // no supervisor for a name that is a typing error
	}
	s := k.supervisor(name)
	err := s.Reload(ctx)
	return s.Status(), err
}

// Status says how each plugin is that somebody has asked for, by name.
func (k *Keeper) Status() []crmhost.Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := make([]crmhost.Status, 0, len(k.supervisors))
	for _, s := range k.supervisors {
		all = append(all, s.Status())
	}
	slices.SortFunc(all, func(a, b crmhost.Status) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Close stops every plugin, side by side, and waits until they are gone; the end
// of ctx makes it kill.
func (k *Keeper) Close(ctx context.Context) {
	k.mu.Lock()
	k.closed = true
	all := slices.Collect(maps.Values(k.supervisors))
	k.mu.Unlock()
	var stopping sync.WaitGroup
	for _, s := range all {
		stopping.Go(func() { s.Close(ctx) })
	}
	stopping.Wait()
}

func (k *Keeper) supervisor(name string) *crmhost.Supervisor {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.supervisors[name]
	if s == nil {
		s = crmhost.Supervise(crmhost.Supervision{
			Dir: k.options.Dir, Name: name, Watch: k.options.Watch, Configure: k.configure, Migrate: k.migrate,
			Process: crmhost.Options{Trust: k.options.Trust, Log: k.options.Log, Locale: k.options.Configuration.Locale, Limits: k.options.Limits},
		})
		k.supervisors[name] = s
		if k.closed {
			s.Close(context.Background()) // has nothing to wait for, and starts nothing from now on
		}
	}
	return s
}

func (k *Keeper) configure(ctx context.Context, p *crmhost.Process) error {
	configuration := k.options.Configuration
	if p.Description().HostSyncs() {
		configuration.DSN = secret.Text{}
	}
	return p.Plugin().Configure(ctx, configuration)
}

func (k *Keeper) migrate(ctx context.Context, p *crmhost.Process) ([]string, error) {
	description := p.Description()
	if description.HostSyncs() {
		applied, err := k.options.AddLink(ctx, description.ExternalIDColumn)
		if err != nil {
			return nil, fmt.Errorf("add the column of the plugin %s: %w", description.Name, err)
		}
		return applied, nil
	}
	result, err := p.Plugin().Migrate(ctx, crm.Migration{DSN: k.options.DSN})
	if err != nil {
		return nil, fmt.Errorf("migrate for the plugin %s: %w", description.Name, err)
	}
	if k.options.Grant != nil {
		if err := k.options.Grant(ctx, description.ExternalIDColumn); err != nil {
			return nil, fmt.Errorf("grant the plugin %s its rights: %w", description.Name, err)
		}
	}
	return result.Applied, nil
}
