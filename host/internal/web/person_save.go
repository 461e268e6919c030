package web

import (
	"errors"
	"net/http"

	"booking/host/internal/problem"
	"booking/host/internal/store"
)

// newPerson is the form for somebody new; of somebody of the portal whom a sync could
// not take (?portal=id) it knows what the sync had read.
func (s *Server) newPerson(w http.ResponseWriter, r *http.Request, v *visit) error {
	shape, err := s.shapes.of(r.Context(), s, v.Tenant.ID)
	if err != nil {
		return err
	}
	start := store.User{Role: store.RoleEmployee, Active: true}
	if id := r.URL.Query().Get("portal"); id != "" && shape.Link != "" {
		found, err := s.Store.PersonHistory(r.Context(), store.HistoryFilter{TenantID: v.Tenant.ID, ExternalID: id, Limit: 1})
		if err != nil {
			return err
		}
		if len(found) > 0 {
			start.Name, start.Email, start.Link = found[0].Name, found[0].Email, id
		}
	}
	return s.show(w, v, http.StatusOK, "person", s.newPersonView(r, start, shape.PeopleShape))
}

func (s *Server) newPersonView(r *http.Request, values store.User, shape store.PeopleShape) *personView {
	data := &personView{LinkLabel: s.linkLabel(r.Context(), shape), Linkable: shape.Link != ""}
	data.fill(values, shape)
	return data
}

func (s *Server) addPerson(w http.ResponseWriter, r *http.Request, v *visit) error {
	shape, err := s.shapes.of(r.Context(), s, v.Tenant.ID)
	if err != nil {
		return err
	}
	edit := readPerson(r, v, shape.PeopleShape)
	added, err := s.Store.SavePerson(r.Context(), edit)
	if err == nil {
		return redirect(w, r, personPath(added.ID)+"?added")
	}
	if !errors.Is(err, store.ErrInvalid) {
		return err
	}
	data := s.newPersonView(r, typedPerson(edit), shape.PeopleShape)
	data.refuse(err)
	return s.show(w, v, http.StatusUnprocessableEntity, "person", data)
}

func (s *Server) savePerson(w http.ResponseWriter, r *http.Request, v *visit) error {
	person, shape, err := s.ownPerson(r, v)
	if err != nil {
		return err
	}
	edit := readPerson(r, v, shape)
	edit.ID, edit.Seen = person.ID, r.PostFormValue("seen")
	_, err = s.Store.SavePerson(r.Context(), edit)
	switch {
	case err == nil && person.ID == v.Who.ID && (edit.Role != person.Role || !edit.Active):
		return redirect(w, r, "/") // the page may not be the visitor's any more
	case err == nil:
		s.Mail.Wake() // an address that was changed is told to the old one
		return redirect(w, r, personPath(person.ID)+"?saved")
	case errors.Is(err, store.ErrForbidden):
		return problemPage(http.StatusForbidden, problem.TextOf(err))
	case !errors.Is(err, store.ErrInvalid) && !errors.Is(err, store.ErrStale):
		return err
	}
	return s.personAgain(w, r, v, person, shape, edit, err)
}

// personAgain shows the form once more: after a mistake as it was typed, after somebody
// else's change with the new values, and what was typed beside them.
func (s *Server) personAgain(w http.ResponseWriter, r *http.Request, v *visit, person store.User, shape store.PeopleShape, edit store.PersonEdit, err error) error {
	typed := typedPerson(edit)
	var stale *store.StaleError
	if errors.As(err, &stale) {
		person = stale.Now
	}
	data, viewErr := s.personView(r.Context(), v, person, shape, r.URL.Query())
	if viewErr != nil {
		return viewErr
	}
	if stale == nil {
		data.Seen = edit.Seen
		data.fill(typed, shape)
		data.refuse(err)
		return s.show(w, v, http.StatusUnprocessableEntity, "person", data)
	}
	data.refuse(err)
	data.keepTyped(typed, v.Locale)
	return s.show(w, v, http.StatusConflict, "person", data)
}

// keepTyped puts beside each newer value what the visitor had typed instead.
func (d *personView) keepTyped(typed store.User, locale string) {
	values := map[string]string{store.FieldName: typed.Name, store.FieldEmail: typed.Email, store.FieldPhone: typed.Phone, store.FieldLink: typed.Link}
	for i := range d.Inputs {
		if value := values[d.Inputs[i].Key]; value != d.Inputs[i].Value {
			d.Inputs[i].Typed = value
		}
	}
	if typed.Role != d.Role.Value {
		d.Role.Typed = roles[typed.Role].In(locale)
	}
	if typed.Active != d.Active.On {
		d.Active.Typed = yesNo(typed.Active).In(locale)
	}
}

// readPerson is what the form asks for.
func readPerson(r *http.Request, v *visit, shape store.PeopleShape) store.PersonEdit {
	return store.PersonEdit{
		By: v.Who, TenantID: v.Tenant.ID, Shape: shape,
		Name: r.PostFormValue(store.FieldName), Email: r.PostFormValue(store.FieldEmail), Role: r.PostFormValue(store.FieldRole),
		Phone: r.PostFormValue(store.FieldPhone), Link: r.PostFormValue(store.FieldLink), Active: r.PostFormValue(store.FieldActive) == "true",
	}
}

func typedPerson(e store.PersonEdit) store.User {
	return store.User{ID: e.ID, Name: e.Name, Email: e.Email, Role: e.Role, Phone: e.Phone, Link: e.Link, Active: e.Active}
}
