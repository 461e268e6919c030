package usersync

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"booking/shared/crm"
)

// world is a portal's reading and a users table in memory.
type world struct {
	people  []Person
	rows    []Row    // of the tenant
	foreign []string // addresses of everybody else's rows
	options Options
}

// everythingFits are columns as the migrations make them.
var everythingFits = Storable{Name: wide, Email: wide, Phone: wide, Position: wide, Link: wide}

var wide = Column{MaxChars: 255, Charset: "utf8mb4"}

// class stands in for the column's collation, in the manner of utf8mb4_unicode_ci:
// neither letter case nor accents nor trailing spaces matter, leading ones do.
func class(address string) string {
	return accents.Replace(strings.ToLower(strings.TrimRight(address, " ")))
}

var accents = strings.NewReplacer("á", "a", "é", "e", "ó", "o", "ё", "е")

// answers is what the database says about addresses.
func (w world) answers(addresses []string) map[string]Address {
	numbers := map[string]int{}
	holders := map[string]Holder{}
	for _, address := range w.foreign {
		holders[class(address)] = Holder{Taken: true}
	}
	for _, r := range w.rows {
		holders[class(r.Email)] = Holder{Taken: true, RowID: r.ID}
	}
	answers := map[string]Address{}
	for _, address := range addresses {
		c := class(address)
		if _, ok := numbers[c]; !ok {
			numbers[c] = len(numbers)
		}
		answers[address] = Address{Class: numbers[c], Holder: holders[c]}
	}
	return answers
}

// plan asks for everything and decides.
func (w world) plan(t testing.TB) Plan {
	t.Helper()
	return w.planWith(t, everythingFits)
}

func (w world) planWith(t testing.TB, storable Storable) Plan {
	t.Helper()
	draft, err := NewDraft(w.people, w.rows, storable, w.options)
	if err != nil {
		t.Fatalf("NewDraft: %v", err)
	}
	plan, err := draft.Decide(w.answers(draft.Wanted()))
	if err != nil {
		t.Fatalf("Decide: %v", err)
	}
	return plan
}

// person has an address and no name, so that only the address matters.
func person(id, email string) Person { return Person{ExternalID: id, Email: email} }

// row is an employee's; link may be empty.
func row(id int64, email, link string) Row {
	return Row{ID: id, Name: "N", Email: email, Link: link, Role: "employee"}
}

func withRole(r Row, role string) Row { r.Role = role; return r }

// say writes a decision on one line:
//
//	7 updated/linked #12 name=Anna +link
//	8 conflict/duplicate_email #3 vs 7#12
//	9 created name=Olga email=o@x +link group=1
func say(d Decision) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", d.Person.ExternalID, orElse(string(d.Action), "unchanged"))
	if d.Reason != "" {
		fmt.Fprintf(&b, "/%s", d.Reason)
	}
	if d.Field != "" {
		fmt.Fprintf(&b, ":%s", d.Field)
	}
	if d.Row != nil {
		fmt.Fprintf(&b, " #%d", d.Row.ID)
	}
	for _, v := range []struct {
		column string
		value  *string
	}{{"name", d.Set.Name}, {"email", d.Set.Email}, {"phone", d.Set.Phone}, {"position", d.Set.Position}} {
		if v.value != nil {
			fmt.Fprintf(&b, " %s=%s", v.column, *v.value)
		}
	}
	if d.SetLink {
		b.WriteString(" +link")
	}
	if d.OtherExternalID != "" || d.OtherUserID != 0 {
		fmt.Fprintf(&b, " vs %s#%d", d.OtherExternalID, d.OtherUserID)
	}
	if d.Group != 0 {
		fmt.Fprintf(&b, " group=%d", d.Group)
	}
	return b.String()
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// scenario is one world and everything that is decided about it.
type scenario struct {
	name string
	world
	want []string
}

// check plans each scenario as it stands and again with people and rows in
// reverse, because the order of a reading must not matter.
func check(t *testing.T, scenarios []scenario) {
	t.Helper()
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			got := s.plan(t)
			if diff := cmp.Diff(s.want, saidOf(got)); diff != "" {
				t.Errorf("decisions (-want +got):\n%s", diff)
			}
			checkInvariants(t, s.world, got)
			turned := s.world
			turned.people, turned.rows = slices.Clone(s.people), slices.Clone(s.rows)
			slices.Reverse(turned.people)
			slices.Reverse(turned.rows)
			again := turned.plan(t)
			if diff := cmp.Diff(s.want, saidOf(again)); diff != "" {
				t.Errorf("decisions when read in reverse (-want +got):\n%s", diff)
			}
			if got.Hash != again.Hash {
				t.Errorf("the hash depends on the order of the reading: %s, %s", got.Hash, again.Hash)
			}
		})
	}
}

func saidOf(plan Plan) []string {
	var said []string
	for _, d := range plan.Decisions {
		said = append(said, say(d))
	}
	return said
}

// numbers of a plan that must add up.
func checkCounts(t testing.TB, plan Plan) {
	t.Helper()
	var want crm.Counts
	for _, d := range plan.Decisions {
		switch d.Action {
		case crm.ActionReported:
			continue
		case "":
			want.Unchanged++
		case crm.ActionCreated:
			want.Created++
		case crm.ActionUpdated:
			want.Updated++
		case crm.ActionSkipped:
			want.Skipped++
		case crm.ActionConflict:
			want.Conflicts++
		default:
			t.Errorf("action %q is not the planner's", d.Action)
		}
		want.Fetched++
	}
	if plan.Counts != want {
		t.Errorf("counts %+v, decisions say %+v", plan.Counts, want)
	}
	if c := plan.Counts; c.Fetched != c.Synced()+c.Skipped+c.Conflicts {
		t.Errorf("fetched %d is not synced %d + skipped %d + conflicts %d", c.Fetched, c.Synced(), c.Skipped, c.Conflicts)
	}
}
