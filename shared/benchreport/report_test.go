package benchreport

import (
	"bytes"
	"strings"
	"testing"
)

func TestAMissedGoalIsSeen(t *testing.T) {
	r := New("a test")
	r.Add("g", "enough", 10, "x", AtLeast, 10, "")
	r.Add("g", "not too much", 5, "", AtMost, 5, "")
	if !r.Met() {
		t.Error("goals that are just met count as missed")
	}
	for _, missed := range []struct {
		value float64
		goal  string
	}{{9.9, AtLeast}, {10.1, AtMost}} {
		r := New("a test")
		r.Add("g", "missed", missed.value, "x", missed.goal, 10, "")
		var table bytes.Buffer
		r.Print(&table)
		if r.Met() || !strings.Contains(table.String(), "**no**") {
			t.Errorf("%v %s 10 counts as met", missed.value, missed.goal)
		}
	}
}
