package web

import (
	"net/http"

	"booking/host/internal/store"
)

// historyView is the list of runs.
type historyView struct {
	Runs  []store.Run
	Chart []barView
}

func (s *Server) history(w http.ResponseWriter, r *http.Request, v *visit) error {
	all, err := s.Store.Runs(r.Context(), v.Tenant.ID)
	if err != nil {
		return err
	}
	return s.show(w, v, http.StatusOK, "history", historyView{Runs: all, Chart: bars(all, s.Clock())})
}
