package runs

import (
	"sync"
	"time"

	"booking/host/internal/store"
)

const (
	// silence is how long a run may say nothing before it counts as waiting for its portal.
	silence = 10 * time.Second
	// waitingToo is how many times its places a host holds runs, those that wait for
	// their portals included: each has its people in memory.
	waitingToo = 8
)

// places are the runs that this host carries out. A run has a place while it works. One
// that waits, because its portal asks for it or says nothing, gives its place away and
// holds up nobody; when it goes on, the host has one more at work for a while.
type places struct {
	mu sync.Mutex
	// runs are by id.
	runs map[int64]*occupant
}

// occupant is one of them.
type occupant struct {
	run store.Run
	// heard is when it last said something, and waits until when its portal makes it wait.
	heard, waits time.Time
	resting      bool
}

// load is how much this host carries out.
type load struct {
	// free is how many more runs it can take.
	free int
	// plugins counts the runs at work by their plugin.
	plugins map[string]int
	// suspect: one of all its runs is.
	suspect bool
}

// look counts.
func (p *places) look(limits Limits) load {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := load{plugins: map[string]int{}}
	working := 0
	for _, o := range p.runs {
		l.suspect = l.suspect || o.run.Suspect()
		if !o.resting {
			working++
			l.plugins[o.run.Plugin]++
		}
	}
	l.free = max(0, min(limits.runs()-working, waitingToo*limits.runs()-len(p.runs)))
	return l
}

// Busy reports whether this host carries out any run now.
func (s *Service) Busy() bool {
	s.places.mu.Lock()
	defer s.places.mu.Unlock()
	return len(s.places.runs) > 0
}

func (p *places) take(run store.Run, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.runs == nil {
		p.runs = map[int64]*occupant{}
	}
	p.runs[run.ID] = &occupant{run: run, heard: now}
}

func (p *places) leave(run int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.runs, run)
}

// hear notes that a run has said something, and until when its portal makes it wait.
func (p *places) hear(run int64, now, limitedUntil time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if o := p.runs[run]; o != nil {
		o.heard, o.waits = now, limitedUntil
	}
}

// settle decides whether a run works or rests, and reports whether that gave a place away.
func (p *places) settle(run int64, now time.Time, patience time.Duration) (freed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	o := p.runs[run]
	if o == nil {
		return false
	}
	before := o.resting
	o.resting = o.waits.After(now) || now.Sub(o.heard) >= patience
	return o.resting && !before
}
