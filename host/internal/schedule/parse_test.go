package schedule

import (
	"errors"
	"strings"
	"testing"

	"booking/host/internal/problem"
)

func TestATextHasOneWrittenFormAndWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct{ text, ru, en string }{
		"daily 01:00":                {"daily 01:00", "каждый день в 01:00", "every day at 01:00"},
		" Daily  6:30 ":              {"daily 06:30", "каждый день в 06:30", "every day at 06:30"},
		"daily":                      {"daily 01:00", "каждый день в 01:00", "every day at 01:00"},
		"hourly":                     {"hourly", "каждый час", "every hour"},
		"every 1h":                   {"hourly", "каждый час", "every hour"},
		"every 4H":                   {"every 4h", "каждые 4 часа", "every 4 hours"},
		"every 6h":                   {"every 6h", "каждые 6 часов", "every 6 hours"},
		"every 5h":                   {"every 5h", "каждые 5 часов, считая от полуночи", "every 5 hours, counted from midnight"},
		"every 21h":                  {"every 21h", "каждый 21 час, считая от полуночи", "every 21 hours, counted from midnight"},
		"every 23h":                  {"every 23h", "каждые 23 часа, считая от полуночи", "every 23 hours, counted from midnight"},
		"every 24h":                  {"every 24h", "каждый день в 00:00", "every day at 00:00"},
		"weekly wed,mon 06:30":       {"weekly mon,wed 06:30", "по понедельникам и средам в 06:30", "every Monday and Wednesday at 06:30"},
		"weekly mon, wed, fri 06:30": {"weekly mon,wed,fri 06:30", "по понедельникам, средам и пятницам в 06:30", "every Monday, Wednesday and Friday at 06:30"},
		"weekly пн,вс 06:30":         {"weekly mon,sun 06:30", "по понедельникам и воскресеньям в 06:30", "every Monday and Sunday at 06:30"},
		"weekly sat-mon":             {"weekly mon,sat,sun 01:00", "по понедельникам, субботам и воскресеньям в 01:00", "every Monday, Saturday and Sunday at 01:00"},
		"weekly mon-sun 02:00":       {"weekly mon,tue,wed,thu,fri,sat,sun 02:00", "каждый день в 02:00", "every day at 02:00"},
		"weekly tue 00:00":           {"weekly tue 00:00", "по вторникам в 00:00", "every Tuesday at 00:00"},
	} {
		spec := parse(t, text, "Europe/Moscow", "")
		words := spec.Words()
		if got := spec.Text(); got != (Text{Rule: want.text, Zone: "Europe/Moscow"}) {
			t.Errorf("%q is written %+v", text, got)
		}
		if words.RU != want.ru+" (Europe/Moscow)" || words.EN != want.en+" (Europe/Moscow)" {
			t.Errorf("%q: %s / %s", text, words.RU, words.EN)
		}
		if again, err := Parse(spec.Text()); err != nil || again.Text() != spec.Text() {
			t.Errorf("%q read back: %+v, error %v", text, again.Text(), err)
		}
	}
	quiet := parse(t, "hourly", "UTC", " 22:00 - 6:00 ")
	if quiet.Text().Quiet != "22:00-06:00" || quiet.Words().RU != "каждый час, кроме времени с 22:00 до 06:00 (UTC)" ||
		quiet.Words().EN != "every hour, but not from 22:00 to 06:00 (UTC)" {
		t.Errorf("%+v: %+v", quiet.Text(), quiet.Words())
	}
}

func TestAMistakeIsNamedInBothLanguages(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text   Text
		ru, en string
	}{
		"nothing":                {Text{Rule: "", Zone: "UTC"}, "непонятно", "not understood"},
		"cron text":              {Text{Rule: "0 1 * * *", Zone: "UTC"}, "daily 01:00", "daily 01:00"},
		"too many words":         {Text{Rule: "daily 01:00 02:00", Zone: "UTC"}, "непонятно", "not understood"},
		"hour 24":                {Text{Rule: "daily 24:00", Zone: "UTC"}, "ЧЧ:ММ", "HH:MM"},
		"minute 60":              {Text{Rule: "daily 01:60", Zone: "UTC"}, "ЧЧ:ММ", "HH:MM"},
		"a minute of one digit":  {Text{Rule: "daily 01:5", Zone: "UTC"}, "ЧЧ:ММ", "HH:MM"},
		"a sign":                 {Text{Rule: "daily +1:00", Zone: "UTC"}, "ЧЧ:ММ", "HH:MM"},
		"no hours":               {Text{Rule: "every 0h", Zone: "UTC"}, "от 1h до 24h", "from 1h to 24h"},
		"too many hours":         {Text{Rule: "every 25h", Zone: "UTC"}, "от 1h до 24h", "from 1h to 24h"},
		"minutes as a period":    {Text{Rule: "every 30m", Zone: "UTC"}, "от 1h до 24h", "from 1h to 24h"},
		"no unit":                {Text{Rule: "every 4", Zone: "UTC"}, "от 1h до 24h", "from 1h to 24h"},
		"unknown weekday":        {Text{Rule: "weekly mon,xyz 06:30", Zone: "UTC"}, "«xyz»", `"xyz"`},
		"no weekday":             {Text{Rule: "weekly 06:30", Zone: "UTC"}, "День недели", "weekday"},
		"open range":             {Text{Rule: "weekly mon- 06:30", Zone: "UTC"}, "«mon-»", `"mon-"`},
		"unknown zone":           {Text{Rule: "hourly", Zone: "Mars/Olympus"}, "Mars/Olympus", "Mars/Olympus"},
		"no zone":                {Text{Rule: "hourly"}, "Часовой пояс", "time zone"},
		"the machine's zone":     {Text{Rule: "hourly", Zone: "Local"}, "«Local»", `"Local"`},
		"half a quiet time":      {Text{Rule: "hourly", Zone: "UTC", Quiet: "22:00"}, "22:00-06:00", "22:00-06:00"},
		"an empty quiet time":    {Text{Rule: "hourly", Zone: "UTC", Quiet: "22:00-22:00"}, "22:00-06:00", "22:00-06:00"},
		"a rule that never runs": {Text{Rule: "daily 01:00", Zone: "UTC", Quiet: "22:00-06:00"}, "тихое время", "quiet time"},
	} {
		_, err := Parse(c.text)
		text := problem.TextOf(err)
		if !errors.Is(err, ErrInvalid) || !strings.Contains(text.RU, c.ru) || !strings.Contains(text.EN, c.en) {
			t.Errorf("%s: error %v, sentences %+v", name, err, text)
		}
	}
}
