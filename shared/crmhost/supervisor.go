package crmhost

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"booking/shared/crm"
)

// Supervision says how one plugin is kept alive. Zero durations are the defaults.
type Supervision struct {
	// Name of the plugin and the folder that has its folder. What lies there is
	// looked at by every start: a new version that is trusted comes up with the
	// next one.
	Dir, Name string
	// Process is how each process is started; its Found is ignored.
	Process Options
	// Configure is called after each start, before anybody else calls the process;
	// nil for plugins that need nothing.
	Configure func(context.Context, *Process) error
	// Migrate is called before the first Use of a process and returns what it did;
	// nil for plugins that bring no migration.
	Migrate func(context.Context, *Process) (applied []string, err error)
	// MigrateTimeout bounds Migrate (30 min: an ALTER of a large table takes its time).
	MigrateTimeout time.Duration
	Restart        Restart
	// Patience is how long a caller waits for a restart to become due (5 s).
	Patience time.Duration
	// DrainLimit is how long users of a process that a reload has replaced may go
	// on (10 min); then it is stopped and their calls fail with plugin_lost.
	DrainLimit time.Duration
	// CloseGrace is the same for the end of the host (5 s).
	CloseGrace time.Duration
	// Watch is the time between two looks whether another version has been
	// trusted, which is then reloaded; 0: never.
	Watch time.Duration
	// Clock and Random (from 0 to 1) are the real ones when nil.
	Clock  Clock
	Random func() float64
}

func (o Supervision) withDefaults() Supervision {
	for _, d := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{{&o.Patience, 5 * time.Second}, {&o.DrainLimit, 10 * time.Minute}, {&o.CloseGrace, 5 * time.Second}, {&o.MigrateTimeout, 30 * time.Minute}} {
		if *d.value <= 0 {
			*d.value = d.fallback
		}
	}
	if o.Clock == nil {
		o.Clock = wallClock{}
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	o.Restart = o.Restart.withDefaults()
	o.Process = o.Process.withDefaults()
	return o
}

// Supervisor keeps one plugin: it starts it when somebody wants it, starts it
// again when it dies, gives up when it dies too often, and puts a new version in
// the place of the running one. Its methods may be called from any goroutine.
//
// A call that a dying plugin cut off fails with plugin_lost and is not repeated:
// nobody but the caller knows whether that would do harm.
type Supervisor struct {
	options Supervision
	log     *slog.Logger

	life       context.Context //nolint:containedctx // starts belong to no caller: several wait for one
	endStarts  context.CancelFunc
	hurry      context.Context //nolint:containedctx // the end of Close's patience
	hurryUp    context.CancelFunc
	graceOver  chan struct{}  // Close waits for no calls any more
	background sync.WaitGroup // grows only under mu while not closed
	// launching is held by who brings a process up: there is one at a time.
	launching chan struct{}

	mu       sync.Mutex
	state    State
	since    time.Time
	reason   error
	words    string // last words of the process that died last
	failures failures
	deaths   int // ever
	current  *instance
	leaving  map[*instance]struct{}
	// pending is the start that goes on or is due at retryAt.
	pending   *attempt
	retryAt   time.Time
	stopTimer func() bool
	stopWatch func() bool
	used      bool // somebody called Use: restarts migrate
	closed    bool
	// pinAtFailure is what was trusted when the breaker tripped.
	pinAtFailure Pin
	// refused is why the last reload was refused, and the pin it was about.
	refused    error
	refusedPin Pin
}

// attempt is one start, wanted by any number of callers.
type attempt struct {
	done chan struct{}
	err  error // valid after done
	// fresh: begun by a reload, with what lies in the folder since then.
	fresh bool
}

func newAttempt() *attempt { return &attempt{done: make(chan struct{})} }

// Supervise makes the Supervisor of a plugin; nothing is started yet. End it with
// Close.
func Supervise(o Supervision) *Supervisor {
	o = o.withDefaults()
	s := &Supervisor{
		options: o, log: o.Process.Log.With("plugin", o.Name), launching: make(chan struct{}, 1),
		state: StateDiscovered, since: o.Clock.Now(), leaving: map[*instance]struct{}{}, graceOver: make(chan struct{}),
	}
	s.life, s.endStarts = context.WithCancel(context.Background())
	s.hurry, s.hurryUp = context.WithCancel(context.Background())
	if o.Watch > 0 {
		s.stopWatch = o.Clock.AfterFunc(o.Watch, s.look)
	}
	return s
}

// step moves the machine; s.mu is held.
func (s *Supervisor) step(e event, reason error) {
	to, ok := s.state.next(e)
	if !ok {
		s.log.Error("a plugin's state has no such step", "state", string(s.state), "event", string(e))
		return
	}
	if to != s.state {
		s.log.Debug(s.say("состояние плагина", "plugin state"), "from", string(s.state), "to", string(to))
	}
	s.state, s.since, s.reason = to, s.options.Clock.Now(), reason
}

// failed takes note of a death, or of a start that came to nothing, and plans the
// next start; s.mu is held.
func (s *Supervisor) failed(err error, words string, death bool) {
	now, restart := s.options.Clock.Now(), s.options.Restart
	s.failures.add(now, death)
	if s.words = words; death {
		s.deaths++
	}
	all, deaths := s.failures.within(restart, now)
	if deaths >= restart.Deaths {
		s.pending, s.retryAt = nil, s.failures.opens(restart)
		s.pinAtFailure, _ = s.options.Process.Trust.pin(s.options.Name)
		s.step(evGaveUp, tooManyDeaths(s.options.Name, deaths, restart.Window, err))
		s.log.Error(s.say("плагин умирает слишком часто и больше не запускается", "the plugin dies too often and is not started any more"),
			"deaths", deaths, "last_words", clean(words, maxValue))
		return
	}
	pause, a := restart.pause(all, s.options.Random()), newAttempt()
	s.step(evDied, err)
	s.pending, s.retryAt = a, now.Add(pause)
	s.log.Warn(s.say("плагин будет запущен снова", "the plugin will be started again"), "in", pause.String(), "failures", all)
	s.stopTimer = s.options.Clock.AfterFunc(pause, func() { s.retry(a) })
}

// retry is what the timer calls.
func (s *Supervisor) retry(a *attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed && s.pending == a && s.state == StateBackingOff {
		s.begin(a)
	}
}

// begin starts the plugin; s.mu is held.
func (s *Supervisor) begin(a *attempt) {
	s.step(evStart, nil)
	s.pending = a
	s.background.Go(func() { s.bringUp(a) })
}

// cancelTimer forgets a start that is due; s.mu is held.
func (s *Supervisor) cancelTimer() {
	if s.stopTimer != nil {
		s.stopTimer()
		s.stopTimer = nil
	}
	if s.state == StateBackingOff && s.pending != nil {
		close(s.pending.done) // who waits for it looks again
	}
	s.pending = nil
}

// say picks the language of a log line.
func (s *Supervisor) say(ru, en string) string {
	return crm.Text{RU: ru, EN: en}.In(s.options.Process.Locale)
}

func tooManyDeaths(name string, deaths int, window time.Duration, last error) error {
	return lost(last,
		"плагин «%s» умирал слишком часто (%d за %s) и больше не запускается; последний раз: %s. Исправьте причину и выполните booking-host plugins reload %[1]s",
		"plugin %q died too often (%d times within %s) and is not started any more; the last time: %s. Mend the cause and run booking-host plugins reload %[1]s",
		name, deaths, window, sentence(last))
}
