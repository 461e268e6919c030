package schedule

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"booking/host/internal/problem"
	"booking/shared/crm"
)

// DefaultRule is the schedule of a tenant that never chose one.
const DefaultRule = "daily 01:00"

// ErrInvalid is the kind of every mistake in a schedule's text.
var ErrInvalid = errors.New("invalid schedule")

// Text is a schedule as people write it and the database keeps it.
type Text struct {
	// Rule is "daily 01:00", "hourly", "every 4h" or "weekly mon,wed 06:30".
	Rule string
	// Zone is a name of the tz database, for example Europe/Moscow.
	Zone string
	// Quiet is "22:00-06:00", a time of the day without starts; "" for none.
	Quiet string
}

// rule is which minutes of which days.
type rule struct {
	// text is the one way to write it.
	text    string
	words   crm.Text
	days    weekdays
	minutes []int
}

// Parse checks a schedule's text. An error is of kind [ErrInvalid], says what to
// write instead and is meant for the person who wrote it.
func Parse(t Text) (Spec, error) {
	var s Spec
	var err error
	if s.rule, err = parseRule(t.Rule); err != nil {
		return Spec{}, err
	}
	if s.quiet, err = parseQuiet(t.Quiet); err != nil {
		return Spec{}, err
	}
	if s.zone, err = LoadZone(t.Zone); err != nil {
		return Spec{}, err
	}
	s.minutes = slices.DeleteFunc(slices.Clone(s.rule.minutes), s.quiet.has)
	if len(s.minutes) == 0 {
		return Spec{}, mistake("Все запуски попадают в тихое время %s: измените расписание или тихое время", "Every start lies in the quiet time %s: change the schedule or the quiet time", s.quiet.text())
	}
	return s, nil
}

// Text is the schedule in its one written form.
func (s Spec) Text() Text {
	return Text{Rule: s.rule.text, Zone: s.zone.String(), Quiet: s.quiet.text()}
}

// LoadZone finds a time zone by its name in the tz database.
func LoadZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	// "" and "Local" are whatever the machine thinks: another host may think otherwise.
	if err != nil || name == "" || name == "Local" {
		return nil, mistake("Часовой пояс «%s» неизвестен: нужно имя вида Europe/Moscow, Asia/Yekaterinburg или UTC", "The time zone %q is unknown: write a name like Europe/London, Asia/Tbilisi or UTC", name)
	}
	return zone, nil
}

func parseRule(text string) (rule, error) {
	fields := strings.Fields(strings.ToLower(text))
	for i, field := range fields {
		fields[i] = strings.Trim(field, ",")
	}
	kind, rest := "", fields
	if len(fields) > 0 {
		kind, rest = fields[0], fields[1:]
	}
	switch {
	case kind == "hourly" && len(rest) == 0:
		return everyHours(1), nil
	case kind == "daily" && len(rest) <= 1:
		return parseDaily(rest)
	case kind == "every" && len(rest) == 1:
		return parseEvery(rest[0])
	case kind == "weekly" && len(rest) >= 1:
		return parseWeekly(rest)
	}
	return rule{}, mistake("Расписание «%s» непонятно: напишите daily 01:00, hourly, every 4h или weekly mon,wed 06:30", "The schedule %q is not understood: write daily 01:00, hourly, every 4h or weekly mon,wed 06:30", text)
}

func parseDaily(rest []string) (rule, error) {
	at, err := startTime(rest)
	if err != nil {
		return rule{}, err
	}
	return rule{text: "daily " + clock(at), words: dailyWords(at), days: everyDay, minutes: []int{at}}, nil
}

func parseEvery(period string) (rule, error) {
	hours, err := strconv.Atoi(strings.TrimSuffix(period, "h"))
	if err != nil || !strings.HasSuffix(period, "h") || hours < 1 || hours > 24 {
		return rule{}, mistake("Период «%s» не подходит: нужно целое число часов от 1h до 24h, например every 4h", "The period %q will not do: write whole hours from 1h to 24h, for example every 4h", period)
	}
	return everyHours(hours), nil
}

// everyHours counts from midnight, each day anew: with 5 it is 00, 05, 10, 15 and 20.
func everyHours(hours int) rule {
	r := rule{text: fmt.Sprintf("every %dh", hours), words: everyWords(hours), days: everyDay}
	if hours == 1 {
		r.text = "hourly"
	}
	for hour := 0; hour < 24; hour += hours {
		r.minutes = append(r.minutes, hour*60)
	}
	return r
}

func parseWeekly(rest []string) (rule, error) {
	days, at := rest, []string(nil)
	if last := rest[len(rest)-1]; strings.Contains(last, ":") {
		days, at = rest[:len(rest)-1], []string{last}
	}
	chosen, err := parseDays(strings.Join(days, ","))
	if err != nil {
		return rule{}, err
	}
	minute, err := startTime(at)
	if err != nil {
		return rule{}, err
	}
	return rule{
		text: fmt.Sprintf("weekly %s %s", chosen, clock(minute)), words: weeklyWords(chosen, minute),
		days: chosen, minutes: []int{minute},
	}, nil
}

// startTime is 01:00 unless it is said otherwise.
func startTime(fields []string) (int, error) {
	if len(fields) == 0 {
		return 60, nil
	}
	return parseClock(fields[0])
}

// parseClock reads H:MM or HH:MM as the minute of the day.
func parseClock(text string) (int, error) {
	hours, minutes, found := strings.Cut(text, ":")
	hour, errHour := strconv.ParseUint(hours, 10, 8)
	minute, errMinute := strconv.ParseUint(minutes, 10, 8)
	if !found || cmp.Or(errHour, errMinute) != nil || len(hours) > 2 || len(minutes) != 2 || hour > 23 || minute > 59 {
		return 0, mistake("Время «%s» не подходит: нужно ЧЧ:ММ от 00:00 до 23:59", "The time %q will not do: write HH:MM from 00:00 to 23:59", text)
	}
	return int(hour*60 + minute), nil
}

func clock(minute int) string { return fmt.Sprintf("%02d:%02d", minute/60, minute%60) }

func mistake(ru, en string, what string) error {
	return problem.New(ErrInvalid, crm.Text{RU: fmt.Sprintf(ru, what), EN: fmt.Sprintf(en, what)}, nil)
}
