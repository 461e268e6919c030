package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"booking/host/internal/reason"
	"booking/host/internal/store"
)

// peopleOnPage is how many people one page lists.
const peopleOnPage = 50

// inConflict is the choice of the link's filter that shows whom the newest sync could
// not bring over as the portal has them.
const inConflict = "conflict"

// peopleView is the list of a tenant's people.
type peopleView struct {
	People                       []store.User
	Search, Role, Linked, Active string
	Roles                        []string
	Paged                        bool
	First, Next                  string
	// Total is the number of people on the list; 0 when counting them would cost too much.
	Total int
	// Sync is the run that Unsettled speaks of; nil while there was none.
	Sync      *store.Run
	Unsettled []unsettledView
}

// unsettledView is somebody whom the newest sync left in conflict or skipped.
type unsettledView struct {
	changeView
	Role   string
	Active bool
}

// Narrowed reports whether something was chosen, so that the list is not everybody.
func (d peopleView) Narrowed() bool { return d.Search+d.Role+d.Linked+d.Active != "" }

// InConflict reports whether the list is of people in conflict.
func (d peopleView) InConflict() bool { return d.Linked == inConflict }

func (s *Server) people(w http.ResponseWriter, r *http.Request, v *visit) error {
	query := r.URL.Query()
	data := peopleView{
		Search: strings.TrimSpace(query.Get("q")), Role: query.Get("role"), Linked: query.Get("linked"), Active: query.Get("active"),
		Roles: []string{store.RoleAdmin, store.RoleManager, store.RoleEmployee}, Paged: query.Get("before") != "",
	}
	before, _ := strconv.ParseInt(query.Get("before"), 10, 64)
	list := s.listPeople
	if data.InConflict() {
		list = s.listUnsettled
	}
	last, err := list(r.Context(), v, &data, before)
	if err != nil {
		return err
	}
	same := []string{"q", data.Search, "role", data.Role, "linked", data.Linked, "active", data.Active}
	data.First = address("/people", same...)
	if last != 0 {
		data.Next = address("/people", append(same, "before", strconv.FormatInt(last, 10))...)
	}
	return s.show(w, v, http.StatusOK, "people", data)
}

func (d peopleView) filter(v *visit) store.PeopleFilter {
	f := store.PeopleFilter{TenantID: v.Tenant.ID, Search: d.Search, Role: d.Role, Limit: peopleOnPage + 1}
	switch d.Linked {
	case "yes":
		f.Linked = store.LinkedOnly
	case "no":
		f.Linked = store.UnlinkedOnly
	}
	if d.Active == "yes" || d.Active == "no" {
		active := d.Active == "yes"
		f.Active = &active
	}
	return f
}

// listPeople reads a page of the list; last is where the next one goes on, 0 when there is none.
func (s *Server) listPeople(ctx context.Context, v *visit, data *peopleView, before int64) (last int64, err error) {
	shape, err := s.shapes.of(ctx, s, v.Tenant.ID)
	if err != nil {
		return 0, err
	}
	filter := data.filter(v)
	filter.Shape, filter.Before = shape.PeopleShape, before
	filter.Count = !data.Narrowed() && !s.Clock().Before(shape.counted)
	people, total, err := s.Store.People(ctx, filter)
	if err != nil {
		return 0, err
	}
	switch {
	case filter.Count:
		s.shapes.remember(s, v.Tenant.ID, shape, total)
		data.Total = total
	case !data.Narrowed():
		data.Total = shape.total
	case before == 0 && len(people) <= peopleOnPage:
		data.Total = len(people)
	}
	if len(people) > peopleOnPage {
		people = people[:peopleOnPage]
		last = people[peopleOnPage-1].ID
	}
	data.People = people
	return last, nil
}

// listUnsettled reads a page of whom the newest finished sync left in conflict or
// skipped: people of the tenant, and people of the portal who are nobody here yet.
func (s *Server) listUnsettled(ctx context.Context, v *visit, data *peopleView, after int64) (last int64, err error) {
	run, err := s.Store.NewestSync(ctx, v.Tenant.ID)
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	data.Sync = &run
	if run.Conflicts+run.Skipped == 0 {
		return 0, nil
	}
	found, err := s.Store.Unsettled(ctx, run.ID, after, data.filter(v))
	if err != nil {
		return 0, err
	}
	if data.Search+data.Role+data.Active == "" {
		data.Total = run.Conflicts + run.Skipped
	}
	if len(found) > peopleOnPage {
		found = found[:peopleOnPage]
		last = found[peopleOnPage-1].ID
	}
	for _, one := range found {
		row := unsettledView{changeView{Change: one.Change, Why: reason.Of(one.Reason)}, one.Role, one.Active}
		row.UserID = one.PersonID // whoever is not here any more has no page
		data.Unsettled = append(data.Unsettled, row)
	}
	return last, nil
}
