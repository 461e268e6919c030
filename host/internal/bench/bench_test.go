package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"booking/shared/benchreport"
)

// A small bench from end to end: every group has its rows, and no count was wrong (a wrong
// one is an error of the bench).
func TestQuick(t *testing.T) {
	t.Parallel()
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
	rows := map[string]int{}
	for _, row := range r.Rows {
		rows[row.Group]++
		if row.Value <= 0 || !strings.Contains(table.String(), row.What) {
			t.Errorf("%s: %v, or the table lacks it", row.What, row.Value)
		}
	}
	for group, want := range map[string]int{"slots": 3, "claims": 3, "night": 10, "memory": 1, "history": 4, "web": 6, "door": 10} {
		if rows[group] != want {
			t.Errorf("%d rows of %s, want %d", rows[group], group, want)
		}
	}
}

func TestASimulatedNight(t *testing.T) {
	t.Parallel()
	const tenants = 40_000
	plain := night{tenants: tenants, hosts: 1, places: 4, cores: 2, databaseCores: 2, seed: 1,
		run: cost{host: 10 * time.Millisecond, database: 10 * time.Millisecond}, portal: time.Second, window: time.Minute}
	one := simulate(plain)
	// Four places, each a good second a run (the long tail of portals makes it more).
	if least := tenants * time.Second / 4; one.took < least || one.took > 3*least/2 {
		t.Errorf("one host takes %s", one.took)
	}
	more := plain
	more.hosts = 4
	if four := simulate(more); four.took < one.took/4 || four.took > one.took/3 {
		t.Errorf("four hosts take %s, one %s", four.took, one.took)
	}
	slow := plain
	slow.run.database = 4 * time.Second // on two cores: as long as 80,000 s
	if bound := simulate(slow); bound.took < 2*tenants*time.Second || bound.database < 0.95 {
		t.Errorf("with a slow database it takes %s, the database busy %.2f", bound.took, bound.database)
	}
	if again := simulate(plain); again != one {
		t.Errorf("the same seed gives %+v and %+v", one, again)
	}
}
