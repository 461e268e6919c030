//go:build chaos || cluster

package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"booking/shared/testdb/proxy"
)

// fault is something that happens in a round.
type fault struct {
	kind string
	// at is when, counted from the beginning of the act.
	at    time.Duration
	lasts time.Duration
	host  int // to which one, where it happens to a host
}

func (f fault) String() string {
	return fmt.Sprintf("%s %d at %s for %s", f.kind, f.host, f.at.Round(10*time.Millisecond), f.lasts.Round(10*time.Millisecond))
}

// What happens to hosts and their connections on any ground.
const (
	killed   = "kill -9 host"
	asleep   = "stop host"
	allSleep = "stop host and plugin"
	asked    = "SIGTERM host"
	cut      = "cut connections of host"
	stalled  = "stall connections of host"
	late     = "late chunk of host"
	pending  = "pending commit of host"
)

// draw is what a seed makes happen in the two acts of a round that last so long: hosts
// are killed, stopped, asked to end and late in each round, and something happens to the
// database; what else, when, for how long and to whom the seed says.
func draw(random *rand.Rand, ground []string, lease time.Duration, acts [2]time.Duration) (faults [2][]fault) {
	slices.Sort(ground)
	others := []string{killed, asleep, allSleep, asked, cut, stalled, late, pending}
	kinds := []string{killed, []string{asleep, allSleep}[random.IntN(2)], asked, late, ground[random.IntN(len(ground))], others[random.IntN(len(others))]}
	random.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
	for i, kind := range kinds {
		act := i % 2
		f := fault{kind: kind, at: time.Duration(random.Int64N(int64(acts[act]))), host: random.IntN(hosts)}
		f.lasts = time.Duration(random.Int64N(int64(time.Second)))
		if slices.Contains([]string{asleep, allSleep, stalled, late, pending}, kind) {
			f.lasts += lease + 500*time.Millisecond
		}
		faults[act] = append(faults[act], f)
	}
	return faults
}

// happen makes a fault happen, at its time.
func (r *round) happen(ctx context.Context, f fault) error {
	select {
	case <-time.After(f.at):
	case <-ctx.Done():
		return ctx.Err()
	}
	h := r.hosts[f.host]
	switch f.kind {
	case killed:
		h.kill(f.lasts)
	case asleep, allSleep:
		h.sleep(f.lasts, f.kind == allSleep)
	case late:
		r.late(h, f.lasts, proxy.Match{Statement: fenceCheck})
	case pending:
		r.late(h, f.lasts, proxy.Match{Statement: "COMMIT", First: fenceCheck})
	case asked:
		h.restart()
	case cut:
		h.road.Cut()
	case stalled:
		h.road.Stall()
		time.Sleep(f.lasts) // nothing passes for so long
		h.road.Resume()
	default:
		return r.ground.faults()[f.kind](ctx, f)
	}
	return nil
}

// fenceCheck is how a chunk begins.
const fenceCheck = "UPDATE `crm_runs` FORCE INDEX (PRIMARY) SET `chunks`"

// late holds up the next statement of the host's plugin that matches, and stops the host
// meanwhile: when it arrives somebody else may have taken the run over.
func (r *round) late(h *host, lasts time.Duration, match proxy.Match) {
	held := h.road.Hold(match, 1, proxy.Before)
	defer held.GoOn() // whenever it comes
	select {
	case <-held.Reached():
		r.lates.Add(1)
		h.sleep(lasts, false)
	case <-time.After(2 * lasts): // there was no work
	}
}

// cutCommits cuts connections in the middle of what hosts and plugins do, before the
// server gets a statement or before they get the answer.
func (r *round) cutCommits(seed uint64) {
	for i, h := range r.hosts {
		for n, c := range []struct {
			beginning string
			oneIn     int
		}{{"COMMIT", 50}, {"UPDATE crm_runs", 150}, {"INSERT INTO crm_", 150}} {
			decide := proxy.CutOneIn(c.oneIn, seed+uint64(10*i+n))
			h.road.Rule(proxy.Match{Statement: c.beginning}, func(count int) proxy.Decision {
				d := decide(count)
				if d.Place != 0 {
					r.cuts.Add(1)
				}
				return d
			})
		}
	}
}
