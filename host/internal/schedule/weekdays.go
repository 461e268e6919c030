package schedule

import (
	"slices"
	"strings"
	"time"

	"booking/shared/crm"
)

// weekdays is a set of days of the week.
type weekdays uint8

const everyDay weekdays = 1<<7 - 1

// week lists the days as people do, from Monday.
var week = []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday, time.Sunday}

var (
	englishDays = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	russianDays = []string{"пн", "вт", "ср", "чт", "пт", "сб", "вс"}
	dayWords    = []crm.Text{
		{RU: "понедельникам", EN: "Monday"}, {RU: "вторникам", EN: "Tuesday"}, {RU: "средам", EN: "Wednesday"}, {RU: "четвергам", EN: "Thursday"},
		{RU: "пятницам", EN: "Friday"}, {RU: "субботам", EN: "Saturday"}, {RU: "воскресеньям", EN: "Sunday"},
	}
)

func (w weekdays) has(day time.Weekday) bool { return w&(1<<day) != 0 }

// chosen are the places in week of the days that belong to the set.
func (w weekdays) chosen() []int {
	var places []int
	for place, day := range week {
		if w.has(day) {
			places = append(places, place)
		}
	}
	return places
}

// String is the set as it is written: "mon,wed".
func (w weekdays) String() string {
	var names []string
	for _, place := range w.chosen() {
		names = append(names, englishDays[place])
	}
	return strings.Join(names, ",")
}

// parseDays reads "mon,wed", "mon-fri" or "пн,ср"; a range may go over Sunday.
func parseDays(text string) (weekdays, error) {
	var days weekdays
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		from, to := dayPlace(first), dayPlace(last)
		if !isRange {
			to = from
		}
		if from < 0 || to < 0 {
			return 0, mistake("День недели «%s» неизвестен: нужны mon,tue,wed,thu,fri,sat,sun или пн,вт,ср,чт,пт,сб,вс", "The weekday %q is unknown: write mon,tue,wed,thu,fri,sat,sun", part)
		}
		for place := from; ; place = (place + 1) % len(week) {
			days |= 1 << week[place]
			if place == to {
				break
			}
		}
	}
	return days, nil
}

func dayPlace(name string) int {
	return max(slices.Index(englishDays, name), slices.Index(russianDays, name))
}
