package web

import (
	"bytes"
	"context"
	"net/http"

	"booking/host/internal/auth"
	"booking/host/internal/store"
)

// accountView is the visitor's own page.
type accountView struct {
	Sessions []sessionView
	// Ask are the tenant's administrators.
	Ask []store.User
}

type sessionView struct {
	store.Session
	Current bool
	// Name is by which the session is ended.
	Name string
}

func (s *Server) account(w http.ResponseWriter, r *http.Request, v *visit) error {
	sessions, err := s.Store.Sessions(r.Context(), v.Who.ID)
	if err != nil {
		return err
	}
	var data accountView
	current := s.gate.Current(r.Context())
	for _, session := range sessions {
		data.Sessions = append(data.Sessions, sessionView{session, bytes.Equal(session.TokenHash, current), auth.SessionName(session)})
	}
	if !v.Who.Administers() {
		if data.Ask, err = s.Store.Administrators(r.Context(), v.Tenant.ID, 5); err != nil {
			return err
		}
	}
	return s.show(w, v, http.StatusOK, "account", data)
}

// endSessions ends one of the visitor's sessions, or all but this one.
func (s *Server) endSessions(w http.ResponseWriter, r *http.Request, _ *visit) error {
	end := s.gate.SignOutOthers
	if name := r.PostFormValue("session"); name != "" {
		end = func(ctx context.Context) error { return s.gate.SignOutOne(ctx, name) }
	}
	if err := end(r.Context()); err != nil {
		return err
	}
	return redirect(w, r, "/account")
}
