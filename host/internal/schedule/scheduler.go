package schedule

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"booking/host/internal/store"
)

const (
	// LookPause is how often a scheduler looks for due schedules: one statement. What
	// falls due in between starts on time; the pause is for what others change.
	LookPause = 5 * time.Second
	// planPause is how often it looks for schedules that nobody has planned yet.
	planPause = time.Minute
	// page is how many schedules it reads at once, and batch how many it starts at once.
	page  = 2000
	batch = 200
	// enoughErrors ends a page: the database, not a single row, is what ails.
	enoughErrors = 3
	// late is how long after its start a run is a catch-up, which waits for the end
	// of a quiet window that has begun meanwhile.
	late = 15 * time.Minute
)

// Queue queues the runs of slots and says how many; runs.Service does.
type Queue interface {
	QueueSlots(ctx context.Context, slots []store.DueSlot) (started int, err error)
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
	// Lap, when set, is called whenever Run begins a round, and between the batches of a
	// long one: it still works.
	Lap func()

	planned time.Time // when it was last looked for unplanned schedules
}

// Run looks and queues until ctx ends. A database that is away is tried again.
func (s *Scheduler) Run(ctx context.Context) {
	look := time.NewTimer(LookPause)
	defer look.Stop()
	for {
		s.lap()
		next, err := s.tick(ctx)
		if err != nil && ctx.Err() == nil {
			s.Log.Warn("the schedule could not be looked at", "error", err.Error())
		}
		look.Reset(min(max(0, next.Sub(s.Clock())), LookPause))
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}

func (s *Scheduler) lap() {
	if s.Lap != nil {
		s.Lap()
	}
}

// Tick queues everything that is due now, once, and plans what has no plan. The
// error is the database's; what one tenant's schedule is wrong about holds up nobody.
func (s *Scheduler) Tick(ctx context.Context) error {
	_, err := s.tick(ctx)
	return err
}

// tick is Tick and says when to look again: when something falls due, after LookPause at
// the latest.
func (s *Scheduler) tick(ctx context.Context) (next time.Time, err error) {
	now := s.Clock()
	next = now.Add(LookPause)
	if since := now.Sub(s.planned); since >= planPause || since < 0 {
		if err := s.planNew(ctx, now); err != nil {
			return next, err
		}
		s.planned = now
	}
	for {
		due, err := s.Store.DueSchedules(ctx, next, page)
		if err != nil {
			return next, err
		}
		more := len(due) == page
		if soon := slices.IndexFunc(due, func(d store.DueSchedule) bool { return d.NextAt.After(now) }); soon >= 0 {
			next, due, more = due[soon].NextAt, due[:soon], false
		}
		if len(due) == 0 {
			return next, nil
		}
		offset, err := s.spread(ctx)
		if err != nil {
			return next, err
		}
		if err := s.startAll(ctx, due, now, offset); err != nil || !more {
			return next, err
		}
	}
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
