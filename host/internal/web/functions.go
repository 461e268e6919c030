package web

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"booking/host/internal/store"
	"booking/shared/crm"
)

// functions are what templates can call, in one language; see also [speak].
func functions(locale string, zone *time.Location) template.FuncMap {
	return template.FuncMap{
		"tx": func(text crm.Text) string { return text.In(locale) },
		// n is a number with its word in the right form.
		"n": func(count int, one, few, many, enOne, enMany string) string {
			return counted(locale, count, one, few, many, enOne, enMany)
		},
		"count":    func(counts map[crm.Action]int, of string) int { return counts[crm.Action(of)] },
		"num":      number,
		"when":     func(moment time.Time) template.HTML { return when(moment, locale, zone) },
		"took":     func(d time.Duration) string { return took(locale, d) },
		"role":     func(role string) string { return roles[role].In(locale) },
		"status":   func(s any) string { return statuses[fmt.Sprint(s)].text.In(locale) },
		"tone":     func(s any) string { return statuses[fmt.Sprint(s)].tone },
		"mode":     func(m crm.Mode) string { return modes[m].In(locale) },
		"action":   func(a crm.Action) string { return actions[a].In(locale) },
		"trigger":  func(name string) string { return triggers[name].In(locale) },
		"stage":    func(stage crm.Stage) string { return stages[stage].In(locale) },
		"percent":  percent,
		"duration": func(run store.Run) time.Duration { return run.Duration(time.Now()) },
	}
}

// number groups thousands with a narrow space, which both languages can read.
func number(count int) string {
	digits := strconv.Itoa(count)
	for i := len(digits) - 3; i > 0 && count >= 10_000; i -= 3 {
		digits = digits[:i] + "\u202f" + digits[i:]
	}
	return digits
}

// counted is a number with its word.
func counted(locale string, count int, one, few, many, enOne, enMany string) string {
	return number(count) + "\u00a0" + plural(locale, count, one, few, many, enOne, enMany)
}

// plural chooses the form: 1 человек, 2 человека, 5 человек, 11 человек, 21 человек.
func plural(locale string, count int, one, few, many, enOne, enMany string) string {
	if locale == "en" {
		if count == 1 {
			return enOne
		}
		return enMany
	}
	switch last, teens := count%10, count%100; {
	case teens >= 11 && teens <= 14:
		return many
	case last == 1:
		return one
	case last >= 2 && last <= 4:
		return few
	}
	return many
}

// when is a moment in the tenant's zone, which its title names; to a visitor elsewhere
// the script tells there what the clock on their wall shows then.
func when(t time.Time, locale string, zone *time.Location) template.HTML {
	if t.IsZero() {
		return "—"
	}
	form := crm.Text{RU: "02.01.2006, 15:04", EN: "2 Jan 2006, 15:04"}.In(locale)
	return template.HTML(`<time datetime="` + t.UTC().Format(time.RFC3339) + `" title="` + template.HTMLEscapeString(zone.String()) + `">` + t.In(zone).Format(form) + "</time>") //nolint:gosec // a format of our own, and a zone's name
}

func took(locale string, d time.Duration) string {
	switch {
	case d <= 0:
		return "—"
	case d < 10*time.Second:
		point := crm.Text{RU: ",", EN: "."}.In(locale)
		return strings.Replace(strconv.FormatFloat(d.Seconds(), 'f', 1, 64), ".", point, 1) + crm.Text{RU: "\u00a0с", EN: "\u00a0s"}.In(locale)
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + crm.Text{RU: "\u00a0с", EN: "\u00a0s"}.In(locale)
	}
	return fmt.Sprintf(crm.Text{RU: "%d\u00a0мин %d\u00a0с", EN: "%d\u00a0min %d\u00a0s"}.In(locale), int(d.Minutes()), int(d.Seconds())%60)
}

func percent(done, total int) int {
	if total <= 0 {
		return 0
	}
	return min(100, done*100/total)
}
