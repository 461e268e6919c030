package proxy

import (
	"math/rand/v2"
	"strings"
)

// Match chooses statements by how they begin, letter for letter.
type Match struct {
	// Statement is the statement's beginning, for example "COMMIT" or "INSERT INTO crm_slots".
	Statement string
	// First, when not empty, is the beginning of the first statement of its transaction.
	First string
}

func (m Match) fits(statement, first string) bool {
	return strings.HasPrefix(statement, m.Statement) && strings.HasPrefix(first, m.First)
}

// Place is where a statement is met.
type Place int

const (
	// Before means that the server never gets the statement.
	Before Place = iota + 1
	// After means that the server has carried it out, and nobody is told.
	After
)

// Decision is what happens to a statement; the zero value lets it pass. Without a Hold
// the connection is cut at the place.
type Decision struct {
	Place Place
	Hold  *Hold
}

// Pass decides to let everything pass: a rule that only counts.
func Pass(int) Decision { return Decision{} }

// CutAt decides to cut the connection at the n-th statement, counted from 1.
func CutAt(n int, place Place) func(int) Decision {
	return func(count int) Decision {
		if count != n {
			return Decision{}
		}
		return Decision{Place: place}
	}
}

// CutOneIn decides to cut one of so many statements, half of them before and half after.
// What becomes of the n-th depends on n and the seed alone.
func CutOneIn(many int, seed uint64) func(int) Decision {
	return func(count int) Decision {
		random := rand.New(rand.NewPCG(seed, uint64(count)))
		if random.IntN(many) != 0 {
			return Decision{}
		}
		return Decision{Place: Before + Place(random.IntN(2))}
	}
}

// Rule decides about the statements that it matches.
type Rule struct {
	proxy  *Proxy
	match  Match
	decide func(n int) Decision
	count  int
}

// Rule adds a rule. decide is asked about each statement that matches, with its number
// from 1 on, under a lock: it must not call the proxy. The first rule that does not let
// a statement pass has the say; all of them count it.
func (p *Proxy) Rule(match Match, decide func(n int) Decision) *Rule {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := &Rule{proxy: p, match: match, decide: decide}
	p.rules = append(p.rules, r)
	return r
}

// Count is how many statements the rule has matched so far.
func (r *Rule) Count() int {
	r.proxy.mu.Lock()
	defer r.proxy.mu.Unlock()
	return r.count
}

// Forget removes all rules. What is held stays held.
func (p *Proxy) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = nil
}

func (p *Proxy) decide(statement, first string) Decision {
	p.mu.Lock()
	defer p.mu.Unlock()
	var made Decision
	for _, r := range p.rules {
		if !r.match.fits(statement, first) {
			continue
		}
		r.count++
		if d := r.decide(r.count); made.Place == 0 {
			made = d
		}
	}
	return made
}

// Hold is a statement that waits for the test's word, or for the end of its connection.
type Hold struct {
	reached chan struct{}
	goOn    chan bool
}

// Hold adds a rule that holds the n-th statement that matches.
func (p *Proxy) Hold(match Match, n int, place Place) *Hold {
	h := &Hold{reached: make(chan struct{}), goOn: make(chan bool, 1)}
	p.Rule(match, func(count int) Decision {
		if count != n {
			return Decision{}
		}
		return Decision{Place: place, Hold: h}
	})
	return h
}

// Reached is closed when the statement is held.
func (h *Hold) Reached() <-chan struct{} { return h.reached }

// GoOn lets what is held pass.
func (h *Hold) GoOn() { h.goOn <- true }

// Drop ends the held connection.
func (h *Hold) Drop() { h.goOn <- false }
