package runs

import (
	"maps"
	"slices"

	"booking/host/internal/store"
)

// choice is which of the runs that wait this host takes. It is made of what goes on, and
// changes nothing: the database has the last word about every one (store.ClaimRun).
type choice struct {
	limits Limits
	// free is how many more this host can take.
	free int
	// tenants have a run that goes on, or is chosen.
	tenants map[int64]bool
	// atPortal counts the runs of each portal that is limited, and taken are its places.
	atPortal map[string]int
	taken    map[string]bool
	// ofPlugin counts this host's runs of each plugin.
	ofPlugin map[string]int
	// suspect: this host carries out a run that may bring it down.
	suspect bool
	chosen  []store.Run
}

// newChoice begins with what goes on everywhere (active) and on this host (here).
func newChoice(limits Limits, here load, active []store.Run) *choice {
	c := &choice{
		limits: limits, free: here.free, tenants: map[int64]bool{}, atPortal: map[string]int{}, taken: map[string]bool{},
		ofPlugin: map[string]int{}, suspect: here.suspect,
	}
	maps.Copy(c.ofPlugin, here.plugins)
	for _, run := range active {
		c.tenants[run.TenantID] = true
		c.taken[run.Place] = true
		if limits.sharesPortal(run) {
			c.atPortal[run.Portal]++
		}
	}
	return c
}

// consider takes a run that waits, unless something stands against it. Runs must come in
// the order of the queue.
func (c *choice) consider(run store.Run) {
	switch {
	case c.free == 0, c.tenants[run.TenantID], c.suspect && run.Suspect(), c.full(run), c.busy(run.Plugin):
		return
	}
	run.Place = ""
	if c.limits.sharesPortal(run) {
		run.Place = c.freePlace(run.Portal)
		c.taken[run.Place] = true
		c.atPortal[run.Portal]++
	}
	c.free--
	c.tenants[run.TenantID] = true
	c.ofPlugin[run.Plugin]++
	c.suspect = c.suspect || run.Suspect()
	c.chosen = append(c.chosen, run)
}

// full reports whether a run's portal has all the runs it may have.
func (c *choice) full(run store.Run) bool {
	return c.limits.sharesPortal(run) && c.atPortal[run.Portal] >= c.limits.PerPortal
}

// busy reports whether a plugin's process has all the runs it may have.
func (c *choice) busy(plugin string) bool {
	return c.limits.PerPlugin > 0 && c.ofPlugin[plugin] >= c.limits.PerPlugin
}

// freePlace is the first place of a portal that is not taken; there is one, since each
// run takes one at most.
func (c *choice) freePlace(portal string) string {
	for number := 0; ; number++ {
		if name := place(portal, number); !c.taken[name] {
			return name
		}
	}
}

// rest says what of the queue is still worth a look: what cannot be had must not hide,
// by its mere number, what can.
func (c *choice) rest(limit int) store.Look {
	look := store.Look{Limit: limit, Free: true, Suspects: c.suspect}
	for _, run := range c.chosen {
		look.Tenants = append(look.Tenants, run.TenantID)
	}
	for portal, n := range c.atPortal {
		if n >= c.limits.PerPortal {
			look.Portals = append(look.Portals, portal)
		}
	}
	for plugin := range c.ofPlugin {
		if c.busy(plugin) {
			look.Plugins = append(look.Plugins, plugin)
		}
	}
	slices.Sort(look.Portals)
	slices.Sort(look.Plugins)
	return look
}
