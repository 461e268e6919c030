package rest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"booking/plugin-bitrix24/internal/portalsim"
	"booking/shared/crm"
)

// tree is a chain with a branch: 1 > 2 > ... > n, and 1000 below 2.
func tree(n int64) []portalsim.Department {
	var out []portalsim.Department
	for id := range n {
		out = append(out, portalsim.Department{ID: id + 1, Name: fmt.Sprint("Отдел ", id+1), Parent: id})
	}
	return append(out, portalsim.Department{ID: 1000, Name: "Branch", Parent: 2})
}

func TestDepartments(t *testing.T) {
	t.Parallel()
	for name, dialect := range portalsim.Dialects() {
		for _, n := range []int64{2, 48, 49, 50, 99, 100, 120} {
			b := newBench(t, portalsim.Options{Departments: tree(n), Dialect: dialect, People: portalsim.People(3, 1)})
			got, err := b.client(t).Departments(context.Background())
			if err != nil {
				t.Fatalf("%s, %d: %v", name, n, err)
			}
			if len(got) != int(n)+1 || got[1] != (Department{ID: "2", Name: "Отдел 2", Parent: "1"}) {
				t.Errorf("%s, %d: %d departments, the second is %+v", name, n, len(got), got[1])
			}
		}
	}
}

func TestBelow(t *testing.T) {
	t.Parallel()
	all := []Department{{ID: "1"}, {ID: "2", Parent: "1"}, {ID: "3", Parent: "2"}, {ID: "10", Parent: "1"}, {ID: "4", Parent: "5"}, {ID: "5", Parent: "4"}}
	for _, c := range []struct{ ids, want []string }{
		{[]string{"1"}, []string{"1", "2", "3", "10"}},
		{[]string{"2", "10"}, []string{"2", "3", "10"}},
		{[]string{"2", "3", "2"}, []string{"2", "3"}},
		{[]string{"4"}, []string{"4", "5"}}, // a ring ends
		{nil, nil},
	} {
		got, err := Below(all, c.ids)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%v: %s %v", c.ids, diff, err)
		}
	}
	_, err := Below(all, []string{"1", "77", "78"})
	wantCode(t, err, crm.CodePortalAnswer, "77, 78")
}

// TestDepartmentFilter: the request asks for them and the answer is believed, also where
// there are too many to ask for.
func TestDepartmentFilter(t *testing.T) {
	t.Parallel()
	people := portalsim.People(400, 8)
	for i := range people {
		people[i].Departments = []int64{int64(i%150 + 1)}
	}
	people[5].Departments = []int64{3, 149}
	people[6].Departments = nil
	for _, top := range []int64{140, 10} {
		b := newBench(t, portalsim.Options{People: people, Departments: tree(150)})
		c := b.client(t)
		all, err := c.Departments(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		ids, err := Below(all, []string{fmt.Sprint(top)})
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := readAll(context.Background(), c, Query{Departments: ids})
		if err != nil {
			t.Fatal(err)
		}
		want := wanted(slices.DeleteFunc(slices.Clone(people), func(p portalsim.Person) bool {
			return !slices.ContainsFunc(p.Departments, func(d int64) bool { return d >= top && d <= 150 })
		}))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("below %d (%d departments): %s", top, len(ids), diff)
		}
	}
}

func TestDepartmentsWithoutTheirScope(t *testing.T) {
	t.Parallel()
	b := newBench(t, portalsim.Options{Scopes: []string{"user"}, People: portalsim.People(3, 1)})
	_, err := b.client(t).Departments(context.Background())
	wantCode(t, err, crm.CodeScopeMissing, "department")
	people := portalsim.People(3, 1)
	people[0].Departments = []int64{1}
	b = newBench(t, portalsim.Options{Scopes: []string{"user_brief", "department"}, People: people})
	_, _, err = readAll(context.Background(), b.client(t), Query{Departments: []string{"1"}})
	wantCode(t, err, crm.CodeScopeMissing)
}

func TestEmptyDepartmentIsFine(t *testing.T) {
	t.Parallel()
	b := newBench(t, portalsim.Options{People: portalsim.People(3, 1), Departments: tree(3)})
	got, _, err := readAll(context.Background(), b.client(t), Query{Departments: []string{"1000"}})
	if err != nil || len(got) != 0 {
		t.Errorf("%v %v", got, err)
	}
}

func TestOwnerAndScopes(t *testing.T) {
	t.Parallel()
	b := newBench(t, portalsim.Options{People: portalsim.People(3, 1), Scopes: []string{"user", "department", "crm"}})
	c := b.client(t)
	owner, err := c.Owner(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if owner.ID != "1" || owner.Name == "" || !owner.Admin || !owner.Clocked || owner.Zone != "+03:00" || owner.Skew.Abs() > 1e9 {
		t.Errorf("%+v", owner)
	}
	scopes, err := c.Scopes(context.Background())
	if diff := cmp.Diff([]string{"crm", "department", "user"}, scopes); diff != "" || err != nil {
		t.Error(diff, err)
	}
}
