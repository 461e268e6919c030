package schedule

import (
	"fmt"
	"strings"

	"booking/shared/crm"
)

// Words says the schedule as a person would: "every day at 01:00, but not from 22:00
// to 06:00 (Europe/Moscow)".
func (s Spec) Words() crm.Text {
	w := s.rule.words
	if s.quiet != (quiet{}) {
		w.RU += fmt.Sprintf(", кроме времени с %s до %s", clock(s.quiet.from), clock(s.quiet.to))
		w.EN += fmt.Sprintf(", but not from %s to %s", clock(s.quiet.from), clock(s.quiet.to))
	}
	zone := " (" + s.zone.String() + ")"
	return crm.Text{RU: w.RU + zone, EN: w.EN + zone}
}

func dailyWords(at int) crm.Text {
	return crm.Text{RU: "каждый день в " + clock(at), EN: "every day at " + clock(at)}
}

func everyWords(hours int) crm.Text {
	switch {
	case hours == 1:
		return crm.Text{RU: "каждый час", EN: "every hour"}
	case hours == 24:
		return dailyWords(0)
	case 24%hours == 0:
		return crm.Text{RU: fmt.Sprintf("каждые %d %s", hours, russianHours(hours)), EN: fmt.Sprintf("every %d hours", hours)}
	}
	each := "каждые"
	if hours == 21 {
		each = "каждый"
	}
	return crm.Text{
		RU: fmt.Sprintf("%s %d %s, считая от полуночи", each, hours, russianHours(hours)),
		EN: fmt.Sprintf("every %d hours, counted from midnight", hours),
	}
}

// russianHours is the form of "час" after a number of 2 to 23.
func russianHours(n int) string {
	switch {
	case n == 21:
		return "час"
	case n <= 4 || n > 21:
		return "часа"
	}
	return "часов"
}

func weeklyWords(days weekdays, at int) crm.Text {
	if days == everyDay {
		return dailyWords(at)
	}
	var russian, english []string
	for _, place := range days.chosen() {
		russian = append(russian, dayWords[place].RU)
		english = append(english, dayWords[place].EN)
	}
	return crm.Text{
		RU: fmt.Sprintf("по %s в %s", listed(russian, " и "), clock(at)),
		EN: fmt.Sprintf("every %s at %s", listed(english, " and "), clock(at)),
	}
}

// listed joins words with commas, the last one with and.
func listed(words []string, and string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + and + words[last]
}
