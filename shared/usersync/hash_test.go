package usersync

import (
	"slices"
	"testing"

	"booking/shared/crm"
)

func TestHashIsEqualForPlansThatDecideTheSame(t *testing.T) {
	t.Parallel()
	base := world{
		people:  []Person{{ExternalID: "1", Name: "A", Email: "a@x", Phone: "1"}, person("2", "n@x"), person("3", "taken@x"), person("4", "b@x"), person("5", "")},
		rows:    []Row{row(1, "old@x", "1"), row(4, "b@x", "4"), row(5, "taken@x", "99")},
		options: Options{Phone: true, Position: true},
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
		"another who is right already":      {func(w *world) { w.people[3].ExternalID, w.rows[1].Link, w.rows[1].ID = "44", "44", 44 }, true},
		"a local value that is not written": {func(w *world) { w.rows[0].Position = "P" }, true},
		"a local row that does not matter":  {func(w *world) { w.rows = append(w.rows, row(9, "z@x", "")) }, true},
		"what is written":                   {func(w *world) { w.people[0].Name = "B" }, false},
		"the value before":                  {func(w *world) { w.rows[0].Name = "M" }, false},
		"the address before":                {func(w *world) { w.rows[0].Email = "older@x" }, false},
		"a phone":                           {func(w *world) { w.people[0].Phone = "2" }, false},
		"a position":                        {func(w *world) { w.people[0].Position = "2" }, false},
		"the link of who stands in the way": {func(w *world) { w.rows[2].Link = "98" }, false},
		"what a conflict is about":          {func(w *world) { w.people[2].Email, w.rows[2].Email = "took@x", "took@x" }, false},
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

// Values must not run into one another, nor columns.
func TestHashKeepsValuesApart(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	text := func(s string) *string { return &s }
	for name, d := range map[string]Decision{
		"name AB becomes C":         {Row: &Row{ID: 1, Name: "AB"}, Set: Values{Name: text("C")}},
		"name A becomes BC":         {Row: &Row{ID: 1, Name: "A"}, Set: Values{Name: text("BC")}},
		"address AB becomes C":      {Row: &Row{ID: 1, Email: "AB"}, Set: Values{Email: text("C")}},
		"phone AB becomes C":        {Row: &Row{ID: 1, Phone: "AB"}, Set: Values{Phone: text("C")}},
		"position AB becomes C":     {Row: &Row{ID: 1, Position: "AB"}, Set: Values{Position: text("C")}},
		"a name becomes empty":      {Row: &Row{ID: 1}, Set: Values{Name: text("")}},
		"nothing":                   {Row: &Row{ID: 1}},
		"nothing to another row":    {Row: &Row{ID: 2}},
		"nothing to no row":         {},
		"another user in the way":   {Row: &Row{ID: 1}, OtherUserID: 1},
		"another person in the way": {Row: &Row{ID: 1}, OtherExternalID: "1"},
		"a field":                   {Row: &Row{ID: 1}, Field: "1"},
		"a reason":                  {Row: &Row{ID: 1}, Reason: "1"},
		"a person":                  {Row: &Row{ID: 1}, Person: Person{ExternalID: "1"}},
	} {
		d.Action = crm.ActionUpdated
		hash := fingerprint(Plan{Decisions: []Decision{d}})
		if other, ok := seen[hash]; ok {
			t.Errorf("%q and %q have one hash", name, other)
		}
		seen[hash] = name
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
