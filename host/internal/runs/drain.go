package runs

import (
	"context"
	"errors"
	"slices"
	"strings"

	"booking/host/internal/store"
	"booking/shared/crm"
)

// Drain carries out what waits in the queue, one run after the other, and returns
// when nothing is left that this process could take. begin gives each run its
// watcher, end is told of each outcome; a run whose tenant is busy elsewhere stays in
// the queue and has CodeBusy. When ctx ends, the run that goes on goes back. Where
// this machine carries out its share already, nothing is taken: whoever does goes on.
func (s *Service) Drain(ctx context.Context, begin func() Watcher, end func(Outcome)) error {
	machine, _, _ := strings.Cut(s.Host, ":")
	if going, err := s.Store.RunsOn(ctx, machine); err != nil || going >= s.Limits.runs() {
		return err
	}
	tried := map[int64]bool{}
	for ctx.Err() == nil {
		waiting, err := s.Store.QueuedRuns(ctx, len(tried)+lookedAt)
		if err != nil {
			return err
		}
		untried := slices.DeleteFunc(waiting, func(r store.Run) bool { return tried[r.ID] })
		if len(untried) == 0 {
			return nil
		}
		for _, run := range untried {
			tried[run.ID] = true
			outcome, mine, err := s.takeOne(ctx, run, begin)
			if err != nil {
				return err
			}
			if mine || outcome.BusyWith != 0 {
				end(outcome)
			}
			if ctx.Err() != nil {
				break
			}
		}
	}
	return ctx.Err()
}

// takeOne claims a run and carries it out; mine is false when another process was
// faster, or its portal has all the runs it may have, or the tenant is busy, and then
// the outcome says with which run.
func (s *Service) takeOne(ctx context.Context, run store.Run, begin func() Watcher) (outcome Outcome, mine bool, err error) {
	if run.Status == store.StatusRunning { // its host is dead: so it does not count any more
		if err := s.Store.SettleExpired(ctx, run); err != nil {
			return Outcome{}, false, err
		}
	}
	active, err := s.Store.ActiveRuns(ctx)
	if err != nil {
		return Outcome{}, false, err
	}
	c := newChoice(s.Limits, load{free: 1}, active)
	delete(c.tenants, run.TenantID) // whether it is busy, the claim says
	if c.consider(run); len(c.chosen) == 0 {
		return Outcome{}, false, nil
	}
	run = c.chosen[0]
	claiming, cancel := s.patient(context.WithoutCancel(ctx)) // see claim
	defer cancel()
	claimed, err := s.Store.ClaimRun(claiming, &run, s.Host, s.Lease)
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
	going, err := s.Store.ActiveRun(ctx, run.TenantID)
	if errors.Is(err, store.ErrNotFound) || (err == nil && going.Status != store.StatusRunning) {
		return Outcome{}, false, nil // it is over already; what waits is looked at again
	}
	if err != nil {
		return Outcome{}, false, err
	}
	outcome = refused(now, crm.NewError(crm.CodeBusy, busyMessage(going.ID), nil))
	outcome.BusyWith = going.ID
	return outcome, false, nil
}
