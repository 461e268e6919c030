package portalsim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Last as Fault.Command is the last command of a batch; Always as Fault.Times means
// from then on.
const (
	Last   = -1
	Always = -1
)

// Fault says what happens and where. Requests are counted from 1, since the fault was
// injected, and only those of Method when one is given.
type Fault struct {
	Kind    Kind
	Method  string
	Request int           // the first request it hits; 0: the next one
	Every   int           // from there on every n-th; 0: each
	Times   int           // so many times; 0: once
	For     time.Duration // instead of Times: so long, by the portal's clock
	// Command is the batch command it hits: from 1, or Last; 0: every one. A request
	// that is no batch has one command.
	Command int
}

func (f Fault) validate() error {
	if !slices.ContainsFunc(infos, func(i Info) bool { return i.Kind == f.Kind }) {
		return fmt.Errorf("unknown fault %q", f.Kind)
	}
	if f.Request < 0 || f.Every < 0 || f.Times < Always || f.Command < Last || f.For < 0 {
		return fmt.Errorf("fault %s: a negative place", f.Kind)
	}
	return nil
}

// Injected is a fault that was injected.
type Injected struct {
	portal  *Portal
	fault   Fault
	seen    int // requests that could have been hit
	hits    int
	lastHit int // the number of the request that was hit last
	firstAt time.Time
}

// Hits returns how many requests the fault changed. A test asks, because a fault that
// was never reached proves nothing.
func (i *Injected) Hits() int {
	i.portal.mu.Lock()
	defer i.portal.mu.Unlock()
	return i.hits
}

// due counts a request and reports whether the fault is to hit it.
func (i *Injected) due(method string, now time.Time) bool {
	f := i.fault
	if f.Method != "" && !strings.EqualFold(f.Method, method) {
		return false
	}
	i.seen++
	past := i.seen - max(f.Request, 1)
	if past < 0 {
		return false
	}
	if f.For > 0 {
		if i.firstAt.IsZero() {
			i.firstAt = now
		}
		return now.Sub(i.firstAt) < f.For
	}
	every := max(f.Every, 1)
	return past%every == 0 && (f.Times == Always || past/every < max(f.Times, 1))
}

// effects are the faults due for one request, seen from one of its commands.
type effects struct {
	due               []*Injected
	request           int
	command, commands int // from 1
}

func (e effects) at(command, commands int) effects {
	e.command, e.commands = command, commands
	return e
}

// has reports whether the kind hits here, and counts the hit. Callers ask only where
// the fault makes a difference. The portal's lock is held.
func (e effects) has(kind Kind) bool {
	for _, i := range e.due {
		if i.fault.Kind != kind || !e.placed(i.fault.Command) {
			continue
		}
		if i.lastHit != e.request {
			i.lastHit = e.request
			i.hits++
		}
		return true
	}
	return false
}

func (e effects) placed(command int) bool {
	return e.command == 0 || command == 0 || command == e.command || command == Last && e.command == e.commands
}

// first returns the first of the kinds that hits, or "".
func (e effects) first(kinds ...Kind) Kind {
	for _, kind := range kinds {
		if e.has(kind) {
			return kind
		}
	}
	return ""
}

// Inject adds a fault. It panics for an unknown kind: that is a mistake in a test.
func (p *Portal) Inject(f Fault) *Injected {
	if err := f.validate(); err != nil {
		panic("portalsim: " + err.Error())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	i := &Injected{portal: p, fault: f}
	p.injected = append(p.injected, i)
	return i
}

// Heal takes all faults away.
func (p *Portal) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.injected = nil
}

func (p *Portal) dueFaults(method string, n int, now time.Time) effects {
	e := effects{request: n}
	for _, i := range p.injected {
		if i.due(method, now) {
			e.due = append(e.due, i)
		}
	}
	return e
}
