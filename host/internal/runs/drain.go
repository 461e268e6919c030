package runs

import (
	"context"
	"errors"
	"strings"

	"booking/host/internal/store"
	"booking/shared/crm"
)

// QueueSlot queues the run of a schedule's slot and reports whether this call did: on
// any number of hosts each slot gets exactly one run. Whether the tenant can be run
// is looked at when the run begins.
func (s *Service) QueueSlot(ctx context.Context, slot store.Slot, plugin, portal string) (store.Run, bool, error) {
	run := store.Run{TenantID: slot.TenantID, Plugin: plugin, Portal: portal, Mode: crm.ModeApply, Trigger: "schedule"}
	started, err := s.Store.StartSlot(ctx, slot, &run)
	return run, started, err
}

// Drain carries out what waits in the queue, one run after the other, and returns
// when nothing is left that this process could take. begin gives each run its
// watcher, end is told of each outcome; a run whose tenant is busy elsewhere stays in
// the queue and has CodeBusy. When ctx ends, the run that goes on goes back. Where
// this machine carries out its share already, nothing is taken: whoever does goes on.
func (s *Service) Drain(ctx context.Context, begin func() Watcher, end func(Outcome)) error {
	machine, _, _ := strings.Cut(s.Host, ":")
	if going, err := s.Store.RunsOn(ctx, machine); err != nil || going >= together {
		return err
	}
	tried := map[int64]bool{}
	for ctx.Err() == nil {
		waiting, err := s.Store.QueuedRuns(ctx, len(tried)+1)
		if err != nil {
			return err
		}
		run, found := untried(waiting, tried)
		if !found {
			return nil
		}
		tried[run.ID] = true
		outcome, mine, err := s.takeOne(ctx, run, begin)
		if err != nil {
			return err
		}
		if mine || outcome.BusyWith != 0 {
			end(outcome)
		}
	}
	return ctx.Err()
}

func untried(waiting []store.Run, tried map[int64]bool) (store.Run, bool) {
	for _, run := range waiting {
		if !tried[run.ID] {
			return run, true
		}
	}
	return store.Run{}, false
}

// takeOne claims a run and carries it out; mine is false when another process was
// faster or the tenant is busy, and then the outcome says with which run.
func (s *Service) takeOne(ctx context.Context, run store.Run, begin func() Watcher) (outcome Outcome, mine bool, err error) {
	claimed, err := s.Store.ClaimRun(ctx, &run, s.Host, s.Lease)
	if err != nil {
		return Outcome{}, false, err
	}
	if claimed {
		outcome, err = s.workOff(ctx, run, begin())
		return outcome, true, err
	}
	now, err := s.Store.Run(ctx, run.ID)
	if err != nil || now.Status != store.StatusQueued {
		return Outcome{}, false, err
	}
	active, err := s.Store.ActiveRun(ctx, run.TenantID)
	if errors.Is(err, store.ErrNotFound) || (err == nil && active.Status != store.StatusRunning) {
		return Outcome{}, false, nil // it is over already; what waits is looked at again
	}
	if err != nil {
		return Outcome{}, false, err
	}
	outcome = refused(now, crm.NewError(crm.CodeBusy, busyMessage(active.ID), nil))
	outcome.BusyWith = active.ID
	return outcome, false, nil
}
