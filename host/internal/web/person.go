package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"booking/host/internal/problem"
	"booking/host/internal/store"
	"booking/shared/crm"
)

// personView is the page of one person, and of somebody to be added.
type personView struct {
	// Person is who it is now; the zero value for somebody new.
	Person store.User
	// Inputs, Role and Active are what the form shows, Seen the version it is about.
	Inputs []inputView
	Role   roleView
	Active activeView
	Seen   string
	// Fixed: the person is above the visitor, who may look and not touch.
	Fixed   bool
	Message crm.Text
	Failed  bool
	// LinkLabel is what the CRM calls its number; Together are others who hold the same.
	LinkLabel crm.Text
	Linkable  bool
	Together  []store.User
	// Sync is the newest finished one, nil while there is none; Touched: it did something here.
	Sync    *store.Run
	Touched bool
	// Syncable: the person alone can be synced now.
	Syncable bool
	History  historyOfPerson
	Invitee  store.Invitee
}

// New reports whether somebody is to be added.
func (d personView) New() bool { return d.Person.ID == 0 }

// roleView is the choice of the role, activeView the box of the activity.
type (
	roleView struct {
		inputView
		Roles []string
	}
	activeView struct {
		inputView
		On bool
	}
)

// person shows somebody: who it is, the form, and what became of them and why.
func (s *Server) person(w http.ResponseWriter, r *http.Request, v *visit) error {
	person, shape, err := s.ownPerson(r, v)
	if err != nil {
		return err
	}
	data, err := s.personView(r.Context(), v, person, shape, r.URL.Query())
	if err != nil {
		return err
	}
	switch query := r.URL.Query(); {
	case query.Has("saved"):
		data.Message = crm.Text{RU: "Сохранено.", EN: "Saved."}
	case query.Has("added"):
		data.Message = crm.Text{
			RU: "Добавлен. Пароля пока нет: человек задаёт его сам, кнопкой «Вхожу впервые или не помню пароль» на странице входа.",
			EN: "Added. There is no password yet: the person sets one by “First time here, or forgot the password” on the sign-in page.",
		}
	}
	return s.show(w, v, http.StatusOK, "person", data)
}

// ownPerson is the person of the path, if one of the tenant's: anybody else's is not there.
func (s *Server) ownPerson(r *http.Request, v *visit) (store.User, store.PeopleShape, error) {
	id, err := strconv.ParseInt(r.PathValue("person"), 10, 64)
	if err != nil {
		return store.User{}, store.PeopleShape{}, errors.Join(store.ErrNotFound, err)
	}
	shape, err := s.shapes.of(r.Context(), s, v.Tenant.ID)
	if err != nil {
		return store.User{}, store.PeopleShape{}, err
	}
	person, err := s.Store.Person(r.Context(), v.Tenant.ID, id, shape.PeopleShape)
	return person, shape.PeopleShape, err
}

// personView reads everything the page of a person shows.
func (s *Server) personView(ctx context.Context, v *visit, person store.User, shape store.PeopleShape, query url.Values) (*personView, error) {
	data := &personView{Person: person, Seen: person.Version(), Fixed: person.Above(v.Who), Linkable: shape.Link != "", LinkLabel: s.linkLabel(ctx, shape)}
	data.fill(person, shape)
	if err := s.fillSync(ctx, data, v.Tenant.ID); err != nil {
		return nil, err
	}
	var err error
	if data.Together, err = s.Store.LinkedTo(ctx, v.Tenant.ID, person.Link, shape); err != nil {
		return nil, err
	}
	if len(data.Together) == 1 {
		data.Together = nil // the person alone
	}
	if err := s.fillInvitation(ctx, data, v.Tenant.ID); err != nil {
		return nil, err
	}
	if data.Syncable, err = s.syncable(ctx, v.Tenant.ID, person.Link); err != nil {
		return nil, err
	}
	data.History, err = s.historyOf(ctx, store.HistoryFilter{TenantID: v.Tenant.ID, UserID: person.ID, ExternalID: person.Link}, personPath(person.ID), query)
	return data, err
}

// syncable reports whether the person of a number can be synced alone: there is a
// connection that is on.
func (s *Server) syncable(ctx context.Context, tenant int64, external string) (bool, error) {
	if external == "" {
		return false, nil
	}
	scheduled, err := s.Store.ScheduledTenants(ctx, tenant)
	return len(scheduled) > 0 && scheduled[0].Connected, err
}

// fillSync reads which sync was the newest, and whether it touched the person.
func (s *Server) fillSync(ctx context.Context, data *personView, tenant int64) error {
	run, err := s.Store.NewestSync(ctx, tenant)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	data.Sync = &run
	data.Touched, err = s.Store.TouchedBy(ctx, tenant, data.Person.ID, run.ID)
	return err
}

// fill puts a person's values into the form.
func (d *personView) fill(p store.User, shape store.PeopleShape) {
	var follows crm.Text
	switch {
	case d.New():
	case d.Person.Link != "":
		follows = crm.Text{RU: "Следует за CRM: при синхронизации вернётся значение оттуда", EN: "Follows the CRM: a sync brings the value from there back"}
	}
	d.Inputs = []inputView{
		{Key: store.FieldName, Type: "text", Auto: "off", Required: true, Value: p.Name, Help: follows, Label: crm.Text{RU: "Имя", EN: "Name"}},
		// Not of the type email: an address that a browser does not like may be there already.
		{Key: store.FieldEmail, Type: "text", Auto: "off", Required: true, Value: p.Email, Help: follows, Label: crm.Text{RU: "E-mail", EN: "E-mail"}},
	}
	if d.Person.Role == store.RoleAdmin || d.Person.Role == store.RoleSuperAdmin {
		d.Inputs[1].Help = crm.Text{RU: "Адрес администратора синхронизация не меняет", EN: "A sync never changes an administrator's address"}
	}
	if shape.Phone {
		d.Inputs = append(d.Inputs, inputView{Key: store.FieldPhone, Type: "tel", Auto: "off", Value: p.Phone, Label: crm.Text{RU: "Телефон", EN: "Phone"}})
	}
	if shape.Link != "" {
		d.Inputs = append(d.Inputs, inputView{Key: store.FieldLink, Type: "text", Auto: "off", Value: p.Link, Label: d.LinkLabel,
			Help: crm.Text{RU: "Номер этого человека в CRM; пусто — связи нет", EN: "This person's number in the CRM; empty: no link"}})
	}
	d.Role = roleView{inputView{Key: store.FieldRole, Value: p.Role}, []string{store.RoleEmployee, store.RoleManager, store.RoleAdmin}}
	if d.Person.Role == store.RoleSuperAdmin {
		d.Role.Roles = append(d.Role.Roles, store.RoleSuperAdmin)
	}
	d.Active = activeView{inputView{Key: store.FieldActive}, p.Active}
}

// mark puts mistakes next to the values they are about.
func (d *personView) mark(mistakes []store.Mistake) {
	for _, m := range mark(d.Inputs, mistakes) {
		switch m.Field {
		case store.FieldRole:
			d.Role.Error = m.Message
		case store.FieldActive:
			d.Active.Error = m.Message
		}
	}
}

// refuse heads the form with what became of it.
func (d *personView) refuse(err error) {
	d.Failed, d.Message = true, problem.TextOf(err)
	var found *store.MistakesError
	if errors.As(err, &found) {
		d.Message = mendWhatIsMarked
		d.mark(found.Mistakes)
	}
}

func personPath(id int64) string { return "/people/" + strconv.FormatInt(id, 10) }
