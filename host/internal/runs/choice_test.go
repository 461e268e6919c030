package runs

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"booking/host/internal/store"
)

func TestWhatAHostTakesOfTheQueue(t *testing.T) {
	t.Parallel()
	// A run is "tenant plugin portal"; a * makes it suspect.
	read := func(lines ...string) (runs []store.Run) {
		for i, line := range lines {
			var r store.Run
			lost := strings.HasSuffix(line, "*")
			if _, err := fmt.Sscan(strings.TrimSuffix(line, "*"), &r.TenantID, &r.Plugin, &r.Portal); err != nil {
				t.Fatal(err)
			}
			if r.ID = int64(i + 1); lost {
				r.Lost = 2
			}
			runs = append(runs, r)
		}
		return runs
	}
	for name, c := range map[string]struct {
		limits  Limits
		here    load
		active  []string
		places  []string // of the active ones
		waiting []string
		want    []string // tenant@place
	}{
		"as many as there are places, in the order of the queue": {
			here: load{free: 2}, waiting: []string{"1 a p", "2 a p", "3 a p"}, want: []string{"1@", "2@"},
		},
		"one run of a tenant": {
			here: load{free: 4}, active: []string{"2 a p"}, waiting: []string{"1 a p", "1 a p", "2 a p", "3 a p"}, want: []string{"1@", "3@"},
		},
		"a portal's places are counted, and others pass by": {
			limits: Limits{PerPortal: 2}, here: load{free: 4}, waiting: []string{"1 a p", "2 a p", "3 a p", "4 a q"}, want: []string{"1@p#0", "2@p#1", "4@q#0"},
		},
		"a place that is taken is not taken twice": {
			limits: Limits{PerPortal: 2}, here: load{free: 4}, active: []string{"9 a p"}, places: []string{"p#0"}, waiting: []string{"1 a p", "2 a p"}, want: []string{"1@p#1"},
		},
		"runs without a place (foreground, the former release's) count, too": {
			limits: Limits{PerPortal: 2}, here: load{free: 4}, active: []string{"8 a p", "9 a p"}, places: []string{"", ""}, waiting: []string{"1 a p", "2 a q"}, want: []string{"2@q#0"},
		},
		"a plugin that names no portal has none to spare": {
			limits: Limits{PerPortal: 1}, here: load{free: 4}, waiting: []string{"1 staff staff", "2 staff staff"}, want: []string{"1@", "2@"},
		},
		"a plugin's process has its limit on this host": {
			limits: Limits{PerPlugin: 2}, here: load{free: 4, plugins: map[string]int{"a": 1}}, active: []string{"9 a p", "8 a p", "7 a p"},
			waiting: []string{"1 a p", "2 a p", "3 b p"}, want: []string{"1@", "3@"},
		},
		"one suspect at a time": {
			here: load{free: 4}, waiting: []string{"1 a p*", "2 a p*", "3 a p"}, want: []string{"1@", "3@"},
		},
		"no suspect beside another": {
			here: load{free: 4, suspect: true}, waiting: []string{"1 a p*", "3 a p"}, want: []string{"3@"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			active := read(c.active...)
			for i, place := range c.places {
				active[i].Place = place
			}
			choice := newChoice(c.limits, c.here, active)
			for _, run := range read(c.waiting...) {
				choice.consider(run)
			}
			var got []string
			for _, run := range choice.chosen {
				got = append(got, fmt.Sprintf("%d@%s", run.TenantID, run.Place))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheNextLookLeavesOutWhatCannotBeHad(t *testing.T) {
	t.Parallel()
	c := newChoice(Limits{PerPortal: 1, PerPlugin: 2}, load{free: 9, plugins: map[string]int{"b": 2, "c": 1}}, []store.Run{{TenantID: 9, Plugin: "a", Portal: "p", Place: "p#0"}})
	c.consider(store.Run{ID: 1, TenantID: 1, Plugin: "a", Portal: "q", Lost: 2})
	want := store.Look{Limit: 7, Free: true, Suspects: true, Tenants: []int64{1}, Portals: []string{"p", "q"}, Plugins: []string{"b"}}
	if diff := cmp.Diff(want, c.rest(7)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestARunThatWaitsForItsPortalGivesItsPlaceAway(t *testing.T) {
	t.Parallel()
	var p places
	limits := Limits{Runs: 2}
	now := time.Date(2026, time.November, 23, 1, 0, 0, 0, time.UTC)
	free := func(want int) {
		t.Helper()
		if got := p.look(limits).free; got != want {
			t.Errorf("%d places are free, want %d", got, want)
		}
	}
	free(2)
	p.take(store.Run{ID: 1, Plugin: "a"}, now)
	p.take(store.Run{ID: 2, Plugin: "b", Lost: 2}, now)
	free(0)
	if l := p.look(limits); l.plugins["a"] != 1 || l.plugins["b"] != 1 || !l.suspect {
		t.Errorf("%+v", l)
	}
	// The portal makes the first one wait.
	p.hear(1, now, now.Add(15*time.Minute))
	if !p.settle(1, now, silence) || p.settle(1, now, silence) {
		t.Error("it is told once that a place is free")
	}
	free(1)
	if l := p.look(limits); l.plugins["a"] != 0 || l.plugins["b"] != 1 {
		t.Errorf("its plugin has no room for others: %+v", l)
	}
	// The second says nothing.
	if p.settle(2, now.Add(silence-1), silence) || !p.settle(2, now.Add(silence), silence) {
		t.Error("silence is not seen in time")
	}
	free(2)
	// It goes on: the host has one more at work, and takes none for it.
	p.hear(2, now.Add(silence), time.Time{})
	p.settle(2, now.Add(silence), silence)
	free(1)
	p.hear(1, now.Add(silence), time.Time{})
	p.settle(1, now.Add(silence), silence)
	free(0)
	p.leave(1)
	free(1)
	p.leave(2)
	free(2)
}

func TestAHostDoesNotHoldAnyNumberOfRunsThatWait(t *testing.T) {
	t.Parallel()
	var p places
	limits := Limits{Runs: 2}
	now := time.Now()
	for id := range int64(2*waitingToo - 1) {
		p.take(store.Run{ID: id + 1}, now)
		p.hear(id+1, now, now.Add(time.Minute))
		p.settle(id+1, now, silence)
	}
	if got := p.look(limits).free; got != 1 {
		t.Errorf("%d places are free, want the last", got)
	}
	p.take(store.Run{ID: 999}, now)
	if got := p.look(limits).free; got != 0 {
		t.Errorf("%d places are free, want none", got)
	}
}
