package rest

import (
	"context"
	"slices"
	"strings"

	"booking/shared/crm"
)

// Structure is a company's departments with the numbers of active employees in them.
type Structure struct {
	// Departments as people should see them: each with a Parent that is there, reached
	// from the top, siblings by Sort and then by name.
	Departments []Department
	// Counted is false where the webhook may not see who is where.
	Counted bool
	// People are all employees, whether or not in a department.
	People int
	// In is how many are in a department itself.
	In map[string]int
	// Several are those who are in several departments: how many by their IDs, sorted
	// and joined by commas.
	Several map[string]int
}

// Structure reads departments and memberships: one request for each 50 departments, and
// those of a reading of people. A webhook that may not see who is where gets the
// departments alone.
func (c *Client) Structure(ctx context.Context) (Structure, error) {
	tree, err := c.Departments(ctx)
	if err != nil {
		return Structure{}, err
	}
	s := Structure{Departments: arrange(tree), In: map[string]int{}, Several: map[string]int{}}
	known := map[string]bool{}
	for _, d := range tree {
		known[d.ID] = true
	}
	_, err = c.ReadPeople(ctx, Query{Membership: true}, nil, func(p Person) error {
		s.count(slices.DeleteFunc(strings.Split(p.Departments, ","), func(id string) bool { return !known[id] }))
		return nil
	})
	if crm.CodeOf(err) == crm.CodeScopeMissing {
		return Structure{Departments: s.Departments}, nil
	}
	if err != nil {
		return Structure{}, err
	}
	s.Counted = true
	return s, nil
}

// count takes note of one person.
func (s *Structure) count(departments []string) {
	s.People++
	slices.SortFunc(departments, compare)
	departments = slices.Compact(departments)
	for _, id := range departments {
		s.In[id]++
	}
	if len(departments) > 1 {
		s.Several[strings.Join(departments, ",")]++
	}
}

// arrange cuts what leads nowhere (a parent that the webhook may not see, a ring) and
// puts siblings into their order.
func arrange(tree []Department) []Department {
	at := make(map[string]int, len(tree))
	for i, d := range tree {
		at[d.ID] = i
	}
	tree = slices.Clone(tree)
	reached := make([]int, len(tree)) // which walk came by first, 0 for none
	for i := range tree {
		for walk, k := i+1, i; reached[k] == 0; {
			reached[k] = walk
			parent, there := at[tree[k].Parent]
			if !there || reached[parent] == walk { // the walk has come round
				tree[k].Parent = ""
				break
			}
			k = parent
		}
	}
	slices.SortStableFunc(tree, func(a, b Department) int {
		if a.Sort != b.Sort {
			return a.Sort - b.Sort
		}
		return strings.Compare(a.Name, b.Name)
	})
	return tree
}
