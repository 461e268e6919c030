package rest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"booking/plugin-bitrix24/internal/portalsim"
	"booking/shared/crm"
)

func TestStructureCountsWhoIsWhere(t *testing.T) {
	t.Parallel()
	for name, dialect := range portalsim.Dialects() {
		people := portalsim.People(700, 5)
		random := rand.New(rand.NewPCG(1, 2))
		for i := range people {
			people[i].Departments = nil
			for range random.IntN(4) {
				people[i].Departments = append(people[i].Departments, int64(random.IntN(14)))
			}
			people[i].Active = random.IntN(5) > 0
			if random.IntN(9) == 0 {
				people[i].UserType = portalsim.Extranet
			}
		}
		people[0].Active, people[0].UserType = true, ""
		b := newBench(t, portalsim.Options{People: people, Departments: tree(9), Dialect: dialect})
		c := b.client(t)
		got, err := c.Structure(context.Background())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := Structure{Departments: got.Departments, Counted: true, In: map[string]int{}, Several: map[string]int{}}
		for _, p := range people {
			if !p.Active || p.UserType == portalsim.Extranet {
				continue
			}
			want.People++
			var ids []string
			for _, d := range slices.Compact(slices.Sorted(slices.Values(p.Departments))) {
				if d >= 1 && d <= 9 {
					ids = append(ids, fmt.Sprint(d))
					want.In[fmt.Sprint(d)]++
				}
			}
			if len(ids) > 1 {
				want.Several[strings.Join(ids, ",")]++
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if len(want.Several) < 5 {
			t.Errorf("%s: the test has only %d overlaps", name, len(want.Several))
		}
	}
}

// 10 departments and 2,000 people: one request for the tree, one for the people.
func TestStructureCostsFewRequests(t *testing.T) {
	t.Parallel()
	b := newBench(t, portalsim.Options{People: portalsim.People(2000, 5), Departments: portalsim.Departments()})
	c := b.client(t)
	if _, err := c.Structure(context.Background()); err != nil || c.Requests() != 2 {
		t.Errorf("%d requests, %v", c.Requests(), err)
	}
}

func TestStructureOfAWebhookThatSeesLess(t *testing.T) {
	t.Parallel()
	for scopes, want := range map[string]crm.Code{"department": "", "department,user_brief": "", "user": crm.CodeScopeMissing} {
		b := newBench(t, portalsim.Options{People: portalsim.People(5, 5), Departments: portalsim.Departments(), Scopes: strings.Split(scopes, ",")})
		got, err := b.client(t).Structure(context.Background())
		if crm.CodeOf(err) != want {
			t.Errorf("%s: %v", scopes, err)
		}
		if counted := strings.Contains(scopes, "brief"); err == nil && (got.Counted != counted || len(got.Departments) != 12) {
			t.Errorf("%s: counted %v, %d departments", scopes, got.Counted, len(got.Departments))
		}
	}
	b := newBench(t, portalsim.Options{People: portalsim.People(5, 5), Departments: portalsim.Departments()})
	b.portal.Inject(portalsim.Fault{Kind: portalsim.EmptyPage, Times: portalsim.Always, Method: "batch"})
	_, err := b.client(t).Structure(context.Background())
	wantCode(t, err, crm.CodePortalAnswer)
}

func TestArrange(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want string }{
		"siblings":             {"1/-/1/Firm 2/1/500/Sales 3/1/500/Books 4/1/100/Zoo", "1/-/1/Firm 4/1/100/Zoo 3/1/500/Books 2/1/500/Sales"},
		"a parent unseen":      {"5/9/1/A 6/5/1/B", "5/-/1/A 6/5/1/B"},
		"its own parent":       {"5/5/1/A", "5/-/1/A"},
		"a ring":               {"5/7/1/A 6/5/1/B 7/6/1/C", "5/7/1/A 6/-/1/B 7/6/1/C"},
		"a ring with a branch": {"4/5/1/D 5/6/1/A 6/5/1/B", "5/6/1/A 6/-/1/B 4/5/1/D"},
	} {
		var in []Department
		for word := range strings.FieldsSeq(c.in) {
			var d Department
			parts := strings.Split(word, "/")
			d.ID, d.Parent, d.Name = parts[0], strings.TrimPrefix(parts[1], "-"), parts[3]
			_, _ = fmt.Sscan(parts[2], &d.Sort)
			in = append(in, d)
		}
		var out []string
		for _, d := range arrange(in) {
			parent := d.Parent
			if parent == "" {
				parent = "-"
			}
			out = append(out, fmt.Sprintf("%s/%s/%d/%s", d.ID, parent, d.Sort, d.Name))
		}
		if got := strings.Join(out, " "); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
