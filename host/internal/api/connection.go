package api

import (
	"net/http"

	"booking/host/internal/connect"
)

// connection is what `crm show` shows.
func (s *Server) connection(r *http.Request, c call) (result, error) {
	if q := newQuery(r); q.err != nil {
		return result{}, q.err
	}
	connection, err := s.Store.Connection(r.Context(), s.Box, c.Tenant.ID)
	if err != nil {
		return result{}, err
	}
	return result{body: connect.NewJSON(connection)}, nil
}

// checkConnection is what `crm check` finds: it asks the portal.
func (s *Server) checkConnection(r *http.Request, c call) (result, error) {
	findings, err := s.Connections.Check(r.Context(), c.Tenant.ID)
	if err != nil {
		return result{}, err
	}
	return result{body: connect.NewCheckJSON(findings, c.Locale)}, nil
}
