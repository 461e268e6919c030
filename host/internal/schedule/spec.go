// Package schedule says when a tenant's next run is and queues it: [Spec] is a pure
// function of time, [Scheduler] turns slots that are due into queued runs, each slot
// exactly once on any number of hosts. It never carries out a run itself.
//
// Words: a *slot* is an instant that a schedule names ("every day at 01:00"); its
// *start* is the slot plus the tenant's share of the spread ([Offset]).
package schedule

import (
	"time"

	// The zones must be known on machines without a tz database, too.
	_ "time/tzdata"
)

// Spec is a checked schedule: which times of which days in which zone. The zero Spec
// is of no use; [Parse] makes one.
type Spec struct {
	rule  rule
	quiet quiet
	zone  *time.Location
	// minutes are the minutes of the day at which slots are: the rule's but those in
	// the quiet window, ascending, never empty.
	minutes []int
}

// Next returns the first slot after an instant, in UTC.
//
// Slots are times of the zone's wall clock, and a slot's instant is the first at
// which that clock shows it or something later. So a time that the clock leaps over
// (summer time, a skipped day) runs at the first instant after the gap, a time that
// it shows twice runs once, and no slot is ever skipped. Slots that fall together
// after a gap are one.
func (s Spec) Next(after time.Time) time.Time {
	shown := shownUntil(after, s.zone)
	for day := midnight(shown); ; day = day.AddDate(0, 0, 1) {
		if !s.rule.days.has(day.Weekday()) {
			continue
		}
		for _, minute := range s.minutes {
			if slot := day.Add(time.Duration(minute) * time.Minute); slot.After(shown) {
				return firstShown(slot, s.zone)
			}
		}
	}
}

// Start is when a slot's run starts: offset after the slot, but never so late that
// it would be in the quiet window which begins meanwhile.
func (s Spec) Start(slot time.Time, offset time.Duration) time.Time {
	if room := s.quiet.beginsIn(wall(slot, s.zone)); room > 0 && offset >= room {
		offset %= room
	}
	return slot.Add(offset)
}

// AfterQuiet is t, or the end of the quiet window that t is in.
func (s Spec) AfterQuiet(t time.Time) time.Time {
	shown := wall(t, s.zone)
	if !s.quiet.has(minuteOf(shown)) {
		return t
	}
	end := midnight(shown).Add(time.Duration(s.quiet.to) * time.Minute)
	if !end.After(shown) {
		end = end.AddDate(0, 0, 1)
	}
	return firstShown(end, s.zone)
}

// Zone is the time zone of the schedule.
func (s Spec) Zone() *time.Location { return s.zone }

// Offset is the tenant's share of the spread: a fixed time from 0 up to window, in
// whole seconds. Neighbouring numbers lie far apart (steps of the golden ratio), so
// that few tenants already use the window evenly.
func Offset(tenant int64, window time.Duration) time.Duration {
	const golden = 2654435769 // 2^32 / 1.618...
	share := uint64(uint32(uint64(tenant) * golden))
	return time.Duration(share*uint64(window/time.Second)>>32) * time.Second
}
