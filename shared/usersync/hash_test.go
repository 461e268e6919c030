package usersync

import (
	"slices"
	"testing"
)

func TestHashIsEqualForPlansThatDecideTheSame(t *testing.T) {
	t.Parallel()
	base := world{
		people:  []Person{{ExternalID: "1", Name: "A", Email: "a@x", Phone: "1"}, person("2", "n@x"), person("3", "taken@x"), person("4", "b@x"), person("5", "")},
		rows:    []Row{row(1, "old@x", "1"), row(4, "b@x", "4"), row(5, "taken@x", "")},
		options: Options{Phone: true},
	}
	hash := base.plan(t).Hash
	if len(hash) != 64 {
		t.Errorf("hash %q is no sha256 in hex", hash)
	}
	for name, c := range map[string]struct {
		change func(*world)
		same   bool
	}{
		"nothing":                           {func(*world) {}, true},
		"the order of the reading":          {func(w *world) { slices.Reverse(w.people) }, true},
		"letter case of what is written":    {func(w *world) { w.people[1].Email = "N@x" }, true},
		"letter case of what is not":        {func(w *world) { w.people[3].Email = "B@x" }, true},
		"a value that is not synced":        {func(w *world) { w.people[0].Position = "P" }, true},
		"a local value that is not written": {func(w *world) { w.rows[0].Position = "P" }, true},
		"a local row that does not matter":  {func(w *world) { w.rows = append(w.rows, row(9, "z@x", "")) }, true},
		"what is written":                   {func(w *world) { w.people[0].Name = "B" }, false},
		"the value before":                  {func(w *world) { w.rows[0].Name = "M" }, false},
		"the address before":                {func(w *world) { w.rows[0].Email = "older@x" }, false},
		"the row":                           {func(w *world) { w.rows[0].ID = 7 }, false},
		"the address of a newcomer":         {func(w *world) { w.people[1].Email = "m@x" }, false},
		"an id":                             {func(w *world) { w.people[1].ExternalID = "22" }, false},
		"an option":                         {func(w *world) { w.options.Phone = false }, false},
		"who stands in the way":             {func(w *world) { w.rows[2].ID = 55 }, false},
		"that it is somebody else's":        {func(w *world) { w.rows, w.foreign = w.rows[:2], []string{"taken@x"} }, false},
		"one more who is right already": {func(w *world) {
			w.people, w.rows = append(w.people, person("9", "z@x")), append(w.rows, row(9, "z@x", "9"))
		}, false},
		"a further row under a link":           {func(w *world) { w.rows = append(w.rows, row(9, "z@x", "4")) }, false},
		"why somebody is skipped":              {func(w *world) { w.people[4].Phone = "\x00" }, false},
		"a text that moves to the next column": {func(w *world) { w.people[0].Name, w.people[0].Phone = "A1", "" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := base
			w.people, w.rows = slices.Clone(base.people), slices.Clone(base.rows)
			c.change(&w)
			if got := w.plan(t).Hash == hash; got != c.same {
				t.Errorf("same hash: %v, want %v", got, c.same)
			}
		})
	}
}

// A Kelvin sign, a dotted capital I: a second normalisation must find nothing to do.
func TestNormalizeIsDoneOnce(t *testing.T) {
	t.Parallel()
	for r := rune(0); r <= 0x10FFFF; r++ {
		if r >= 0xD800 && r <= 0xDFFF {
			continue
		}
		once := Normalize("x" + string(r) + "y" + string(r))
		if twice := Normalize(once); once != twice {
			t.Errorf("%U: %q becomes %q", r, once, twice)
		}
	}
}
