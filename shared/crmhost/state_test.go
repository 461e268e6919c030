package crmhost

import (
	"math"
	"testing"
	"time"
)

// Every state with every event: what is not named here is no step.
func TestStates(t *testing.T) {
	t.Parallel()
	want := map[State]map[event]State{
		"discovered":  {"start": "starting", "close": "draining"},
		"untrusted":   {"start": "starting", "close": "draining"},
		"starting":    {"ready": "ready", "missing": "discovered", "untrusted": "untrusted", "died": "backing_off", "gave_up": "failed", "close": "draining"},
		"ready":       {"ready": "ready", "died": "backing_off", "gave_up": "failed", "close": "draining"},
		"backing_off": {"start": "starting", "ready": "ready", "close": "draining"},
		"failed":      {"start": "starting", "ready": "ready", "close": "draining"},
		"draining":    {"stopped": "discovered"},
	}
	events := []event{"start", "missing", "untrusted", "ready", "died", "gave_up", "close", "stopped"}
	if len(transitions) != len(want) {
		t.Errorf("%d states, want %d", len(transitions), len(want))
	}
	for state, steps := range want {
		if len(transitions[state]) != len(steps) {
			t.Errorf("%s has %d steps, want %d", state, len(transitions[state]), len(steps))
		}
		for _, e := range events {
			to, ok := state.next(e)
			if wanted, possible := steps[e]; ok != possible || to != wanted {
				t.Errorf("%s, %s: got %q %t, want %q %t", state, e, to, ok, wanted, possible)
			}
		}
	}
}

func TestPauseBeforeARestart(t *testing.T) {
	t.Parallel()
	r := Restart{}.withDefaults()
	for _, c := range []struct {
		n           int
		least, most time.Duration
	}{
		{1, 0, 0}, {2, time.Second, 1500 * time.Millisecond}, {3, 2 * time.Second, 3 * time.Second}, {4, 4 * time.Second, 6 * time.Second},
		{7, 32 * time.Second, 48 * time.Second}, {8, time.Minute, time.Minute}, {1000, time.Minute, time.Minute}, {math.MaxInt, time.Minute, time.Minute},
	} {
		if got := r.pause(c.n, 0); got != c.least {
			t.Errorf("failure %d: at least %s, want %s", c.n, got, c.least)
		}
		if got := r.pause(c.n, 1); got != c.most {
			t.Errorf("failure %d: at most %s, want %s", c.n, got, c.most)
		}
	}
}

// Five deaths in ten minutes, not four, not five in eleven; failures that are not
// the plugin's fault do not count.
func TestBreaker(t *testing.T) {
	t.Parallel()
	r, begin := Restart{}.withDefaults(), time.Unix(1000, 0)
	for name, c := range map[string]struct {
		minutes []float64
		faults  int
		tripped bool
	}{
		"four":                    {[]float64{0, 1, 2, 3}, 0, false},
		"five":                    {[]float64{0, 1, 2, 3, 4}, 0, true},
		"five within 10":          {[]float64{0, 3, 6, 9, 9.99}, 0, true},
		"five within 10.1":        {[]float64{0, 3, 6, 9, 10.1}, 0, false},
		"a database that is away": {[]float64{0, 1, 2, 3}, 20, false},
	} {
		var f failures
		for range c.faults {
			f.add(begin, false)
		}
		var now time.Time
		for _, m := range c.minutes {
			now = begin.Add(time.Duration(m * float64(time.Minute)))
			f.add(now, true)
		}
		if got := f.tripped(r, now); got != c.tripped {
			t.Errorf("%s: tripped %t", name, got)
		}
		if !c.tripped {
			continue
		}
		opens := f.opens(r)
		if !f.tripped(r, opens.Add(-time.Nanosecond)) || f.tripped(r, opens) {
			t.Errorf("%s: it does not open at %s", name, opens)
		}
	}
}
