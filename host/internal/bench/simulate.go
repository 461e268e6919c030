package main

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"time"
)

// night is a night to simulate: what there is, and what a run takes.
type night struct {
	tenants, hosts, places int
	// cores of one host, and of the database.
	cores, databaseCores int
	run                  cost
	// portal is how long a run waits for its portal, in the middle.
	portal time.Duration
	// window is the spread of starts.
	window time.Duration
	seed   uint64
}

// outcome is how it went.
type outcome struct {
	took time.Duration
	// database and host are the shares of their cores' time that were used.
	database, host float64
}

// Of a hundred portals one makes us wait for its limit, and of a thousand one is silent
// until it is given up: such a run gives its place away (runs.places).
const (
	limited, limitedFor = 0.01, 15 * time.Minute
	silent, silentFor   = 0.001, 120 * time.Second
	silentHoldsFor      = 10 * time.Second
)

// The steps of a run; after each it waits for the next thing to be free.
const (
	due = iota
	placed
	computed
	answered
	written
	parked
)

type event struct {
	at   time.Duration
	step int
	host int
	run  int
}

type events []event

func (e events) Len() int           { return len(e) }
func (e events) Less(i, j int) bool { return e[i].at < e[j].at }
func (e events) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)        { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// cores is a number of processors that take one piece of work after the other.
type cores []time.Duration

// work takes the first free one and returns when it is done.
func (c cores) work(now, takes time.Duration) time.Duration {
	first := 0
	for i, free := range c {
		if free < c[first] {
			first = i
		}
	}
	c[first] = max(now, c[first]) + takes
	return c[first]
}

// play is a night while it goes on.
type play struct {
	night
	random   *rand.Rand
	database cores
	// hosts are their cores, and free their places.
	hosts   []cores
	free    []int
	waiting []int
	coming  events
	last    time.Duration
}

// simulate plays a night through, event by event.
func simulate(n night) outcome {
	p := &play{night: n, random: rand.New(rand.NewPCG(n.seed, 1)), database: make(cores, n.databaseCores)}
	for range n.hosts {
		p.hosts, p.free = append(p.hosts, make(cores, n.cores)), append(p.free, n.places)
	}
	for run := range n.tenants {
		p.coming = append(p.coming, event{at: time.Duration(p.random.Int64N(int64(n.window) + 1)), step: due, run: run})
	}
	heap.Init(&p.coming)
	for len(p.coming) > 0 {
		e := heap.Pop(&p.coming).(event)
		p.last = max(p.last, e.at)
		p.take(e)
	}
	share := func(each time.Duration, cores int) float64 {
		return each.Seconds() * float64(n.tenants) / (p.last.Seconds() * float64(cores))
	}
	return outcome{took: p.last, database: share(n.run.database, n.databaseCores), host: share(n.run.host, n.cores*n.hosts)}
}

// begin gives runs that wait the places that are free.
func (p *play) begin(now time.Duration) {
	for host := range p.free {
		for p.free[host] > 0 && len(p.waiting) > 0 {
			p.free[host]--
			heap.Push(&p.coming, event{at: now, step: placed, host: host, run: p.waiting[0]})
			p.waiting = p.waiting[1:]
		}
	}
}

// take does what an event is about and says what comes of it.
func (p *play) take(e event) {
	next := event{host: e.host, run: e.run}
	switch e.step {
	case due:
		p.waiting = append(p.waiting, e.run)
		p.begin(e.at)
		return
	case placed:
		next.at, next.step = p.hosts[e.host].work(e.at, p.run.host), computed
	case computed:
		wait, holds := portalWait(p.random, p.portal)
		next.at, next.step = e.at+wait, answered
		if holds < wait { // its place is given away, and it asks for none when it comes back
			heap.Push(&p.coming, event{at: e.at + holds, step: parked, host: e.host})
			next.host = -e.host - 1
		}
	case answered:
		next.at, next.step = p.database.work(e.at, p.run.database), written
	case written, parked:
		if e.host >= 0 {
			p.free[e.host]++
			p.begin(e.at)
		}
		return
	}
	heap.Push(&p.coming, next)
}

// portalWait draws how long a run waits for its portal, and how long it holds its place.
func portalWait(random *rand.Rand, middle time.Duration) (wait, holds time.Duration) {
	switch luck := random.Float64(); {
	case luck < limited:
		return limitedFor, 0
	case luck < limited+silent:
		return silentFor, silentHoldsFor
	}
	wait = time.Duration(float64(middle) * math.Exp(random.NormFloat64()/2))
	return wait, wait
}
