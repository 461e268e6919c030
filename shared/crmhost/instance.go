package crmhost

import (
	"context"
	"errors"
	"sync"
	"time"

	"booking/shared/crm"
)

// instance is one process of a supervised plugin and those who use it.
type instance struct {
	process *Process
	// What was trusted when it was started.
	executableSHA256, manifestSHA256 string

	// Under Supervisor.mu:
	holds int
	// replaced by a newer process, or by the end of the host.
	leaving      bool
	leavingSince time.Time
	idle         chan struct{} // closed when it is leaving and nobody holds it

	// migrating is held by who migrates; migrated is theirs.
	migrating chan struct{}
	migrated  bool
}

// Hold is somebody's use of a plugin's process: until Release the process stays,
// whatever is reloaded meanwhile. It may still die.
type Hold struct {
	Plugin      crm.Plugin
	Description crm.Description

	release sync.Once
	drop    func()
}

// Release ends the use; more than once does no harm.
func (h *Hold) Release() { h.release.Do(h.drop) }

// Use returns the plugin, started, configured and migrated. It waits for a start
// that goes on or is due soon; a caller that gives up does not end it for others.
// Errors are what the start failed with, plugin_lost while the plugin waits for a
// later restart or has failed, or the end of ctx.
func (s *Supervisor) Use(ctx context.Context) (*Hold, error) {
	h, i, err := s.hold(ctx, true)
	if err != nil {
		return nil, err
	}
	if _, err := s.migrate(ctx, i, false); err != nil {
		h.Release()
		return nil, err
	}
	return h, nil
}

// Ask returns the plugin as Use does, but does not migrate: for questions that
// need no database.
func (s *Supervisor) Ask(ctx context.Context) (*Hold, error) {
	h, _, err := s.hold(ctx, false)
	return h, err
}

// Migrate runs the plugin's migration, again if need be, and says what it did.
func (s *Supervisor) Migrate(ctx context.Context) ([]string, error) {
	// A start for a use would migrate by itself, and nobody would hear what it did.
	h, i, err := s.hold(ctx, false)
	if err != nil {
		return nil, err
	}
	defer h.Release()
	applied, err := s.migrate(ctx, i, true)
	s.mu.Lock()
	s.used = true
	s.mu.Unlock()
	return applied, err
}

func (s *Supervisor) hold(ctx context.Context, used bool) (*Hold, *instance, error) {
	for {
		i, wait, err := s.take(used)
		switch {
		case err != nil:
			return nil, nil, err
		case i != nil:
			return &Hold{Plugin: i.process.Plugin(), Description: i.process.Description(), drop: func() { s.drop(i) }}, i, nil
		}
		select {
		case <-wait.done:
			if wait.err != nil {
				return nil, nil, wait.err
			}
		case <-ctx.Done():
			return nil, nil, context.Cause(ctx)
		}
	}
}

// take returns a process that is held for the caller, or a start to wait for.
func (s *Supervisor) take(used bool) (*instance, *attempt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used = s.used || used
	if s.current != nil && s.current.process.hasEnded() {
		s.ended(s.current) // before its follower has seen it
	}
	switch s.state {
	case StateReady:
		s.current.holds++
		return s.current, nil, nil
	case StateStarting:
		return nil, s.pending, nil
	case StateBackingOff:
		if s.retryAt.Sub(s.options.Clock.Now()) > s.options.Patience {
			return nil, nil, s.reason
		}
		return nil, s.pending, nil
	case StateFailed:
		if s.failures.tripped(s.options.Restart, s.options.Clock.Now()) && !s.trustedAnew() {
			return nil, nil, s.reason
		}
	case StateDraining:
		return nil, nil, closing(s.options.Name)
	}
	if s.closed {
		return nil, nil, closing(s.options.Name)
	}
	a := newAttempt()
	s.begin(a)
	return nil, a, nil
}

// trustedAnew says that the operator has looked at the plugin since it failed;
// then it starts with a clean sheet. s.mu is held.
func (s *Supervisor) trustedAnew() bool {
	pin, err := s.options.Process.Trust.pin(s.options.Name)
	if err != nil || pin == s.pinAtFailure {
		return false
	}
	s.failures.clear()
	return true
}

func (s *Supervisor) drop(i *instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i.holds--; i.leaving && i.holds == 0 {
		close(i.idle)
	}
}

// migrate runs the migration unless this process has done so already.
func (s *Supervisor) migrate(ctx context.Context, i *instance, again bool) ([]string, error) {
	if s.options.Migrate == nil {
		return nil, nil
	}
	select {
	case i.migrating <- struct{}{}:
		defer func() { <-i.migrating }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if i.migrated && !again {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.options.MigrateTimeout)
	defer cancel()
	applied, err := s.options.Migrate(ctx, i.process)
	i.migrated = i.migrated || err == nil
	return applied, err
}

// ended takes note of a process's end; s.mu is held.
func (s *Supervisor) ended(i *instance) {
	if s.current != i {
		return
	}
	s.current = nil
	err := i.process.Err()
	if err == nil { // stopped by this side without having been replaced: nobody does that
		err = i.process.endedError()
	}
	s.failed(err, i.process.LastWords(), true)
}

func closing(name string) error {
	return lost(nil, "хост останавливается, плагин «%s» больше не принимает вызовов: повторите после запуска хоста",
		"the host stops, plugin %q takes no more calls: try again once the host is up", name)
}

// wordsOf are the last words of a process that did not come up.
func wordsOf(err error) string {
	if early := (*earlyDeath)(nil); errors.As(err, &early) {
		return early.words
	}
	return ""
}
