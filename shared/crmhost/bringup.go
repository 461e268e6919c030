package crmhost

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"

	"booking/shared/crm"
)

// healthTimeout bounds the question whether a fresh process is well.
const healthTimeout = 5 * time.Second

// bringUp makes the plugin ready, or says why not.
func (s *Supervisor) bringUp(a *attempt) {
	i, err := s.launch(s.life, a)
	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(a.done)
	switch {
	case s.pending != a || s.state != StateStarting: // closed, or a reload was quicker
		if i != nil {
			s.background.Go(i.process.Kill)
		}
	case err == nil:
		s.install(i)
	default:
		s.pending, a.err = nil, err
		s.notStarted(err)
	}
}

// notStarted decides what a failed start means; s.mu is held.
func (s *Supervisor) notStarted(err error) {
	switch code := crm.CodeOf(err); code {
	case crm.CodePluginUntrusted:
		s.step(evUntrusted, err)
	case crm.CodePluginMissing:
		s.step(evMissing, err)
	default:
		s.failed(err, wordsOf(err), code == crm.CodePluginLost || code == crm.CodePluginAnswer)
	}
}

// install makes a process the one that everybody uses; s.mu is held.
func (s *Supervisor) install(i *instance) {
	s.current, s.pending = i, nil
	s.step(evReady, nil)
	s.background.Go(func() {
		<-i.process.Done()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ended(i)
	})
}

// launch starts what lies in the plugin's folder now, if that is trusted, and
// tells it what it must know. a is nil for a reload, which migrates in any case;
// an attempt that has been overtaken by one starts nothing.
func (s *Supervisor) launch(ctx context.Context, a *attempt) (*instance, error) {
	select {
	case s.launching <- struct{}{}:
		defer func() { <-s.launching }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	s.mu.Lock()
	overtaken, migrate := a != nil && s.pending != a, a == nil || s.used
	s.mu.Unlock()
	if overtaken {
		return nil, context.Canceled
	}
	found, err := Find(s.options.Dir, s.options.Name)
	if err != nil {
		return nil, err
	}
	options := s.options.Process
	options.Found = found
	process, err := Start(ctx, options)
	if err != nil {
		return nil, err
	}
	i := &instance{
		process: process, idle: make(chan struct{}), migrating: make(chan struct{}, 1),
		executableSHA256: found.Manifest.SHA256, manifestSHA256: found.ManifestSHA256,
	}
	if err := s.introduce(ctx, i, migrate); err != nil {
		words := process.LastWords()
		process.Kill()
		return nil, &earlyDeath{error: err, words: words}
	}
	return i, nil
}

// introduce is what comes before the first call of anybody else.
func (s *Supervisor) introduce(ctx context.Context, i *instance, migrate bool) error {
	if s.options.Configure != nil {
		ctx, cancel := context.WithTimeout(ctx, s.options.Process.StartTimeout)
		defer cancel()
		if err := s.options.Configure(ctx, i.process); err != nil {
			return fmt.Errorf("configure the plugin %s: %w", s.options.Name, err)
		}
	}
	if migrate {
		if _, err := s.migrate(ctx, i, false); err != nil {
			return err
		}
	}
	return i.process.healthy(ctx)
}

// healthy asks a plugin once whether it is well. One without the service (it is no
// part of the contract in other languages) is, because it answers.
func (p *Process) healthy(ctx context.Context) error {
	if p.hasEnded() {
		return p.endedError()
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	code := p.ask(ctx, grpc_health_v1.NewHealthClient(p.conns.first()))
	if code == codes.DeadlineExceeded || code == codes.Unavailable || code == codes.Canceled {
		if p.endsWithin(lossWait) {
			return p.endedError()
		}
		return lost(nil, "плагин «%s» не ответил на проверку после запуска", "plugin %q did not answer the health check after its start", p.options.Found.Name)
	}
	return nil
}

// earlyDeath carries the last words of a process that did not become ready.
type earlyDeath struct {
	error
	words string
}

func (e *earlyDeath) Unwrap() error { return e.error }
