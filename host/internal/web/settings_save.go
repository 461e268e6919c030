package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"booking/host/internal/connect"
	"booking/host/internal/problem"
	"booking/host/internal/store"
	"booking/shared/crm"
	"booking/shared/secret"
)

// Names in the form: a setting's value, the wish to remove a secret.
const (
	settingPrefix = "setting."
	removePrefix  = "remove."
)

// saveSettings saves the form; with then=check it asks the portal right after.
func (s *Server) saveSettings(w http.ResponseWriter, r *http.Request, v *visit) error {
	ctx := r.Context()
	data, err := s.settingsView(ctx, v, r.PostForm.Get("plugin"))
	if err != nil {
		return err
	}
	if data.Plugin.Name == "" {
		return s.show(w, v, http.StatusConflict, "settings", data)
	}
	before := data.Connection
	saved, err := s.connections.Save(ctx, readChange(v.Tenant.ID, data.Plugin, r.PostForm))
	if err != nil {
		return s.showRefused(w, v, data, r.PostForm, err)
	}
	s.shapes.forget(v.Tenant.ID)
	if err := s.Store.AddAudit(ctx, compareConnections(v, data.Plugin, before, saved, r.PostForm)...); err != nil {
		return err
	}
	if r.PostForm.Get("then") == "check" {
		return s.checkSettings(w, r, v)
	}
	return redirect(w, r, "/settings/crm?saved")
}

// readChange is what the form asks for. A secret that is left empty stays.
func readChange(tenant int64, d crm.Description, form url.Values) connect.Change {
	c := connect.Change{TenantID: tenant, Plugin: d.Name, Plain: map[string]string{}, Secret: map[string]secret.Text{}}
	if form.Has("with_enabled") {
		enabled := form.Get("enabled") == "true"
		c.Enabled = &enabled
	}
	if links := connect.Links(form.Get("links")); links == connect.LinksKeep || links == connect.LinksDrop {
		c.Links = links
	}
	for _, field := range d.Fields {
		value := form.Get(settingPrefix + field.Key)
		switch {
		case field.Secret && form.Get(removePrefix+field.Key) == "true":
			c.Secret[field.Key] = secret.Text{}
		case field.Secret && value != "":
			c.Secret[field.Key] = secret.New(value)
		case field.Secret || !form.Has("with_settings"):
		case field.Type == crm.FieldBool && value == "":
			c.Plain[field.Key] = "false" // a box that is not ticked is not sent
		default:
			c.Plain[field.Key] = value
		}
	}
	return c
}

// showRefused shows the form again as it was filled in, the mistakes next to the
// fields, and no secret.
func (s *Server) showRefused(w http.ResponseWriter, v *visit, data *settingsView, form url.Values, err error) error {
	var refused *connect.RefusedError
	data.Failed = true
	switch {
	case errors.As(err, &refused):
		data.Message = mendWhatIsMarked
	case crm.CodeOf(err) != crm.CodeInternal || errors.Is(err, store.ErrInvalid):
		data.Message = problem.TextOf(err)
	default:
		return err
	}
	for i := range data.Fields {
		f := &data.Fields[i]
		if !f.Secret && form.Has("with_settings") {
			f.Value = form.Get(f.Name())
		}
		if refused == nil {
			continue
		}
		for _, p := range refused.Problems {
			if p.Key == f.Key {
				f.Error = p.Message
			}
		}
	}
	return s.show(w, v, http.StatusUnprocessableEntity, "settings", data)
}

// checkSettings asks the portal and shows what it found.
func (s *Server) checkSettings(w http.ResponseWriter, r *http.Request, v *visit) error {
	ctx := r.Context()
	findings, checkErr := s.check(ctx, w, v)
	data, err := s.settingsView(ctx, v, "")
	if err != nil {
		return err
	}
	data.Checked, data.Findings = true, findings
	if !(crm.ConnectionCheck{Findings: findings}).OK() {
		data.State = stateView{Tone: "bad", Text: crm.Text{RU: "Проверка нашла, что исправить", EN: "The check found something to mend"}}
	}
	if checkErr != nil {
		data.Checked, data.Failed, data.Message = false, true, problem.TextOf(checkErr)
		if crm.CodeOf(checkErr) == crm.CodeInternal && !errors.Is(checkErr, store.ErrNotFound) {
			return checkErr
		}
	}
	return s.show(w, v, http.StatusOK, "settings", data)
}

func (s *Server) check(ctx context.Context, w http.ResponseWriter, v *visit) ([]crm.Finding, error) {
	patient(w)
	return s.connections.Check(ctx, v.Tenant.ID)
}
