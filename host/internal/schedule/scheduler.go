package schedule

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"booking/host/internal/store"
)

const (
	// LookPause is how often a scheduler looks for due schedules: one statement.
	LookPause = 5 * time.Second
	// planPause is how often it looks for schedules that nobody has planned yet.
	planPause = time.Minute
	// batch is how many schedules it reads at once.
	batch = 200
	// enoughErrors ends a batch: the database, not a single row, is what ails.
	enoughErrors = 3
	// late is how long after its start a run is a catch-up, which waits for the end
	// of a quiet window that has begun meanwhile.
	late = 15 * time.Minute
)

// Queue queues the run of a slot; runs.Service does.
type Queue interface {
	QueueSlot(ctx context.Context, slot store.Slot, plugin, portal string) (run store.Run, started bool, err error)
}

// Scheduler queues what is due. Any number of them may work on one database, with
// clocks that differ: a slot's identity is the instant its schedule names, not the
// time at which somebody looked.
type Scheduler struct {
	Store *store.Store
	Queue Queue
	// Clock says what time it is.
	Clock func() time.Time
	// Zone is the time zone of schedules that name none (BOOKING_TIME_ZONE).
	Zone string
	// Window is the spread of starts (BOOKING_SPREAD), below an hour; 0 for none.
	Window time.Duration
	Log    *slog.Logger

	planned time.Time // when it was last looked for unplanned schedules
}

// Run looks and queues until ctx ends. A database that is away is tried again.
func (s *Scheduler) Run(ctx context.Context) {
	look := time.NewTicker(LookPause)
	defer look.Stop()
	for {
		if err := s.Tick(ctx); err != nil && ctx.Err() == nil {
			s.Log.Warn("the schedule could not be looked at", "error", err.Error())
		}
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}

// Tick queues everything that is due now, once, and plans what has no plan. The
// error is the database's; what one tenant's schedule is wrong about holds up nobody.
func (s *Scheduler) Tick(ctx context.Context) error {
	now := s.Clock()
	if since := now.Sub(s.planned); since >= planPause || since < 0 {
		if err := s.planNew(ctx, now); err != nil {
			return err
		}
		s.planned = now
	}
	for {
		due, err := s.Store.DueSchedules(ctx, now, batch)
		if err != nil || len(due) == 0 {
			return err
		}
		offset, err := s.spread(ctx)
		if err != nil {
			return err
		}
		if err := s.startAll(ctx, due, now, offset); err != nil || len(due) < batch {
			return err
		}
	}
}

// startAll starts what is due. A row that cannot be had now holds up no other: the
// error is returned at the end.
func (s *Scheduler) startAll(ctx context.Context, due []store.DueSchedule, now time.Time, offset spread) error {
	// Each host begins elsewhere, so that they seldom meet at one tenant.
	rand.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] })
	var failed []error
	for _, one := range due {
		if err := s.start(ctx, one, now, offset); err != nil {
			failed = append(failed, err)
		}
		if len(failed) == enoughErrors || ctx.Err() != nil {
			break
		}
	}
	return errors.Join(failed...)
}

// start queues the newest slot of a schedule that is due, records the older ones as
// missed and moves the schedule on. It may be done any number of times, by any host.
func (s *Scheduler) start(ctx context.Context, due store.DueSchedule, now time.Time, offset spread) error {
	spec, err := s.Spec(due.Schedule)
	if err != nil {
		// Only a hand in the database writes such a row: said once an hour.
		s.Log.Error("a schedule is not understood", "tenant", due.TenantID, "error", err.Error())
		return s.Store.MoveSchedule(ctx, due.Schedule, due.SlotAt, now.Add(time.Hour).Truncate(time.Second))
	}
	share := offset(due.TenantID)
	missed, newest := behind(spec, due.SlotAt, now, share)
	if due.Connected {
		if err := s.Store.MissSlots(ctx, due.TenantID, store.TaskSyncUsers, missed); err != nil {
			return err
		}
		if calm := spec.AfterQuiet(now); calm.After(now) && now.Sub(spec.Start(newest, share)) > late {
			return s.Store.MoveSchedule(ctx, due.Schedule, newest, calm)
		}
		if err := s.queue(ctx, due, newest, len(missed)); err != nil {
			return err
		}
	}
	next := spec.Next(newest)
	return s.Store.MoveSchedule(ctx, due.Schedule, next, spec.Start(next, share))
}

func (s *Scheduler) queue(ctx context.Context, due store.DueSchedule, at time.Time, missed int) error {
	slot := store.Slot{TenantID: due.TenantID, Task: store.TaskSyncUsers, At: at}
	run, started, err := s.Queue.QueueSlot(ctx, slot, due.Plugin, due.Portal)
	if err != nil || !started {
		return err
	}
	s.Log.Debug("a slot's run was queued", "tenant", due.TenantID, "slot", at, "run", run.ID)
	if missed > 0 {
		s.Log.Warn("slots were missed; one run makes up for all", "tenant", due.TenantID, "missed", missed, "run", run.ID)
	}
	return nil
}

// Spec reads a stored schedule, with the host's defaults where it says nothing.
func (s *Scheduler) Spec(row store.Schedule) (Spec, error) {
	text := Text{Rule: row.Rule, Zone: row.Zone, Quiet: row.Quiet}
	if text.Rule == "" {
		text.Rule = DefaultRule
	}
	if text.Zone == "" {
		text.Zone = s.Zone
	}
	return Parse(text)
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
