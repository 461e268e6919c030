package rest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"booking/plugin-bitrix24/internal/portalsim"
	"booking/shared/crm"
)

// churn is a portal that changes between any two requests, and for some seeds between
// any two commands, and remembers what was true when.
type churn struct {
	t      *testing.T
	random *rand.Rand
	// always are those who were active all the time; ever are all names that somebody
	// had while active.
	always map[string]bool
	ever   map[string]map[string]bool
	rate   int
}

func (c *churn) note(s *portalsim.State) {
	active := map[string]bool{}
	for _, p := range s.People() {
		if !p.Active {
			continue
		}
		id := fmt.Sprint(p.ID)
		active[id] = true
		if c.ever[id] == nil {
			c.ever[id] = map[string]bool{}
		}
		c.ever[id][strings.TrimSpace(p.Name+" "+p.LastName)] = true
	}
	for id := range c.always {
		if !active[id] {
			delete(c.always, id)
		}
	}
}

func (c *churn) change(s *portalsim.State) {
	for range c.random.IntN(c.rate + 1) {
		people := s.People()
		id := people[c.random.IntN(len(people))].ID
		switch c.random.IntN(6) {
		case 0:
			s.Set(portalsim.Person{Active: true, Name: "New", LastName: fmt.Sprint(c.random.Int())})
		case 1:
			s.Dismiss(id)
		case 2:
			s.Restore(id)
		case 3:
			s.Rename(id, fmt.Sprintf("Re Named%d", c.random.IntN(1000)))
		case 4:
			if len(people) > 5 {
				s.Remove(id)
			}
		}
		c.note(s)
	}
}

// churnOnce reads a changing portal: whoever was there all the time is in the list exactly
// once, and nobody is in it who never was there. complete is false when the client rather
// failed.
func churnOnce(t *testing.T, seed uint64) (calm, complete bool) {
	random := rand.New(rand.NewPCG(seed, 7))
	c := &churn{t: t, random: random, always: map[string]bool{}, ever: map[string]map[string]bool{}, rate: 1 + random.IntN(4)}
	calm = c.rate == 1 && seed%3 != 0
	people := portalsim.People(5+random.IntN(400), seed)
	for i := range people {
		people[i].Active = random.IntN(8) > 0
		if people[i].Active {
			c.always[fmt.Sprint(people[i].ID)] = true
		}
	}
	people[0].Active = true
	var portal *portalsim.Portal
	o := portalsim.Options{People: people, OnRequest: func(int, string) { portal.Update(c.change) }}
	if seed%3 == 0 {
		o.OnCommand = func(int, int, string) { portal.Update(c.change) }
	}
	b := newBench(t, o)
	portal = b.portal
	portal.Update(c.note)
	if seed%3 != 0 {
		// Small batches, or none: more places to change something at.
		kind := map[bool]portalsim.Kind{true: portalsim.BatchNotAllowed, false: portalsim.BatchTooLong}[seed%2 == 0]
		portal.Inject(portalsim.Fault{Kind: kind, Method: "batch", Times: portalsim.Always})
	}
	got, _, err := readAll(context.Background(), b.client(t), Query{})
	if err != nil {
		if e := typed(t, err); e.Code != crm.CodePortalAnswer {
			t.Errorf("seed %d: %v", seed, err)
		}
		return calm, false
	}
	c.compare(seed, got)
	return calm, true
}

func (c *churn) compare(seed uint64, got []Person) {
	times := map[string]int{}
	for _, p := range got {
		times[p.ID]++
		if !c.ever[p.ID][p.Name] {
			c.t.Errorf("seed %d: %s %q was never there", seed, p.ID, p.Name)
		}
		if times[p.ID] > 1 {
			c.t.Errorf("seed %d: %s is there twice", seed, p.ID)
		}
	}
	for id := range c.always {
		if times[id] != 1 {
			c.t.Errorf("seed %d: %s was there all the time and is in the list %d times", seed, id, times[id])
		}
	}
}

func TestPeopleComeAndGo(t *testing.T) {
	t.Parallel()
	const readings = 200
	var complete, calm, calmComplete int
	for seed := range uint64(readings) {
		wasCalm, whole := churnOnce(t, seed)
		if whole {
			complete++
		}
		if wasCalm {
			calm++
		}
		if wasCalm && whole {
			calmComplete++
		}
	}
	t.Logf("%d of %d readings were complete, %d of %d where every second request saw a change", complete, readings, calmComplete, calm)
	if calmComplete < calm*9/10 {
		t.Errorf("a portal in which now and then somebody comes or goes is read in %d of %d cases only", calmComplete, calm)
	}
}

func FuzzPeopleComeAndGo(f *testing.F) {
	f.Add(uint64(1_000_001))
	f.Fuzz(func(t *testing.T, seed uint64) { _, _ = churnOnce(t, seed) })
}
