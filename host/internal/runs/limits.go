package runs

import (
	"cmp"
	"fmt"

	"booking/host/internal/store"
)

// DefaultRuns is how many runs one host carries out at the same time unless told otherwise.
const DefaultRuns = 4

// Limits are how many runs go on at the same time. The zero value is DefaultRuns and no
// further limit.
type Limits struct {
	// Runs is for one host (BOOKING_RUNS).
	Runs int
	// PerPortal is for all hosts together (BOOKING_RUNS_PER_PORTAL); 0: none. The
	// database decides: each run takes one of the portal's places.
	PerPortal int
	// PerPlugin is for one plugin's process on one host (BOOKING_RUNS_PER_PLUGIN); 0: none.
	// Like Runs it counts those at work, not those that wait for their portals.
	PerPlugin int
}

func (l Limits) runs() int { return cmp.Or(l.Runs, DefaultRuns) }

// sharesPortal reports whether the limit of a portal holds for a run. A plugin that names
// no portal gives all its settings its own name, which is no server that many ask.
func (l Limits) sharesPortal(run store.Run) bool {
	return l.PerPortal > 0 && run.Portal != "" && run.Portal != run.Plugin
}

// Full reports whether a run has to wait because so many go on at its portal.
func (l Limits) Full(run store.Run, going int) bool {
	return l.sharesPortal(run) && going >= l.PerPortal
}

// place names one of a portal's places, counted from 0.
func place(portal string, number int) string { return fmt.Sprintf("%s#%d", portal, number) }
