package usersync

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
)

// worldsOfAnySize are those in which a careless planner would be slow.
var worldsOfAnySize = []struct {
	name string
	make func(n int) world
}{
	{"first import", firstImport},
	{"unchanged", unchanged},
	{"one ring", ring},
	{"one ring, read backwards", func(n int) world {
		w := ring(n)
		slices.Reverse(w.people)
		return w
	}},
	{"one chain that is blocked at its far end", func(n int) world {
		w := ring(n)
		w.people[n-1].Email = "free@x"
		w.foreign = []string{"free@x"}
		return w
	}},
	{"everybody wants one address", func(n int) world {
		w := firstImport(n)
		for i := range w.people {
			w.people[i].Email = "info@x"
		}
		return w
	}},
	{"everybody is found by the address", func(n int) world {
		w := unchanged(n)
		for i := range w.rows {
			w.rows[i].Link = ""
		}
		return w
	}},
	{"all rows under one link", func(n int) world {
		w := unchanged(n)
		for i := range w.rows {
			w.rows[i].Link = "1"
		}
		return w
	}},
}

func firstImport(n int) world {
	w := world{people: make([]Person, n)}
	for i := range w.people {
		w.people[i] = Person{ExternalID: fmt.Sprint(i + 1), Name: "Анна Ёлкина", Email: fmt.Sprintf("person%d@example.com", i)}
	}
	return w
}

func unchanged(n int) world {
	w := firstImport(n)
	for i, p := range w.people {
		w.rows = append(w.rows, Row{ID: int64(i + 1), Name: p.Name, Email: p.Email, Link: p.ExternalID, Role: "employee"})
	}
	return w
}

// The loops that follow chains are counted, everything else by what it allocates:
// eight times the people may cost eight times as much, not sixty-four.
func TestTheCostOfAPlanIsLinear(t *testing.T) {
	const small, large = 2_000, 16_000
	for _, c := range worldsOfAnySize {
		steps := func(n int) (carried, grouped, claims int) {
			w := c.make(n)
			draft, err := NewDraft(w.people, w.rows, everythingFits, w.options)
			if err != nil {
				t.Fatal(err)
			}
			s := &settlement{Draft: draft}
			if err := s.contend(w.answers(draft.Wanted())); err != nil {
				t.Fatal(err)
			}
			s.findHolders()
			for i := range s.contests {
				s.contests[i].won = s.winner(int32(i))
			}
			for i := range s.claims {
				s.award(int32(i))
			}
			return s.propagate(), s.group(), len(s.claims)
		}
		if carried, grouped, claims := steps(large); carried+grouped > claims || claims > large {
			t.Errorf("%s: %d claims, but %d refusals carried and %d put into groups", c.name, claims, carried, grouped)
		}
		few, many := allocated(t, c.make(small)), allocated(t, c.make(large))
		if many > few*large/small*3/2 {
			t.Errorf("%s: %d people cost %d KiB, %d cost %d KiB", c.name, small, few>>10, large, many>>10)
		}
	}
}

// allocated is how many bytes a plan allocates in all.
func allocated(t *testing.T, w world) uint64 {
	t.Helper()
	draft, err := NewDraft(w.people, w.rows, everythingFits, w.options)
	if err != nil {
		t.Fatal(err)
	}
	answers := w.answers(draft.Wanted())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if draft, err = NewDraft(w.people, w.rows, everythingFits, w.options); err != nil {
		t.Fatal(err)
	}
	if _, err := draft.Decide(answers); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A plugin has to stay below 200 MB with 100,000 people; this is the planner's part.
func TestAPlanOf100000PeopleIsLean(t *testing.T) {
	const most = 90 << 20
	for _, c := range worldsOfAnySize {
		if got := allocated(t, c.make(100_000)); got > most {
			t.Errorf("%s: %d MiB allocated in all", c.name, got>>20)
		}
	}
}

func BenchmarkPlan(b *testing.B) {
	for _, c := range worldsOfAnySize {
		b.Run(c.name, func(b *testing.B) {
			w := c.make(100_000)
			draft, err := NewDraft(w.people, w.rows, everythingFits, w.options)
			if err != nil {
				b.Fatal(err)
			}
			answers := w.answers(draft.Wanted())
			b.ReportAllocs()
			for b.Loop() {
				draft, err := NewDraft(w.people, w.rows, everythingFits, w.options)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := draft.Decide(answers); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
