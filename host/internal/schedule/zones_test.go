package schedule

import (
	"archive/zip"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// embeddedZones are all zones of the tz database that package time/tzdata embeds:
// the same file, read from the Go installation, because the package lists no names.
var embeddedZones = sync.OnceValues(func() (map[string]*time.Location, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	archive, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	zones := map[string]*time.Location{}
	for _, file := range archive.File {
		if file.FileInfo().IsDir() {
			continue
		}
		content, err := file.Open()
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(content)
		if err != nil {
			return nil, err
		}
		if zones[file.Name], err = time.LoadLocationFromTZData(file.Name, data); err != nil {
			return nil, fmt.Errorf("%s: %w", file.Name, err)
		}
	}
	return zones, nil
})

// stretch is a time during which a zone keeps its offset.
type stretch struct {
	start, end time.Time // of [start, end), cut to the years looked at
	offset     time.Duration
}

// stretches are a zone's from one instant to another.
func stretches(zone *time.Location, from, to time.Time) []stretch {
	var all []stretch
	for t := from; t.Before(to); {
		_, offset := t.In(zone).Zone()
		// Found by looking, day by day and then minute by minute: ZoneBounds errs.
		end := t.Add(24 * time.Hour)
		if _, then := end.In(zone).Zone(); then != offset {
			for end = t; ; end = end.Add(time.Minute) {
				if _, now := end.In(zone).Zone(); now != offset {
					break
				}
			}
		}
		s := stretch{t, end.UTC(), time.Duration(offset) * time.Second}
		if n := len(all); n > 0 && all[n-1].offset == s.offset {
			all[n-1].end = s.end
		} else {
			all = append(all, s)
		}
		t = end.UTC()
	}
	return all
}

// oracle says when the slot of a wall clock's time runs, from the definition alone:
// at the first instant of any stretch at which the clock shows it or more.
func oracle(all []stretch, slot time.Time) (time.Time, bool) {
	for _, s := range all {
		at := slot.Add(-s.offset)
		if at.Before(s.start) {
			at = s.start
		}
		if at.Before(s.end) {
			return at, true
		}
	}
	return time.Time{}, false
}

func day(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// TestEverySlotRunsOnceInEveryZone walks ten years of a daily schedule slot by slot
// through every history of offsets that any zone has, and the hours around each of
// its transitions with an hourly and two half-hourly placed ones.
func TestEverySlotRunsOnceInEveryZone(t *testing.T) {
	t.Parallel()
	zones, err := embeddedZones()
	if err != nil {
		t.Fatal(err)
	}
	if len(zones) < 500 {
		t.Fatalf("only %d zones", len(zones))
	}
	from, to := day(2020, time.June, 1), day(2030, time.June, 1)
	seen, transitions := map[string]bool{}, 0
	for name, zone := range zones {
		// Many zones share their history; each history is walked once.
		all := stretches(zone, from.AddDate(0, 0, -4), to.AddDate(0, 0, 4))
		if history := fmt.Sprint(all); !seen[history] {
			seen[history] = true
			transitions += len(all) - 1
			t.Run(strings.ReplaceAll(name, "/", "_"), func(t *testing.T) { walkZone(t, zone, all, from, to) })
		}
	}
	t.Logf("%d zones, %d histories of offsets, %d transitions", len(zones), len(seen), transitions)
}

func walkZone(t *testing.T, zone *time.Location, all []stretch, from, to time.Time) {
	t.Helper()
	walk(t, zone, all, "daily 01:00", from, to)
	for _, s := range all[1:] {
		for _, text := range []string{"hourly", "daily 01:30", "daily 02:30", "daily 00:00", "every 5h"} {
			walk(t, zone, all, text, s.start.Add(-30*time.Hour), s.start.Add(30*time.Hour))
		}
	}
}

// walk compares the starts that Next gives with those of the oracle for every slot
// of the rule between two instants: all of them, in order, none twice.
func walk(t *testing.T, zone *time.Location, all []stretch, text string, from, to time.Time) {
	t.Helper()
	spec := specIn(t, text, zone)
	want := wanted(all, spec.minutes, from, to)
	after := from
	for _, slot := range want {
		if after = spec.Next(after); !after.Equal(slot) {
			t.Fatalf("%s %s: %s, want %s", zone, text, after.In(zone), slot.In(zone))
		}
	}
	if further := spec.Next(after); !further.After(to) {
		t.Fatalf("%s %s: %s is one too many", zone, text, further.In(zone))
	}
}

// wanted are the oracle's starts after from and until to.
func wanted(all []stretch, minutes []int, from, to time.Time) []time.Time {
	var starts []time.Time
	for date := midnight(from).AddDate(0, 0, -2); date.Before(to.AddDate(0, 0, 3)); date = date.AddDate(0, 0, 1) {
		for _, minute := range minutes {
			at, found := oracle(all, date.Add(time.Duration(minute)*time.Minute))
			if !found || !at.After(from) || at.After(to) || (len(starts) > 0 && starts[len(starts)-1].Equal(at)) {
				continue
			}
			starts = append(starts, at)
		}
	}
	return starts
}

func specIn(t *testing.T, text string, zone *time.Location) Spec {
	t.Helper()
	spec, err := Parse(Text{Rule: text, Zone: "UTC"})
	if err != nil {
		t.Fatal(err)
	}
	spec.zone = zone
	return spec
}
