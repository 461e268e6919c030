package portalsim

import (
	"cmp"
	"slices"
	"strings"
)

// State is what the portal knows. Tests change it between two requests through
// [Portal.Update], which is the only place where it may be used.
type State struct {
	entries     []*entry // sorted by ID
	departments []Department
	version     int64 // grows with every change; caches of lists are made for one version
	last        int64 // the highest ID ever given: a portal never reuses one
}

// entry is a person and the JSON forms asked for so far.
type entry struct {
	person  Person
	encoded map[string][]byte // by shape of the answer, see fields.go
}

// Len is the number of people, of every type, active or not.
func (s *State) Len() int { return len(s.entries) }

// People returns everybody, ordered by ID.
func (s *State) People() []Person {
	out := make([]Person, len(s.entries))
	for i, e := range s.entries {
		out[i] = e.person
	}
	return out
}

// Get returns a person.
func (s *State) Get(id int64) (Person, bool) {
	if i, found := s.find(id); found {
		return s.entries[i].person, true
	}
	return Person{}, false
}

// Set adds a person or replaces the one with the same ID. An ID of 0 is given the
// next free one. It returns the ID.
func (s *State) Set(p Person) int64 {
	s.version++
	if p.ID == 0 {
		p.ID = s.last + 1
	}
	s.last = max(s.last, p.ID)
	fresh := &entry{person: p}
	if i, found := s.find(p.ID); found {
		s.entries[i] = fresh
	} else {
		s.entries = slices.Insert(s.entries, i, fresh)
	}
	return p.ID
}

// Change applies f to the person and reports whether there is one.
func (s *State) Change(id int64, f func(*Person)) bool {
	p, found := s.Get(id)
	if !found {
		return false
	}
	f(&p)
	p.ID = id
	s.Set(p)
	return true
}

// Rename changes first and last name: "Anna Ivanova" becomes NAME and LAST_NAME.
func (s *State) Rename(id int64, name string) bool {
	return s.Change(id, func(p *Person) { p.Name, p.LastName, _ = strings.Cut(name, " ") })
}

// Dismiss makes the person inactive, as a portal does with somebody who left.
func (s *State) Dismiss(id int64) bool {
	return s.Change(id, func(p *Person) { p.Active = false })
}

// Restore makes a dismissed person active again.
func (s *State) Restore(id int64) bool {
	return s.Change(id, func(p *Person) { p.Active = true })
}

// Remove deletes the person altogether, which a portal allows for invitations that
// were never accepted.
func (s *State) Remove(id int64) bool {
	i, found := s.find(id)
	if found {
		s.version++
		s.entries = slices.Delete(s.entries, i, i+1)
	}
	return found
}

// Replace makes people the whole staff.
func (s *State) Replace(people []Person) {
	s.version++
	s.entries = make([]*entry, len(people))
	for i := range people {
		s.entries[i] = &entry{person: people[i]}
		s.last = max(s.last, people[i].ID)
	}
	slices.SortFunc(s.entries, func(a, b *entry) int { return cmp.Compare(a.person.ID, b.person.ID) })
}

// Departments returns the company structure.
func (s *State) Departments() []Department { return slices.Clone(s.departments) }

// SetDepartments replaces the company structure.
func (s *State) SetDepartments(departments []Department) {
	s.version++
	s.departments = slices.Clone(departments)
}

func (s *State) find(id int64) (int, bool) {
	return slices.BinarySearchFunc(s.entries, id, func(e *entry, id int64) int { return cmp.Compare(e.person.ID, id) })
}
