package schedule

import "time"

// What a wall clock shows is held as a time.Time in UTC with the same figures: such
// values can be compared and added to without any zone getting in between.

// farthest is more than any zone was ever away from UTC (Manila, until 1844: -15:56).
const farthest = 24 * time.Hour

// wall is what the zone's clock shows at t.
func wall(t time.Time, zone *time.Location) time.Time {
	_, offset := t.In(zone).Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// shownUntil is the latest that the zone's clock has shown up to t. That is more
// than what it shows at t while a clock that was set back goes over the same times again.
func shownUntil(t time.Time, zone *time.Location) time.Time {
	latest := wall(t, zone)
	start, _ := t.In(zone).ZoneBounds()
	for !start.IsZero() && t.Sub(start) < 2*farthest {
		before := start.Add(-1)
		if shown := wall(before, zone); shown.After(latest) {
			latest = shown
		}
		start, _ = before.ZoneBounds()
	}
	return latest
}

// firstShown is the first instant at which the zone's clock shows the given time or
// a later one.
func firstShown(shown time.Time, zone *time.Location) time.Time {
	t := shown.Add(-farthest).In(zone)
	for {
		end := offsetEnd(t)
		_, offset := t.Zone()
		at := shown.Add(-time.Duration(offset) * time.Second)
		if at.Before(t) {
			at = t // leapt over: the gap ends here
		}
		if end.IsZero() || at.Before(end) {
			return at.UTC()
		}
		t = end
	}
}

// offsetEnd is when the offset that holds at t may end; zero for never. It is after
// t, which Go's own ZoneBounds does not promise: where a zone's rule goes on beyond
// its table, a leap year is taken to end on 31 December (Go 1.26, time.tzset). No
// rule changes an offset within an hour of that.
func offsetEnd(t time.Time) time.Time {
	_, end := t.ZoneBounds()
	if !end.IsZero() && !end.After(t) {
		return t.Add(time.Hour)
	}
	return end
}

func midnight(shown time.Time) time.Time {
	year, month, day := shown.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

func minuteOf(shown time.Time) int { return shown.Hour()*60 + shown.Minute() }
