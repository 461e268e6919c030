package crmhost_test

import (
	"context"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"booking/shared/crm"
	"booking/shared/crmhost"
	"booking/shared/secret"
)

// longRun holds the plugin and runs until the returned function lets it end; that
// tells how it ended.
func (w *watched) longRun() (end func() error) {
	w.t.Helper()
	cancel, ended := w.run()
	return func() error {
		cancel()
		return <-ended
	}
}

// run is a run that goes on; its end comes from the channel.
func (w *watched) run() (cancel func(), ended chan error) {
	w.t.Helper()
	h := w.use()
	ctx, cancel := context.WithCancel(context.Background())
	w.t.Cleanup(cancel)
	running := make(chan struct{})
	ended = make(chan error, 1)
	go func() {
		defer h.Release()
		run := crm.SyncRequest{Tenant: crm.Tenant{ID: 1}, Mode: crm.ModeApply, Settings: crm.Settings{"do": secret.New("wait")}}
		_, err := h.Plugin.SyncUsers(ctx, run, &recorder{then: func() { close(running) }})
		ended <- err
	}()
	select {
	case <-running:
	case err := <-ended:
		w.t.Fatalf("the run has not begun: %v", err)
	}
	return cancel, ended
}

// A reload under ten runs and many calls loses none of them.
func TestReloadLosesNothing(t *testing.T) {
	t.Parallel()
	w := supervise(t, "")
	const runs = 10
	ends := make([]func() error, 0, runs)
	for range runs {
		ends = append(ends, w.longRun())
	}
	old := w.pid()
	stop := make(chan struct{})
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				h, err := w.Use(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				if err := ask(h, ""); err != nil {
					t.Error(err)
				}
				h.Release()
			}
		})
	}
	w.release(true)
	if err := w.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(stop)
	callers.Wait()
	h := w.use()
	if d, err := h.Plugin.Describe(t.Context()); err != nil || d.Version != "9.9.9" || h.Description.Version != "9.9.9" {
		t.Errorf("new uses get %q, %v", d.Version, err)
	}
	s := w.Status()
	if s.State != crmhost.StateReady || s.Running.Version != "9.9.9" || len(s.Leaving) != 1 || s.Leaving[0].Uses != runs || s.Leaving[0].PID != old {
		t.Errorf("%+v", s)
	}
	for i, end := range ends {
		if gone(old) {
			t.Fatalf("the old process has ended under %d runs", runs-i)
		}
		if err := end(); crm.CodeOf(err) != crm.CodeCancelled {
			t.Errorf("run %d ended with %v, not by our own cancelling", i, err)
		}
	}
	eventually(t, "the old process is gone", func() bool { return gone(old) && len(w.Status().Leaving) == 0 })
	if w.configured.Load() != 2 || w.migrated.Load() != 2 {
		t.Errorf("configured %d, migrated %d times", w.configured.Load(), w.migrated.Load())
	}
	if s := w.Status(); s.Deaths != 0 {
		t.Errorf("the end of the old process counts as a death: %+v", s)
	}
}

// A new version that is not good is not taken: the old one answers all the time,
// and the error says why.
func TestReloadRefusesABrokenVersion(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(w *watched)
		code  crm.Code
		part  string
	}{
		"untrusted":           {func(w *watched) { w.release(false) }, crm.CodePluginUntrusted, "plugins trust fake"},
		"wrong description":   {func(w *watched) { w.fault("describe name") }, crm.CodePluginAnswer, `"another"`},
		"another version":     {func(w *watched) { w.fault("describe version") }, crm.CodePluginAnswer, `"9.9.9"`},
		"crash at the start":  {func(w *watched) { w.fault("panic") }, crm.CodePluginLost, "panic: no CRM"},
		"crash in Configure":  {func(w *watched) { w.fault("configure panic") }, crm.CodePluginLost, "panic: lost in Configure"},
		"failing Configure":   {func(w *watched) { w.fault("configure fail") }, crm.CodeDatabase, "Configure failed"},
		"failing migration":   {func(w *watched) { w.fault("migrate fail") }, crm.CodeDatabase, "Migrate failed"},
		"crash in Migrate":    {func(w *watched) { w.fault("migrate exit") }, crm.CodePluginLost, "exit status 4"},
		"no answer":           {func(w *watched) { w.fault("describe hang") }, crm.CodePluginAnswer, "did not answer within 1s"},
		"older protocol":      {func(w *watched) { w.protocol(0) }, crm.CodePluginAnswer, "the plugin is too old"},
		"newer protocol":      {func(w *watched) { w.protocol(2) }, crm.CodePluginAnswer, "the host is too old"},
		"no plugin any more":  {func(w *watched) { remove(w.t, w.found.Dir) }, crm.CodePluginMissing, "there is no plugin"},
		"another executable":  {func(w *watched) { replace(w.t, filepath.Join(w.found.Dir, "fake"), "#!/bin/sh\n", 0o755) }, crm.CodePluginUntrusted, "sha256"},
		"writable for others": {func(w *watched) { chmod(w.t, w.found.Dir, 0o777) }, crm.CodePluginUntrusted, "chmod go-w"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := supervise(t, "", func(s *crmhost.Supervision) { s.Process.StartTimeout = 10 * time.Second })
			if name == "no answer" {
				w = supervise(t, "", func(s *crmhost.Supervision) { s.Process.StartTimeout = time.Second })
			}
			h := w.use()
			pid := w.pid()
			c.spoil(w)
			err := w.Reload(t.Context())
			wantCode(t, err, c.code, c.part, "1.2.3) goes on")
			s := w.Status()
			if s.State != crmhost.StateReady || s.Running.PID != pid || s.Deaths != 0 {
				t.Errorf("%+v", s)
			}
			wantCode(t, s.Refused, c.code, c.part)
			if err := ask(h, ""); err != nil {
				t.Error(err)
			}
		})
	}
}

