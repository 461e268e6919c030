package schedule

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"booking/host/internal/store"
)

// startAll starts what is due, batch by batch.
func (s *Scheduler) startAll(ctx context.Context, due []store.DueSchedule, now time.Time, offset spread) error {
	due = slices.SortedFunc(slices.Values(due), func(a, b store.DueSchedule) int { return cmp.Compare(a.TenantID, b.TenantID) })
	batches := slices.Collect(slices.Chunk(due, batch))
	// Each host begins elsewhere, so that they seldom meet at one batch.
	rand.Shuffle(len(batches), func(i, j int) { batches[i], batches[j] = batches[j], batches[i] })
	var failed []error
	for i, one := range batches {
		s.lap()
		var err error
		if i > 0 { // since the page was read, another host may have been here
			one, err = s.Store.StillDue(ctx, one)
		}
		if err == nil && len(one) > 0 {
			err = errors.Join(s.startApart(ctx, one, now, offset)...)
		}
		if err != nil {
			failed = append(failed, err)
		}
		if len(failed) == enoughErrors || ctx.Err() != nil {
			break
		}
	}
	return errors.Join(failed...)
}

// startApart starts a batch; where that cannot be because somebody has a row of it, one
// by one: that row holds up no other, and is tried the next time.
func (s *Scheduler) startApart(ctx context.Context, due []store.DueSchedule, now time.Time, offset spread) (failed []error) {
	err := s.start(ctx, due, now, offset)
	if err == nil || len(due) == 1 || !store.Contended(err) {
		return []error{err}
	}
	for one := range slices.Chunk(due, 1) {
		if err := s.start(ctx, one, now, offset); err != nil {
			failed = append(failed, err)
		}
		if len(failed) == enoughErrors || ctx.Err() != nil {
			break
		}
	}
	return failed
}

// decision is what is to be done about one schedule that is due.
type decision struct {
	missed []store.Slot
	// slot gets a run, unless its tenant is 0.
	slot store.DueSlot
	move store.Move
}

// start queues the newest slot of schedules that are due, records the older ones as
// missed and moves the schedules on, in this order: whoever stops in between leaves them
// due. It may be done any number of times, by any host.
func (s *Scheduler) start(ctx context.Context, due []store.DueSchedule, now time.Time, offset spread) error {
	var missed []store.Slot
	var slots []store.DueSlot
	moves := make([]store.Move, 0, len(due))
	for _, one := range due {
		d := s.decide(one, now, offset)
		missed, moves = append(missed, d.missed...), append(moves, d.move)
		if d.slot.TenantID != 0 {
			slots = append(slots, d.slot)
		}
	}
	if err := s.Store.MissAllSlots(ctx, missed); err != nil {
		return err
	}
	if len(slots) > 0 {
		started, err := s.Queue.QueueSlots(ctx, slots)
		if err != nil {
			return err
		}
		s.Log.Debug("the runs of slots were queued", "slots", len(slots), "by this host", started)
	}
	return s.Store.MoveSchedules(ctx, moves)
}

// decide says what a schedule that is due asks for.
func (s *Scheduler) decide(due store.DueSchedule, now time.Time, offset spread) decision {
	spec, err := s.Spec(due.Schedule)
	if err != nil {
		// Only a hand in the database writes such a row: said once an hour.
		s.Log.Error("a schedule is not understood", "tenant", due.TenantID, "error", err.Error())
		return decision{move: store.Move{From: due.Schedule, SlotAt: due.SlotAt, NextAt: now.Add(time.Hour).Truncate(time.Second)}}
	}
	share := offset(due.TenantID)
	missed, newest := behind(spec, due.SlotAt, now, share)
	next := spec.Next(newest)
	d := decision{move: store.Move{From: due.Schedule, SlotAt: next, NextAt: spec.Start(next, share)}}
	if !due.Connected {
		return d
	}
	for _, at := range missed {
		d.missed = append(d.missed, store.Slot{TenantID: due.TenantID, Task: store.TaskSyncUsers, At: at})
	}
	if len(missed) > 0 {
		s.Log.Warn("slots were missed; one run makes up for all", "tenant", due.TenantID, "missed", len(missed))
	}
	if calm := spec.AfterQuiet(now); calm.After(now) && now.Sub(spec.Start(newest, share)) > late {
		d.move.SlotAt, d.move.NextAt = newest, calm
		return d
	}
	d.slot = store.DueSlot{
		Slot: store.Slot{TenantID: due.TenantID, Task: store.TaskSyncUsers, At: newest}, Plugin: due.Plugin, Portal: due.Portal,
	}
	return d
}

// mostMissed is how many missed slots are recorded for one stay away: the newest.
const mostMissed = 1000

// behind walks from a slot that is due to the newest one that is: that one, and those
// before it, the newest mostMissed.
func behind(spec Spec, slot, now time.Time, share time.Duration) (missed []time.Time, newest time.Time) {
	for {
		next := spec.Next(slot)
		if spec.Start(next, share).After(now) {
			return missed, slot
		}
		if missed = append(missed, slot); len(missed) > mostMissed {
			missed = missed[1:]
		}
		slot = next
	}
}
