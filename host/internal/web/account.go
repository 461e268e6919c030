package web

import (
	"bytes"
	"net/http"

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
}

func (s *Server) account(w http.ResponseWriter, r *http.Request, v *visit) error {
	sessions, err := s.Store.Sessions(r.Context(), v.Who.ID)
	if err != nil {
		return err
	}
	var data accountView
	current := s.gate.Current(r.Context())
	for _, session := range sessions {
		data.Sessions = append(data.Sessions, sessionView{session, bytes.Equal(session.TokenHash, current)})
	}
	if !v.Who.Administers() {
		if data.Ask, err = s.Store.Administrators(r.Context(), v.Tenant.ID, 5); err != nil {
			return err
		}
	}
	return s.show(w, v, http.StatusOK, "account", data)
}

// endSessions ends the visitor's other sessions.
func (s *Server) endSessions(w http.ResponseWriter, r *http.Request, _ *visit) error {
	if err := s.gate.SignOutOthers(r.Context()); err != nil {
		return err
	}
	return redirect(w, r, "/account")
}
