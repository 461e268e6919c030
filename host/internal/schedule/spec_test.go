package schedule

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func parse(t *testing.T, rule, zone, quiet string) Spec {
	t.Helper()
	spec, err := Parse(Text{Rule: rule, Zone: zone, Quiet: quiet})
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

const layout = "2006-01-02 15:04 MST"

// following are the next n slots after a time of the zone's clock.
func following(t *testing.T, spec Spec, after string, n int) []string {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", after, spec.Zone())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for range n {
		at = spec.Next(at)
		got = append(got, at.In(spec.Zone()).Format(layout))
	}
	return got
}

func TestNextOnTheDaysThatCalendarsGetWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rule, zone, quiet, after string
		want                     []string
	}{
		"an ordinary night": {"daily 01:00", "Europe/Moscow", "", "2026-11-23 18:00",
			[]string{"2026-11-24 01:00 MSK", "2026-11-25 01:00 MSK"}},
		"exactly at a slot the next one is meant": {"daily 01:00", "UTC", "", "2026-11-23 01:00", []string{"2026-11-24 01:00 UTC"}},
		"summer time leaps over 01:00: the first instant after the gap": {"daily 01:00", "Europe/London", "", "2027-03-27 12:00",
			[]string{"2027-03-28 02:00 BST", "2027-03-29 01:00 BST"}},
		"winter time shows 01:00 twice: once, the first": {"daily 01:00", "Europe/London", "", "2027-10-30 12:00",
			[]string{"2027-10-31 01:00 BST", "2027-11-01 01:00 GMT"}},
		"asked between the two 01:30, the second is no slot": {"daily 01:30", "Europe/Lisbon", "", "2027-10-31 01:45",
			[]string{"2027-11-01 01:30 WET"}},
		"midnight that does not exist": {"daily 00:00", "Africa/Cairo", "", "2027-04-29 12:00",
			[]string{"2027-04-30 01:00 EEST", "2027-05-01 00:00 EEST"}},
		"half an hour of summer time": {"daily 02:15", "Australia/Lord_Howe", "", "2027-10-02 12:00",
			[]string{"2027-10-03 02:30 +11", "2027-10-04 02:15 +11"}},
		"a zone of three quarters": {"hourly", "Asia/Kathmandu", "", "2027-01-01 00:30", []string{"2027-01-01 01:00 +0545"}},
		"29 February":              {"daily 01:00", "Europe/Moscow", "", "2028-02-28 12:00", []string{"2028-02-29 01:00 MSK", "2028-03-01 01:00 MSK"}},
		"no 29 February":           {"daily 01:00", "Europe/Moscow", "", "2100-02-28 12:00", []string{"2100-03-01 01:00 MSK"}},
		"31 December of a leap year, which Go's bounds of an offset leave out": {"daily 01:00", "Europe/London", "", "2040-12-31 00:30",
			[]string{"2040-12-31 01:00 GMT", "2041-01-01 01:00 GMT"}},
		"Samoa skips Friday 30 December 2011": {"daily 01:00", "Pacific/Apia", "", "2011-12-29 00:30",
			[]string{"2011-12-29 01:00 -10", "2011-12-31 00:00 +14", "2011-12-31 01:00 +14"}},
		"Samoa, weekly on the Friday that is skipped": {"weekly fri 06:30", "Pacific/Apia", "", "2011-12-29 00:30",
			[]string{"2011-12-31 00:00 +14", "2012-01-06 06:30 +14"}},
		"Kwajalein skips 21 August 1993": {"daily 12:00", "Pacific/Kwajalein", "", "1993-08-20 00:00",
			[]string{"1993-08-20 12:00 -12", "1993-08-22 00:00 +12", "1993-08-22 12:00 +12"}},
		"Kwajalein has 30 September 1969 twice": {"daily 12:00", "Pacific/Kwajalein", "", "1969-09-29 13:00",
			[]string{"1969-09-30 12:00 +11", "1969-10-01 12:00 -12"}},
		"hours that fall together after a skipped day are one": {"hourly", "Pacific/Apia", "", "2011-12-29 22:30",
			[]string{"2011-12-29 23:00 -10", "2011-12-31 00:00 +14", "2011-12-31 01:00 +14"}},
		"hourly in the night that is longer": {"hourly", "Europe/Berlin", "", "2027-10-31 01:30",
			[]string{"2027-10-31 02:00 CEST", "2027-10-31 03:00 CET"}},
		"every four hours": {"every 4h", "Europe/Moscow", "", "2026-11-23 15:59",
			[]string{"2026-11-23 16:00 MSK", "2026-11-23 20:00 MSK", "2026-11-24 00:00 MSK", "2026-11-24 04:00 MSK"}},
		"five hours begin anew at midnight": {"every 5h", "UTC", "", "2026-11-23 19:00",
			[]string{"2026-11-23 20:00 UTC", "2026-11-24 00:00 UTC", "2026-11-24 05:00 UTC"}},
		"chosen weekdays": {"weekly mon,wed 06:30", "Europe/Moscow", "", "2026-11-23 06:30",
			[]string{"2026-11-25 06:30 MSK", "2026-11-30 06:30 MSK"}},
		"nothing in the quiet time": {"every 4h", "UTC", "22:00-06:00", "2026-11-23 19:00",
			[]string{"2026-11-23 20:00 UTC", "2026-11-24 08:00 UTC"}},
		"quiet by day": {"hourly", "UTC", "09:00-18:00", "2026-11-23 07:30",
			[]string{"2026-11-23 08:00 UTC", "2026-11-23 18:00 UTC"}},
	} {
		got := following(t, parse(t, c.rule, c.zone, c.quiet), c.after, len(c.want))
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestTheSpreadIsFixedPerTenantAndUsesItsWholeWindow(t *testing.T) {
	t.Parallel()
	const window = 10 * time.Minute
	minutes := map[time.Duration]int{}
	for tenant := range int64(10_000) {
		offset := Offset(tenant, window)
		if offset < 0 || offset >= window || offset != Offset(tenant, window) {
			t.Fatalf("tenant %d: %s", tenant, offset)
		}
		minutes[offset.Truncate(time.Minute)]++
	}
	for minute, tenants := range minutes {
		if tenants < 900 || tenants > 1100 {
			t.Errorf("minute %s has %d of 10000 tenants", minute, tenants)
		}
	}
	if Offset(1, 0) != 0 || Offset(1, window) == Offset(2, window) {
		t.Errorf("no window: %s; tenants 1 and 2: %s, %s", Offset(1, 0), Offset(1, window), Offset(2, window))
	}
}

func TestASpreadStartStaysOutOfTheQuietTime(t *testing.T) {
	t.Parallel()
	spec := parse(t, "daily 21:55", "UTC", "22:00-06:00")
	slot := spec.Next(day(2026, time.November, 23))
	for offset, want := range map[time.Duration]time.Duration{0: 0, 4 * time.Minute: 4 * time.Minute, 5 * time.Minute: 0, 9 * time.Minute: 4 * time.Minute} {
		if got := spec.Start(slot, offset).Sub(slot); got != want {
			t.Errorf("offset %s: starts after %s, want %s", offset, got, want)
		}
	}
	if start := parse(t, "daily 01:00", "UTC", "").Start(slot, 9*time.Minute); start.Sub(slot) != 9*time.Minute {
		t.Errorf("without a quiet time: %s", start)
	}
}

func TestAfterQuietIsTheEndOfTheQuietTime(t *testing.T) {
	t.Parallel()
	spec := parse(t, "daily 12:00", "Europe/Moscow", "22:00-06:00")
	for at, want := range map[string]string{
		"2026-11-23 21:59": "2026-11-23 21:59 MSK", "2026-11-23 22:00": "2026-11-24 06:00 MSK",
		"2026-11-24 05:59": "2026-11-24 06:00 MSK", "2026-11-24 06:00": "2026-11-24 06:00 MSK",
	} {
		now, err := time.ParseInLocation("2006-01-02 15:04", at, spec.Zone())
		if err != nil {
			t.Fatal(err)
		}
		if got := spec.AfterQuiet(now).In(spec.Zone()).Format(layout); got != want {
			t.Errorf("%s: %s, want %s", at, got, want)
		}
	}
}
