package rest

import (
	"context"
	"fmt"

	"booking/shared/crm"
)

// Query says who is to be read and what about them.
type Query struct {
	Phone, Position bool
	// Departments are all that count, sub-departments included (see
	// [Client.Departments]); empty means everybody.
	Departments []string
	// Membership asks for nothing but ID and departments.
	Membership bool

	departments map[string]bool
}

// Progress is where a reading stands. People counts everybody the portal named, Total
// is the portal's own count, 0 while it is not known.
type Progress struct{ People, Total, Requests int }

// Complete says that nobody can be missing: the pages ended by themselves and the
// portal's own count agrees. Only ReadPeople makes one.
type Complete struct {
	people int
	total  int
}

// People is how many employees were handed on.
func (c Complete) People() int { return c.people }

// Total is the portal's own count, which includes people who are no employees.
func (c Complete) Total() int { return c.total }

// A list that does not agree with the portal's count is read again this often in all.
const maxReadings = 3

// ReadPeople reads all active employees in the order of their IDs. It hands them to yield
// only once the reading is known to be complete, so a failed one hands on nobody; its error is a
// *crm.Error, or the one of yield. progress is told after each request; its error
// stops the reading.
//
// 2,450 people cost one request, each 2,500 more another one.
func (c *Client) ReadPeople(ctx context.Context, q Query, progress func(Progress) error, yield func(Person) error) (Complete, error) {
	q.departments = map[string]bool{}
	for _, id := range q.Departments {
		q.departments[id] = true
	}
	if progress == nil {
		progress = func(Progress) error { return nil }
	}
	w := &walk{limit: batchLimit}
	for range maxReadings {
		r := newReading(c, q, w)
		if err := r.run(ctx, progress); err != nil {
			return Complete{}, err
		}
		if !r.agrees() {
			continue
		}
		if err := r.plausible(ctx); err != nil {
			return Complete{}, err
		}
		c.o.Portals.setSize(r.sizeKey(), r.seen)
		people := r.pile.count
		if err := r.pile.drain(yield); err != nil {
			return Complete{}, err
		}
		return Complete{people: people, total: r.total}, nil
	}
	return Complete{}, crm.NewError(crm.CodePortalAnswer, textIncomplete, fmt.Errorf("the list and its count differ in %d readings", maxReadings))
}

// plausible refuses lists that are complete and yet say nothing: of a portal without
// anybody, and of a webhook that may not see what is needed.
func (r *reading) plausible(ctx context.Context) error {
	if r.active == 0 && len(r.query.Departments) == 0 {
		return crm.NewError(crm.CodePortalAnswer, textNobody, nil)
	}
	if r.active > 0 && (len(r.query.Departments) > 0 || r.query.Membership) && !r.department {
		return crm.NewError(crm.CodeScopeMissing, textNoDepartments, nil)
	}
	if r.active == 0 || r.emails || r.query.Membership {
		return nil
	}
	brief, err := r.c.briefOnly(ctx)
	if err != nil {
		return err
	}
	if brief {
		return crm.NewError(crm.CodeScopeMissing, textBriefOnly, nil)
	}
	return nil
}
