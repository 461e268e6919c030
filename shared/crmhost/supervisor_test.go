package crmhost_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"booking/shared/crm"
	"booking/shared/crmhost"
	"booking/shared/crmtest"
)

// manual is a clock that goes on when a test says so.
type manual struct {
	mu     sync.Mutex
	now    time.Time
	timers map[*manualTimer]struct{}
}

type manualTimer struct {
	at time.Time
	f  func()
}

func newManual() *manual {
	return &manual{now: time.Unix(1_700_000_000, 0), timers: map[*manualTimer]struct{}{}}
}

func (m *manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// AfterFunc implements crmhost.Clock; what is due at once does not wait for advance.
func (m *manual) AfterFunc(d time.Duration, f func()) func() bool {
	if d <= 0 {
		go f()
		return func() bool { return false }
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	timer := &manualTimer{m.now.Add(d), f}
	m.timers[timer] = struct{}{}
	return func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		_, waits := m.timers[timer]
		delete(m.timers, timer)
		return waits
	}
}

func (m *manual) advance(d time.Duration) {
	m.mu.Lock()
	m.now = m.now.Add(d)
	var due []func()
	for timer := range m.timers {
		if !timer.at.After(m.now) {
			due = append(due, timer.f)
			delete(m.timers, timer)
		}
	}
	m.mu.Unlock()
	for _, f := range due {
		f()
	}
}

// watched is a supervised fake.
type watched struct {
	*crmhost.Supervisor
	t                     *testing.T
	found                 crmhost.Found
	trust                 crmhost.Trust
	clock                 *manual
	log                   *journal
	configured, migrated  atomic.Int64
	failConfigure, failMi atomic.Pointer[crm.Error]
}

func supervise(t *testing.T, fault string, change ...func(*crmhost.Supervision)) *watched {
	t.Helper()
	o, log := options(t, fault)
	w := &watched{t: t, found: o.Found, trust: o.Trust, clock: newManual(), log: log}
	supervision := crmhost.Supervision{
		Dir: filepath.Dir(o.Found.Dir), Name: "fake", Process: o, Clock: w.clock, Random: func() float64 { return 0 },
		Configure: func(ctx context.Context, p *crmhost.Process) error {
			w.configured.Add(1)
			if err := w.failConfigure.Load(); err != nil {
				return err
			}
			return p.Plugin().Configure(ctx, crm.Configuration{})
		},
		Migrate: func(ctx context.Context, p *crmhost.Process) ([]string, error) {
			w.migrated.Add(1)
			if err := w.failMi.Load(); err != nil {
				return nil, err
			}
			_, err := p.Plugin().Migrate(ctx, crm.Migration{})
			return []string{"step"}, err
		},
	}
	for _, c := range change {
		c(&supervision)
	}
	w.Supervisor = crmhost.Supervise(supervision)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		w.Close(ctx)
		if strings.Contains(log.String(), "has no such step") {
			t.Errorf("the machine was asked for a step it does not have:\n%s", log)
		}
	})
	return w
}

// fault changes what goes wrong at the next start.
func (w *watched) fault(fault string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.found.Dir, crmtest.FaultFile), []byte(fault), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// release puts version 9.9.9 into the folder and, if wanted, trusts it. It is the
// same program, told to call itself so.
func (w *watched) release(trusted bool) {
	w.t.Helper()
	edit(w.t, w.found.Dir, func(m *crm.Manifest) { m.Version = "9.9.9" })
	w.fault("describe version")
	if trusted {
		w.pin()
	}
}

func (w *watched) pin() {
	w.t.Helper()
	if err := w.trust.Pin(again(w.found)); err != nil {
		w.t.Fatal(err)
	}
}

// use is released with the test.
func (w *watched) use() *crmhost.Hold {
	w.t.Helper()
	h := w.hold()
	w.t.Cleanup(h.Release)
	return h
}

