package usersync

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"booking/shared/crm"
)

// checkInvariants holds a plan against what must be true of every plan, applies
// it in several orders and plans again.
func checkInvariants(t testing.TB, w world, plan Plan) {
	t.Helper()
	checkCounts(t, plan)
	checkEverybodyOnce(t, w, plan)
	for _, d := range plan.Decisions {
		checkDecision(t, d)
	}
	for _, turn := range []int{0, 1, 2} {
		after, err := w.apply(plan, turn)
		if err != nil {
			t.Fatalf("apply in order %d: %v\n%v", turn, err, saidOf(plan))
		}
		second := after.plan(t)
		for _, d := range second.Decisions {
			if d.SetLink || d.Set != (Values{}) {
				t.Errorf("a second run writes: %s\nafter %v", say(d), saidOf(plan))
			}
		}
	}
}

// checkEverybodyOnce: every person is decided exactly once, in the right order,
// and no row is written by two decisions.
func checkEverybodyOnce(t testing.TB, w world, plan Plan) {
	t.Helper()
	decided := map[Person]int{}
	written := map[int64]bool{}
	previous := int64(0)
	for _, d := range plan.Decisions {
		if d.Action == crm.ActionReported {
			continue
		}
		decided[d.Person]++
		number := ParseID(d.Person.ExternalID)
		if number == 0 {
			number = 1<<63 - 1
		}
		if number < previous {
			t.Errorf("person %s stands after %d", d.Person.ExternalID, previous)
		}
		previous = number
		if d.Row != nil && d.Action != crm.ActionSkipped {
			if written[d.Row.ID] {
				t.Errorf("row %d is decided about twice", d.Row.ID)
			}
			written[d.Row.ID] = true
		}
	}
	for _, p := range w.people {
		decided[p]--
	}
	for p, n := range decided {
		if n != 0 {
			t.Errorf("person %q is decided %+d times", p.ExternalID, n)
		}
	}
}

// checkDecision: who may be written what.
func checkDecision(t testing.TB, d Decision) {
	t.Helper()
	writes := d.SetLink || d.Set != (Values{})
	switch d.Action {
	case crm.ActionCreated:
		if d.Row != nil || !d.SetLink || d.Set.Name == nil || d.Set.Email == nil || *d.Set.Name == "" || *d.Set.Email == "" {
			t.Errorf("not a whole new row: %s", say(d))
		}
	case crm.ActionUpdated:
		if !writes {
			t.Errorf("updated, and nothing to write: %s", say(d))
		}
	case crm.ActionConflict:
		if d.SetLink || d.Set.Email != nil || (writes && d.Row.Link != d.Person.ExternalID) {
			t.Errorf("a conflict links nobody, leaves the address and writes to linked rows only (rule 8): %s", say(d))
		}
	default:
		if writes {
			t.Errorf("writes without saying so: %s", say(d))
		}
	}
	if d.Row != nil && d.Row.Administrator() && d.Set.Email != nil {
		t.Errorf("an administrator's address changes (rule 9): %s", say(d))
	}
	if d.SetLink && d.Row != nil && d.Row.Link != "" {
		t.Errorf("a link is overwritten (rule 3): %s", say(d))
	}
}

// apply executes a plan as the engine does: single decisions one by one, groups by
// parking first, units in an order that turn chooses. A collision is an error.
func (w world) apply(plan Plan, turn int) (world, error) {
	after := w
	after.rows = slices.Clone(w.rows)
	var units [][]Decision
	unitOf := map[int]int{}
	for _, d := range plan.Decisions {
		if !d.SetLink && d.Set == (Values{}) {
			continue
		}
		if u, ok := unitOf[d.Group]; ok && d.Group != 0 {
			units[u] = append(units[u], d)
			continue
		}
		unitOf[d.Group] = len(units)
		units = append(units, []Decision{d})
	}
	switch turn {
	case 1:
		slices.Reverse(units)
	case 2: // the middle first
		half := len(units) / 2
		units = append(slices.Clone(units[half:]), units[:half]...)
	}
	for _, unit := range units {
		if err := after.applyUnit(unit); err != nil {
			return world{}, err
		}
	}
	return after, nil
}

func (w *world) applyUnit(unit []Decision) error {
	if len(unit) > 1 {
		for _, d := range unit {
			if d.Row != nil && d.Set.Email != nil {
				r := w.find(d.Row.ID)
				r.Email = fmt.Sprintf("parked-%d", r.ID)
			}
		}
	}
	for _, d := range unit {
		if d.Set.Email != nil {
			own := int64(0)
			if d.Row != nil {
				own = d.Row.ID
			}
			if w.occupied(*d.Set.Email, own) {
				return fmt.Errorf("duplicate entry %s: %s", *d.Set.Email, say(d))
			}
		}
		if d.Row == nil {
			w.rows = append(w.rows, Row{ID: int64(1000 + len(w.rows)), Role: "employee"})
			w.set(&w.rows[len(w.rows)-1], d)
			continue
		}
		w.set(w.find(d.Row.ID), d)
	}
	return nil
}

func (w *world) find(id int64) *Row {
	return &w.rows[slices.IndexFunc(w.rows, func(r Row) bool { return r.ID == id })]
}

func (w *world) occupied(address string, except int64) bool {
	return slices.ContainsFunc(w.foreign, func(f string) bool { return class(f) == class(address) }) ||
		slices.ContainsFunc(w.rows, func(r Row) bool { return r.ID != except && class(r.Email) == class(address) })
}

func (w *world) set(r *Row, d Decision) {
	for target, value := range map[*string]*string{
		&r.Name: d.Set.Name, &r.Email: d.Set.Email, &r.Phone: d.Set.Phone, &r.Position: d.Set.Position,
	} {
		if value != nil {
			*target = *value
		}
	}
	if d.SetLink {
		r.Link = d.Person.ExternalID
	}
}

func TestNoDecisionCanTouchAPasswordOrARole(t *testing.T) {
	t.Parallel()
	var columns []string
	for f := range reflect.TypeFor[Values]().Fields() {
		columns = append(columns, f.Name)
	}
	if want := []string{"Name", "Email", "Phone", "Position"}; !slices.Equal(columns, want) {
		t.Errorf("a plan can write %v, the rules allow %v", columns, want)
	}
}