// protocol makes the manifest speak of another protocol, and trusts that as far
// as it can be trusted.
func (w *watched) protocol(version int) {
	edit(w.t, w.found.Dir, func(m *crm.Manifest) { m.Protocol = version })
	// A pin by hand: Pin itself refuses such a manifest.
	repin(w.t, w.trust, again(w.found))
}

// Whoever does not finish on the old process in time is cut off, and told why.
func TestReloadDrainsUpToALimit(t *testing.T) {
	t.Parallel()
	w := supervise(t, "")
	_, ended := w.run()
	old := w.pid()
	w.release(true)
	if err := w.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(10*time.Minute - time.Second)
	if gone(old) {
		t.Fatal("stopped too early")
	}
	go w.clock.advance(time.Second)
	eventually(t, "the old process is gone", func() bool { return gone(old) })
	wantCode(t, <-ended, crm.CodePluginLost, "was reloaded", "10m")
}

func TestReloadOfWhatDoesNotRunStartsIt(t *testing.T) {
	t.Parallel()
	w := supervise(t, "panic")
	err := w.Reload(t.Context())
	wantCode(t, err, crm.CodePluginLost, "panic: no CRM")
	w.fault("")
	if err := w.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := w.Status(); s.State != crmhost.StateReady || w.migrated.Load() == 0 {
		t.Errorf("%+v", s)
	}
}

// The old process dies while the new one comes up: the new one is taken, and the
// restart that was due is not made.
func TestOldProcessDiesDuringAReload(t *testing.T) {
	t.Parallel()
	var w *watched
	w = supervise(t, "", func(s *crmhost.Supervision) {
		configure := s.Configure
		s.Configure = func(ctx context.Context, p *crmhost.Process) error {
			if running := w.Status().Running; running != nil {
				_ = syscall.Kill(running.PID, syscall.SIGKILL)
				for w.Status().State == crmhost.StateReady && ctx.Err() == nil {
					time.Sleep(time.Millisecond)
				}
			}
			return configure(ctx, p)
		}
	})
	w.use()
	if err := w.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := ask(w.use(), ""); err != nil {
		t.Error(err)
	}
	eventually(t, "one process is left", func() bool { return len(children(t)[w.found.Executable()]) == 1 })
}

// A newly trusted version takes over by itself when that is asked for; an
// untrusted or broken one does not.
func TestWatch(t *testing.T) {
	t.Parallel()
	w := supervise(t, "", func(s *crmhost.Supervision) { s.Watch = time.Minute })
	w.use()
	w.release(false)
	w.clock.advance(time.Minute)
	if s := w.Status(); s.Running.Version != "1.2.3" || s.Refused != nil {
		t.Errorf("an untrusted version: %+v", s)
	}
	w.fault("panic")
	w.pin()
	w.clock.advance(time.Minute)
	wantCode(t, w.Status().Refused, crm.CodePluginLost, "panic: no CRM")
	starts := len(w.log.records(t, "not reloaded"))
	w.clock.advance(time.Minute)
	if again := len(w.log.records(t, "not reloaded")); again != starts {
		t.Error("a refused version is tried again")
	}
	w.release(true)
	edit(t, w.found.Dir, func(m *crm.Manifest) { m.Version, m.Aliases = "9.9.9", nil })
	w.pin()
	w.clock.advance(time.Minute)
	if s := w.Status(); s.Running.Version != "9.9.9" {
		t.Errorf("a trusted version: %+v", s)
	}
}

// Reloads, deaths and uses at the same time: whatever comes of each, in the end
// there is one process and it answers.
func TestReloadsAndDeathsAtTheSameTime(t *testing.T) {
	t.Parallel()
	w := supervise(t, "", func(s *crmhost.Supervision) { s.Restart.Deaths = 1000; s.Restart.First = time.Nanosecond })
	w.use()
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for range 4 {
				_ = w.Reload(t.Context())
			}
		})
	}
	for range 3 {
		wg.Go(func() {
			for range 20 {
				h, err := w.Use(t.Context())
				if err != nil {
					continue
				}
				_ = ask(h, "")
				h.Release()
			}
		})
	}
	for range 6 {
		if running := w.Status().Running; running != nil {
			_ = syscall.Kill(running.PID, syscall.SIGKILL)
		}
		w.clock.advance(time.Hour) // pauses, and drain limits
		time.Sleep(20 * time.Millisecond)
	}
	wg.Wait()
	eventually(t, "a use succeeds", func() bool {
		w.clock.advance(time.Hour)
		h, err := w.Use(t.Context())
		if err != nil {
			return false
		}
		defer h.Release()
		return ask(h, "") == nil
	})
	eventually(t, "one process is left", func() bool { return len(children(t)[w.found.Executable()]) == 1 })
	w.Close(t.Context())
	if left := children(t)[w.found.Executable()]; len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