func (w *watched) hold() *crmhost.Hold {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	h, err := w.Use(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

// do asks for something that may end the process.
func (w *watched) do(what string) {
	w.t.Helper()
	h := w.hold()
	defer h.Release()
	_ = ask(h, what)
}

func (w *watched) pid() int {
	w.t.Helper()
	running := w.Status().Running
	if running == nil {
		w.t.Fatalf("nothing runs: %+v", w.Status())
	}
	return running.PID
}

// kill ends the running process and waits until that is known.
func (w *watched) kill() {
	w.t.Helper()
	deaths, pid := w.Status().Deaths, w.pid()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		w.t.Fatal(err)
	}
	eventually(w.t, "the death is known", func() bool { return w.Status().Deaths > deaths })
}

func (w *watched) until(state crmhost.State) crmhost.Status {
	w.t.Helper()
	eventually(w.t, "the plugin is "+string(state), func() bool { return w.Status().State == state })
	return w.Status()
}

func ask(h *crmhost.Hold, what string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := h.Plugin.CheckConnection(ctx, request(what))
	return err
}

func TestSupervisorStartsOnDemandAndOnce(t *testing.T) {
	t.Parallel()
	w := supervise(t, "")
	if s := w.Status(); s.State != crmhost.StateDiscovered || s.Running != nil {
		t.Errorf("before: %+v", s)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			h, err := w.Use(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			defer h.Release()
			if err := ask(h, ""); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if c, m := w.configured.Load(), w.migrated.Load(); c != 1 || m != 1 {
		t.Errorf("configured %d times, migrated %d times", c, m)
	}
	if got := w.log.records(t, "plugin started"); len(got) != 1 {
		t.Errorf("started %d times", len(got))
	}
	if s := w.Status(); s.State != crmhost.StateReady || s.Running.Uses != 0 {
		t.Errorf("after: %+v", s)
	}
}

// A question that needs no database does not migrate; the first use does.
func TestAskDoesNotMigrate(t *testing.T) {
	t.Parallel()
	w := supervise(t, "")
	h, err := w.Ask(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.Release()
	if w.migrated.Load() != 0 {
		t.Error("Ask has migrated")
	}
	w.use()
	w.use()
	if w.migrated.Load() != 1 {
		t.Errorf("migrated %d times", w.migrated.Load())
	}
	if applied, err := w.Migrate(t.Context()); err != nil || len(applied) != 1 || w.migrated.Load() != 2 {
		t.Errorf("Migrate: %v, %v", applied, err)
	}
}

// The first restart is made at once, the next ones after growing pauses; after the
// fifth death nobody starts the plugin any more, until time, trust or a reload.
func TestRestartsGrowAndEnd(t *testing.T) {
	t.Parallel()
	w := supervise(t, "")
	w.use()
	w.kill()
	w.until(crmhost.StateReady) // no advance: at once
	for _, pause := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
		w.kill()
		s := w.until(crmhost.StateBackingOff)
		if got := s.Next.Sub(w.clock.Now()); got != pause {
			t.Errorf("after %d deaths the pause is %s, want %s", s.Deaths, got, pause)
		}
		wantCode(t, s.Reason, crm.CodePluginLost, "signal: killed")
		w.clock.advance(pause - time.Millisecond)
		if s := w.Status(); s.State != crmhost.StateBackingOff {
			t.Errorf("%s too early", s.State)
		}
		w.clock.advance(time.Millisecond)
		w.until(crmhost.StateReady)
	}
	h := w.use()
	_ = ask(h, "panic once too often")
	s := w.until(crmhost.StateFailed)
	wantCode(t, s.Reason, crm.CodePluginLost, "panic: once too often", "plugins reload fake", "5 times")
	if !strings.Contains(s.LastWords, "panic: once too often") || !strings.Contains(s.LastWords, "goroutine ") {
		t.Errorf("last words: %q", s.LastWords)
	}
	_, err := w.Use(t.Context())
	wantCode(t, err, crm.CodePluginLost, "panic: once too often")
	if w.configured.Load() != 5 || w.migrated.Load() != 5 {
		t.Errorf("configured %d, migrated %d times, want 5: each start", w.configured.Load(), w.migrated.Load())
	}
}

// failed ends a plugin's fifth life.
func failed(t *testing.T) *watched {
	t.Helper()
	w := supervise(t, "panic", func(s *crmhost.Supervision) { s.Patience = time.Hour })
	for range 5 {
		_, err := w.Use(t.Context())
		wantCode(t, err, crm.CodePluginLost, "panic: no CRM")
		w.clock.advance(time.Minute)
	}
	if s := w.until(crmhost.StateFailed); !strings.Contains(s.LastWords, "panic: no CRM") {
		t.Errorf("last words of one that never was ready: %q", s.LastWords)
	}
	w.fault("")
	if _, err := w.Use(t.Context()); crm.CodeOf(err) != crm.CodePluginLost {
		t.Fatalf("a failed plugin was started: %v", err)
	}
	return w
}

func TestFailedPluginComesBack(t *testing.T) {
	t.Parallel()
	for how, mend := range map[string]func(w *watched){
		"by time":  func(w *watched) { w.clock.advance(10 * time.Minute) },
		"by trust": func(w *watched) { edit(w.t, w.found.Dir, func(m *crm.Manifest) { m.Aliases = nil }); w.pin() },
		"by reload": func(w *watched) {
			if err := w.Reload(w.t.Context()); err != nil {
				w.t.Fatal(err)
			}
		},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			w := failed(t)
			mend(w)
			if err := ask(w.use(), ""); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestUntrustedAndMissingAreNoDeaths(t *testing.T) {
	t.Parallel()
	w := supervise(t, "")
	if err := os.Remove(w.trust.Path); err != nil {
		t.Fatal(err)
	}
	for range 7 {
		_, err := w.Use(t.Context())
		wantCode(t, err, crm.CodePluginUntrusted, "plugins trust fake")
	}
	if s := w.Status(); s.State != crmhost.StateUntrusted || s.Deaths != 0 {
		t.Errorf("%+v", s)
	}
	w.pin()
	w.use()

	gone := supervise(t, "")
	remove(t, gone.found.Dir)
	_, err := gone.Use(t.Context())
	wantCode(t, err, crm.CodePluginMissing)
	if s := gone.Status(); s.State != crmhost.StateDiscovered || crm.CodeOf(s.Reason) != crm.CodePluginMissing {
		t.Errorf("%+v", s)
	}
}

// A database that is away while the plugin is configured is no fault of the
// plugin: it is tried again for ever, at most once a minute.
func TestAFailingSetUpTripsNoBreaker(t *testing.T) {
	t.Parallel()
	w := supervise(t, "", func(s *crmhost.Supervision) { s.Patience = time.Hour })
	w.failConfigure.Store(crm.NewError(crm.CodeDatabase, crm.Text{RU: "базы нет", EN: "no database"}, nil))
	for range 8 {
		_, err := w.Use(t.Context())
		wantCode(t, err, crm.CodeDatabase)
		w.clock.advance(time.Minute)
	}
	w.failConfigure.Store(nil)
	w.use()
	if s := w.Status(); s.Deaths != 0 {
		t.Errorf("%d deaths", s.Deaths)
	}
}

// What was going on when a process died fails and is not repeated.
func TestCallsOfADeadProcessFail(t *testing.T) {
	t.Parallel()
	w := supervise(t, "")
	h := w.use()
	first := w.pid()
	failures := make(chan error, 10)
	for range cap(failures) {
		go func() { _, err := h.Plugin.CheckConnection(context.Background(), request("hang")); failures <- err }()
	}
	if err := ask(h, "exit 7"); crm.CodeOf(err) != crm.CodePluginLost {
		t.Errorf("the call that killed it: %v", err)
	}
	for range cap(failures) {
		wantCode(t, <-failures, crm.CodePluginLost)
	}
	if err := ask(h, ""); crm.CodeOf(err) != crm.CodePluginLost {
		t.Errorf("who held the dead process has got another one: %v", err)
	}
	if err := ask(w.use(), ""); err != nil || w.pid() == first {
		t.Errorf("no new process for new uses: %v", err)
	}
}

// A caller that gives up leaves the start to others.
func TestUseEndsWithItsContext(t *testing.T) {
	t.Parallel()
	w := supervise(t, "silent", func(s *crmhost.Supervision) { s.Process.StartTimeout = time.Hour })
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := w.Use(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if s := w.Status(); s.State != crmhost.StateStarting {
		t.Errorf("%+v", s)
	}
	w.Close(t.Context()) // ends the start, too
	if _, err := w.Use(t.Context()); crm.CodeOf(err) != crm.CodePluginLost {
		t.Errorf("a use after the end: %v", err)
	}
	if s := w.Status(); s.State != crmhost.StateDiscovered {
		t.Errorf("%+v", s)
	}
}

// A caller does not wait for a restart that is far away.
func TestUseIsImpatient(t *testing.T) {
	t.Parallel()
	w := supervise(t, "", func(s *crmhost.Supervision) { s.Restart.First = time.Minute })
	w.use()
	w.kill()
	w.until(crmhost.StateReady)
	w.kill()
	_, err := w.Use(t.Context())
	wantCode(t, err, crm.CodePluginLost, "signal: killed")
}

// Close lets uses end, and does not wait for them for ever.
func TestCloseDrains(t *testing.T) {
	t.Parallel()
	w := supervise(t, "")
	h := w.use()
	pid := w.pid()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		w.Close(context.Background())
	}()
	w.until(crmhost.StateDraining)
	if err := ask(h, ""); err != nil {
		t.Errorf("a use that goes on: %v", err)
	}
	if _, err := w.Use(t.Context()); crm.CodeOf(err) != crm.CodePluginLost {
		t.Errorf("a new use: %v", err)
	}
	select {
	case <-closed:
		t.Fatal("closed under a use")
	default:
	}
	h.Release()
	<-closed
	if !gone(pid) {
		t.Error("the plugin lives on")
	}

	w = supervise(t, "")
	w.use()
	pid = w.pid()
	go w.Close(context.Background())
	w.until(crmhost.StateDraining)
	w.clock.advance(5 * time.Second)
	w.until(crmhost.StateDiscovered)
	if !gone(pid) {
		t.Error("the plugin lives on")
	}
}
