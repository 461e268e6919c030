// Package plugins keeps the plugin processes of this host: a thin layer over
// crmhost that starts a plugin when somebody needs it, tells it what it must know
// and lets its migration run once.
package plugins

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

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
	// DSN is the account that may ALTER; a plugin sees it in Migrate only.
	DSN secret.Text
	// Configuration carries the narrow account's DSN.
	Configuration crm.Configuration
	// Grant gives the narrow account its rights once the plugin's columns are there;
	// nil where the operator has done that.
	Grant func(ctx context.Context, column string) error
}

// Keeper starts plugins and keeps them running. It is safe for use by several
// goroutines; one plugin that is slow to start holds up nobody else's.
type Keeper struct {
	options Options
	mu      sync.Mutex
	slots   map[string]*slot
}

// slot is one plugin's place. Its lock is held while the plugin starts or migrates.
type slot struct {
	mu       sync.Mutex
	process  *crmhost.Process
	migrated bool
}

// New makes a Keeper; no plugin is started yet.
func New(options Options) *Keeper {
	return &Keeper{options: options, slots: map[string]*slot{}}
}

// Plugin returns the plugin of a name, started, configured and migrated. One that
// has died is started again. Errors are *crm.Error with a plugin_ code, or what
// its migration says.
func (k *Keeper) Plugin(ctx context.Context, name string) (crm.Plugin, crm.Description, error) {
	s, release, err := k.started(ctx, name)
	if err != nil {
		return nil, crm.Description{}, err
	}
	defer release()
	if !s.migrated {
		if _, err := k.migrate(ctx, s); err != nil {
			return nil, crm.Description{}, err
		}
	}
	return s.process.Plugin(), s.process.Description(), nil
}

// Describe starts the plugin if need be and says what it is; nothing is migrated.
func (k *Keeper) Describe(ctx context.Context, name string) (crm.Plugin, crm.Description, error) {
	s, release, err := k.started(ctx, name)
	if err != nil {
		return nil, crm.Description{}, err
	}
	defer release()
	return s.process.Plugin(), s.process.Description(), nil
}

// Migrate runs the plugin's own migration and returns the steps that did something.
func (k *Keeper) Migrate(ctx context.Context, name string) ([]string, error) {
	s, release, err := k.started(ctx, name)
	if err != nil {
		return nil, err
	}
	defer release()
	return k.migrate(ctx, s)
}

// started returns the plugin's slot, locked, with a living process in it.
func (k *Keeper) started(ctx context.Context, name string) (*slot, func(), error) {
	k.mu.Lock()
	s := k.slots[name]
	if s == nil {
		s = &slot{}
		k.slots[name] = s
	}
	k.mu.Unlock()
	s.mu.Lock()
	if err := k.start(ctx, name, s); err != nil {
		s.mu.Unlock()
		return nil, nil, err
	}
	return s, s.mu.Unlock, nil
}

func (k *Keeper) start(ctx context.Context, name string, s *slot) error {
	if s.process != nil {
		select {
		case <-s.process.Done():
			s.process, s.migrated = nil, false
		default:
			return nil
		}
	}
	found, err := crmhost.Find(k.options.Dir, name)
	if err != nil {
		return err
	}
	process, err := crmhost.Start(ctx, crmhost.Options{Found: found, Trust: k.options.Trust, Log: k.options.Log, Locale: k.options.Configuration.Locale})
	if err != nil {
		return err
	}
	if err := process.Plugin().Configure(ctx, k.options.Configuration); err != nil {
		process.Kill()
		return fmt.Errorf("configure the plugin %s: %w", name, err)
	}
	s.process = process
	return nil
}

func (k *Keeper) migrate(ctx context.Context, s *slot) ([]string, error) {
	description := s.process.Description()
	result, err := s.process.Plugin().Migrate(ctx, crm.Migration{DSN: k.options.DSN})
	if err != nil {
		return nil, fmt.Errorf("migrate for the plugin %s: %w", description.Name, err)
	}
	if k.options.Grant != nil {
		if err := k.options.Grant(ctx, description.ExternalIDColumn); err != nil {
			return nil, fmt.Errorf("grant the plugin %s its rights: %w", description.Name, err)
		}
	}
	s.migrated = true
	return result.Applied, nil
}

// Close stops every plugin, side by side, and waits until they are gone.
func (k *Keeper) Close(ctx context.Context) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var stopping sync.WaitGroup
	for _, s := range k.slots {
		stopping.Go(func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.process != nil {
				s.process.Stop(ctx)
			}
		})
	}
	stopping.Wait()
	clear(k.slots)
}
