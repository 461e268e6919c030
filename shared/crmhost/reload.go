package crmhost

import (
	"context"

	"booking/shared/crm"
)

// Reload puts what lies in the plugin's folder now in the place of what runs, if
// it is trusted: the new process is started beside the old one, describes itself,
// is configured, migrated and asked for its health; then every new use gets it.
// Uses that go on finish on the old one, up to the drain limit. When the new
// one fails any of it, the old one stays and the error says why.
//
// A plugin that does not run, or has failed, is started afresh.
func (s *Supervisor) Reload(ctx context.Context) error {
	for {
		wait, beside, err := s.prepareReload()
		switch {
		case err != nil:
			return err
		case beside:
			return s.swap(ctx)
		}
		select {
		case <-wait.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if wait.fresh {
			return wait.err
		}
	}
}

// prepareReload says what a reload has to do: wait for a start, or bring up a
// process beside the one that runs.
func (s *Supervisor) prepareReload() (wait *attempt, beside bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, false, closing(s.options.Name)
	}
	switch s.state {
	case StateReady:
		s.background.Add(1) // until the end of swap
		return nil, true, nil
	case StateStarting: // of what, nobody can say: it may have begun before the new version lay there
		return s.pending, false, nil
	default:
		s.cancelTimer()
		s.failures.clear()
		s.used = true
		a := newAttempt()
		a.fresh = true
		s.begin(a)
		return a, false, nil
	}
}

func (s *Supervisor) swap(ctx context.Context) error {
	defer s.background.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	i, err := s.launch(ctx, nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && s.closed {
		s.background.Go(i.process.Kill)
		err = closing(s.options.Name)
	}
	if err != nil {
		return s.refuse(err)
	}
	s.cancelTimer()
	s.failures.clear()
	s.refused, s.refusedPin = nil, Pin{}
	old := s.current
	s.install(i)
	from := ""
	if old != nil {
		from = old.process.Description().Version
		s.retire(old)
	}
	s.log.Info(s.say("плагин заменён", "plugin reloaded"), "from", from, "to", i.process.Description().Version)
	return nil
}

// refuse remembers why a reload came to nothing; s.mu is held.
func (s *Supervisor) refuse(err error) error {
	if s.current == nil {
		s.refused = err
		return err
	}
	version := s.current.process.Description().Version
	s.refused = failure(crm.CodeOf(err), err,
		"новая версия плагина «%s» не запущена, работает прежняя (%s): %s", "the new version of plugin %q was not taken, the old one (%s) goes on: %s",
		[]any{s.options.Name, version, sentence(err)})
	s.log.Warn(s.say("плагин не заменён", "plugin not reloaded"), "version", version, "error", sentence(err).In(s.options.Process.Locale))
	return s.refused
}

// retire lets those who hold a process finish and stops it then; s.mu is held.
func (s *Supervisor) retire(i *instance) {
	i.leaving, i.leavingSince = true, s.options.Clock.Now()
	if i.holds == 0 {
		close(i.idle)
	}
	s.leaving[i] = struct{}{}
	limit := make(chan struct{})
	stopTimer := s.options.Clock.AfterFunc(s.options.DrainLimit, func() { close(limit) })
	s.background.Go(func() {
		defer stopTimer()
		select {
		case <-i.idle:
		case <-i.process.Done():
		case <-limit:
			i.process.because(overdue(s.options.Name, s.options.DrainLimit.String()))
		case <-s.graceOver:
			i.process.because(closing(s.options.Name))
		}
		i.process.Stop(s.hurry)
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.leaving, i)
	})
}

func overdue(name, limit string) error {
	return lost(nil, "плагин «%s» заменён, а этот вызов на прежнем процессе не закончился за %s: повторите его",
		"plugin %q was reloaded and this call did not end within %s on the old process: try again", name, limit)
}
