package schedule

import (
	"strings"
	"time"
)

// quiet is a time of every day in which nothing is started, from a minute of the day
// until before another; it may go over midnight. from == to: no such time.
type quiet struct{ from, to int }

func parseQuiet(text string) (quiet, error) {
	if text = strings.TrimSpace(text); text == "" {
		return quiet{}, nil
	}
	first, last, _ := strings.Cut(text, "-")
	from, errFrom := parseClock(strings.TrimSpace(first))
	to, errTo := parseClock(strings.TrimSpace(last))
	if errFrom != nil || errTo != nil || from == to {
		return quiet{}, mistake("Тихое время «%s» не подходит: нужно, например, 22:00-06:00", "The quiet time %q will not do: write, for example, 22:00-06:00", text)
	}
	return quiet{from: from, to: to}, nil
}

func (q quiet) text() string {
	if q.from == q.to {
		return ""
	}
	return clock(q.from) + "-" + clock(q.to)
}

func (q quiet) has(minute int) bool {
	if q.from <= q.to {
		return q.from <= minute && minute < q.to
	}
	return minute >= q.from || minute < q.to
}

// beginsIn is how long after what the clock shows the quiet time begins: at most a
// day, 0 when there is none or it goes on.
func (q quiet) beginsIn(shown time.Time) time.Duration {
	if q.from == q.to || q.has(minuteOf(shown)) {
		return 0
	}
	begin := midnight(shown).Add(time.Duration(q.from) * time.Minute)
	if !begin.After(shown) {
		begin = begin.AddDate(0, 0, 1)
	}
	return begin.Sub(shown)
}
