package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"booking/shared/benchreport"
)

// The bench runs itself to measure a reading's memory.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == readerCommand {
		exitOn(readerMain(os.Stdin, os.Stdout))
		return
	}
	os.Exit(m.Run())
}

// A small bench from end to end: every row is there, and what is a count and no time
// is what it should be.
func TestQuick(t *testing.T) {
	c, err := parseFlags([]string{"--quick", "--json", filepath.Join(t.TempDir(), "bench.json")})
	if err != nil {
		t.Fatal(err)
	}
	var table, status bytes.Buffer
	if err := run(t.Context(), c, &table, &status); err != nil {
		t.Fatalf("%v\n%s", err, &status)
	}
	content, err := os.ReadFile(c.json)
	if err != nil {
		t.Fatal(err)
	}
	var r benchreport.Report
	if err := json.Unmarshal(content, &r); err != nil {
		t.Fatal(err)
	}
	groups, counts := map[string]int{}, 0
	for _, row := range r.Rows {
		groups[row.Group]++
		if !strings.Contains(table.String(), row.What) {
			t.Errorf("the table lacks %q", row.What)
		}
		if row.Unit == "" { // neither a ratio nor memory
			counts++
			if !row.Met {
				t.Errorf("%s: %v, want %s %v", row.What, row.Value, row.Goal, row.Limit)
			}
		}
	}
	for _, g := range []string{"import", "rerun", "scale", "reading", "faults"} {
		if groups[g] == 0 {
			t.Errorf("no rows of %s", g)
		}
	}
	if counts != 13 {
		t.Errorf("%d counts were checked, want 13", counts)
	}
	if len(r.Times["import reference"]) != c.reps || r.Times["import plugin"][0] <= 0 {
		t.Errorf("times: %v", r.Times)
	}
}
