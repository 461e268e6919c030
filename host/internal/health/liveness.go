package health

import (
	"slices"
	"sync"
	"time"
)

// Liveness knows whether the loops of this host still go round. It is safe for use by
// several goroutines.
type Liveness struct {
	clock func() time.Time

	mu    sync.Mutex
	loops map[string]loop
}

// loop is when a loop began its newest round, and how long it may rest after one.
type loop struct {
	began time.Time
	rest  time.Duration
}

// NewLiveness makes a Liveness without loops.
func NewLiveness(clock func() time.Time) *Liveness {
	return &Liveness{clock: clock, loops: map[string]loop{}}
}

// Loop makes a loop known that rests so long between two rounds; it is to call lap when
// it begins a round, and may do so within one that takes long.
func (l *Liveness) Loop(name string, rest time.Duration) (lap func()) {
	lap = func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.loops[name] = loop{began: l.clock(), rest: rest}
	}
	lap()
	return lap
}

// Stalled lists, sorted, the loops that should have begun a round that long ago, and did not.
func (l *Liveness) Stalled(within time.Duration) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var stalled []string
	for name, one := range l.loops {
		if l.clock().Sub(one.began) > one.rest+within {
			stalled = append(stalled, name)
		}
	}
	slices.Sort(stalled)
	return stalled
}
