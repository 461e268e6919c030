package usersync

import (
	"fmt"
	"testing"

	"booking/shared/crm"
)

// ring is n people who pass their addresses on to the next one.
func ring(n int) world {
	var w world
	for i := range n {
		id := fmt.Sprint(i + 1)
		w.people = append(w.people, person(id, fmt.Sprintf("p%d@x", (i+1)%n)))
		w.rows = append(w.rows, row(int64(n-i), fmt.Sprintf("p%d@x", i), id))
	}
	return w
}

func TestRule7RingsOfAnyLength(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 3, 500, 20_000} {
		w := ring(n)
		plan := w.plan(t)
		if plan.Counts.Updated != n {
			t.Errorf("ring of %d: %+v", n, plan.Counts)
		}
		for _, d := range plan.Decisions {
			if d.Group != 1 {
				t.Fatalf("ring of %d: %s is not in the one group", n, say(d))
			}
		}
		if n <= 500 {
			checkInvariants(t, w, plan)
		}
	}
}

func TestRule7ChainsOfAnyLength(t *testing.T) {
	t.Parallel()
	const n = 500
	open := ring(n)
	open.people[n-1].Email = "free@x"
	open.people = append(open.people, person("1000", "p0@x")) // a newcomer for what becomes free at the head
	plan := open.plan(t)
	checkInvariants(t, open, plan)
	if plan.Counts.Updated != n || plan.Counts.Created != 1 || plan.Decisions[n].Group != 1 || plan.Decisions[0].Group != 1 {
		t.Errorf("a chain that ends free: %+v, last %s", plan.Counts, say(plan.Decisions[n]))
	}

	blocked := open
	blocked.foreign = []string{"FREE@x"}
	plan = blocked.plan(t)
	checkInvariants(t, blocked, plan)
	if plan.Counts.Conflicts != n+1 {
		t.Errorf("a chain that ends in another tenant: %+v", plan.Counts)
	}
	for i, d := range plan.Decisions {
		if d.Action != crm.ActionConflict || d.Reason != crm.ReasonEmailTaken || d.Group != 0 {
			t.Fatalf("link %d of the chain: %s", i, say(d))
		}
	}
}
