package web

import (
	"errors"
	"net/http"
	"strconv"

	"booking/host/internal/store"
)

func (s *Server) tenants(w http.ResponseWriter, r *http.Request, v *visit) error {
	all, err := s.Store.Tenants(r.Context())
	if err != nil {
		return err
	}
	return s.show(w, v, http.StatusOK, "tenants", all)
}

func (s *Server) chooseTenant(w http.ResponseWriter, r *http.Request, _ *visit) error {
	id, err := strconv.ParseInt(r.PostFormValue("tenant"), 10, 64)
	if err != nil {
		return errors.Join(store.ErrNotFound, err)
	}
	if _, err := s.Store.Tenant(r.Context(), id); err != nil {
		return err
	}
	s.gate.ChooseTenant(r.Context(), id)
	return redirect(w, r, "/settings/crm")
}
