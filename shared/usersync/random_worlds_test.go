package usersync

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"booking/shared/crm"
)

// compareWithModel plans a world and reads the rules about it.
func compareWithModel(t testing.TB, w world) {
	t.Helper()
	plan, m := w.plan(t), newModel(w)
	var want, got []string
	for _, p := range w.people {
		want = append(want, m.decide(p))
	}
	labels, groups := m.groups(), map[int]string{}
	for _, d := range plan.Decisions {
		if d.Action == crm.ActionReported {
			continue
		}
		label, known := groups[d.Group]
		if d.Group != 0 && !known {
			label = labels[d.Person.ExternalID]
			groups[d.Group] = label
		}
		if label != labels[d.Person.ExternalID] {
			t.Errorf("person %s is in group %d (%q), the model says %q", d.Person.ExternalID, d.Group, label, labels[d.Person.ExternalID])
		}
		d.Group = 0
		got = append(got, say(d))
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("planner and rules differ (-rules +planner):\n%s\n%s", diff, describe(w))
	}
	checkInvariants(t, w, plan)
}

func describe(w world) string {
	return fmt.Sprintf("people %q\nrows %+v\nforeign %q\noptions %+v", w.people, w.rows, w.foreign, w.options)
}

// choose returns a number below n.
type choose func(n int) int

func (c choose) of(values ...string) string { return values[c(len(values))] }

var (
	// The first have twins that the collation calls equal, or with stray spaces.
	addresses = []string{"a@x", "á@x", "A@x", "b@x", " b@x", "b@x ", "B@x", "Ё@x", "е@x", "c@x", " D@x ", "d@x", "e@x", "f@x", "g@x", "h@x"}
	ids       = []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "007", "x"}
)

// randomWorld makes a small world in which everything meets everything: few
// addresses make many quarrels, many make chains and rings.
func randomWorld(pick choose) world {
	w := world{options: Options{Phone: pick(2) == 0, Position: pick(4) == 0}}
	known := addresses[pick(12):]
	numbers := slices.Clone(ids)
	for range pick(9) {
		i := pick(len(numbers))
		w.people = append(w.people, randomPerson(pick, numbers[i], known))
		numbers = slices.Delete(numbers, i, i+1)
	}
	held := map[string]bool{}
	for i := range pick(10) {
		r := Row{ID: int64(100 + i*7%10), Name: pick.of("N", "M"), Email: pick.of(known...), Link: pick.of("", "", "99", "007"),
			Role: pick.of("employee", "manager", "employee", "employee", "admin"), Phone: pick.of("", "1"), Position: pick.of("", "P")}
		if n := len(w.people); n > 0 && pick(3) > 0 {
			r.Link = w.people[pick(n)].ExternalID
		}
		switch {
		case held[class(r.Email)]:
			continue
		case pick(12) == 0:
			w.foreign = append(w.foreign, r.Email)
		default:
			w.rows = append(w.rows, r)
		}
		held[class(r.Email)] = true
	}
	return w
}

func randomPerson(pick choose, id string, known []string) Person {
	p := Person{
		ExternalID: id, Name: pick.of("", "N", "M"), Email: strings.TrimSpace(pick.of(known...)),
		Phone: pick.of("", "1", "2"), Position: pick.of("", "P"),
	}
	switch pick(40) {
	case 0, 1, 2, 3:
		p.Email = ""
	case 4:
		p.Email += "\x00"
	case 5:
		p.Name += "\x00"
	case 6:
		p.Phone += "\x00"
	case 7:
		p.Position += "\x00"
	}
	return p
}

func TestThePlannerDecidesAsTheRulesRead(t *testing.T) {
	t.Parallel()
	met := map[string]int{}
	for seed := range uint64(20_000) {
		w := randomWorld(rand.New(rand.NewPCG(seed, 1)).IntN)
		compareWithModel(t, w)
		if t.Failed() {
			t.Fatalf("world of seed %d", seed)
		}
		for _, d := range w.plan(t).Decisions {
			met[string(d.Action)+"/"+string(d.Reason)]++
			if d.Group > 0 {
				met["group"]++
			}
		}
	}
	for _, kind := range []string{
		"/", "created/", "updated/", "updated/linked", "skipped/invalid", "skipped/no_email", "conflict/duplicate_email",
		"conflict/email_taken", "conflict/admin_email", "reported/duplicate_link", "group",
	} {
		if met[kind] < 500 {
			t.Errorf("the worlds hardly contain %q (%d times): %v", kind, met[kind], met)
		}
	}
}

func FuzzThePlannerDecidesAsTheRulesRead(f *testing.F) {
	for seed := range byte(30) {
		bytes := make([]byte, 120)
		random := rand.New(rand.NewPCG(uint64(seed), 2))
		for i := range bytes {
			bytes[i] = byte(random.IntN(256))
		}
		f.Add(bytes)
	}
	f.Fuzz(func(t *testing.T, bytes []byte) {
		compareWithModel(t, randomWorld(func(n int) int {
			if len(bytes) == 0 {
				return 0
			}
			first := bytes[0]
			bytes = bytes[1:]
			return int(first) % n
		}))
	})
}
