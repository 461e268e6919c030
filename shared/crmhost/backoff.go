package crmhost

import "time"

// Restart says how a plugin that died is started again. Zero values are the
// defaults.
type Restart struct {
	// First is the pause before the second restart (1 s); it doubles with each
	// failure up to Max (1 min) and is lengthened by up to half at random, so that
	// many plugins that died together do not come back together. The first restart
	// is made at once.
	First, Max time.Duration
	// Deaths within Window (5 in 10 min) are too many: the plugin has failed, and
	// nobody starts it until it is trusted or reloaded anew or the oldest of them
	// is a window ago.
	Deaths int
	Window time.Duration
}

func (r Restart) withDefaults() Restart {
	for _, d := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{{&r.First, time.Second}, {&r.Max, time.Minute}, {&r.Window, 10 * time.Minute}} {
		if *d.value <= 0 {
			*d.value = d.fallback
		}
	}
	if r.Deaths <= 0 {
		r.Deaths = 5
	}
	return r
}

// pause before the restart that follows the n-th failure in a row; random is
// from 0 to 1.
func (r Restart) pause(n int, random float64) time.Duration {
	if n <= 1 {
		return 0
	}
	pause := r.First
	for range n - 2 {
		if pause *= 2; pause >= r.Max {
			break
		}
	}
	return min(r.Max, pause+time.Duration(random*float64(pause)/2))
}

// failures are those of the last window.
type failures struct {
	all []setback
}

type setback struct {
	at time.Time
	// death: the plugin's own fault. A database that was away when the plugin was
	// configured makes restarts rarer and trips no breaker.
	death bool
}

func (f *failures) add(at time.Time, death bool) { f.all = append(f.all, setback{at, death}) }

func (f *failures) clear() { f.all = nil }

// within forgets what is older than the window and counts the rest.
func (f *failures) within(r Restart, now time.Time) (all, deaths int) {
	kept := f.all[:0]
	for _, one := range f.all {
		if now.Sub(one.at) >= r.Window {
			continue
		}
		kept = append(kept, one)
		if one.death {
			deaths++
		}
	}
	f.all = kept
	return len(kept), deaths
}

// tripped says that the plugin has died too often lately.
func (f *failures) tripped(r Restart, now time.Time) bool {
	_, deaths := f.within(r, now)
	return deaths >= r.Deaths
}

// opens is when a tripped breaker lets the plugin be tried again.
func (f *failures) opens(r Restart) time.Time {
	var at []time.Time
	for _, one := range f.all {
		if one.death {
			at = append(at, one.at)
		}
	}
	if len(at) < r.Deaths {
		return time.Time{}
	}
	return at[len(at)-r.Deaths].Add(r.Window)
}
