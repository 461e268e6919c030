package schedule

import (
	"context"
	"time"

	"booking/host/internal/store"
)

// spread gives each tenant its offset.
type spread func(tenant int64) time.Duration

// spread is the window shared out, or nothing when a single tenant is scheduled.
func (s *Scheduler) spread(ctx context.Context) (spread, error) {
	window := s.Window
	if window > 0 {
		several, err := s.Store.SeveralScheduled(ctx)
		if err != nil {
			return nil, err
		}
		if !several {
			window = 0
		}
	}
	return func(tenant int64) time.Duration { return Offset(tenant, window) }, nil
}

// Plan sets the next slot of a schedule, and its start, as from now; a schedule that
// is off has none. The error is of kind [ErrInvalid], or the database's.
func (s *Scheduler) Plan(ctx context.Context, row *store.Schedule) error {
	spec, err := s.Spec(*row)
	if err != nil {
		return err
	}
	row.SlotAt, row.NextAt = time.Time{}, time.Time{}
	if !row.Enabled {
		return nil
	}
	offset, err := s.spread(ctx)
	if err != nil {
		return err
	}
	s.plan(row, spec, offset)
	return nil
}

func (s *Scheduler) plan(row *store.Schedule, spec Spec, offset spread) {
	row.SlotAt = spec.Next(s.Clock())
	row.NextAt = spec.Start(row.SlotAt, offset(row.TenantID))
}

// planNew plans the schedules that have no plan: tenants that were connected and
// never chose one have the default.
func (s *Scheduler) planNew(ctx context.Context, now time.Time) error {
	for {
		rows, err := s.Store.UnplannedSchedules(ctx, page)
		if err != nil || len(rows) == 0 {
			return err
		}
		offset, err := s.spread(ctx)
		if err != nil {
			return err
		}
		for i := range rows {
			spec, err := s.Spec(rows[i])
			if err != nil {
				// start tells of it, in an hour.
				rows[i].SlotAt, rows[i].NextAt = now, now.Add(time.Hour)
				continue
			}
			s.plan(&rows[i], spec, offset)
		}
		if err := s.Store.PlanSchedules(ctx, rows); err != nil {
			return err
		}
		if len(rows) < page {
			return nil
		}
	}
}
