package web

import (
	"context"
	"errors"
	"net/http"

	"booking/host/internal/problem"
	"booking/host/internal/store"
)

// noRun is the page of a run that is not there, or another company's: in the same words,
// and with how long runs are kept.
func (s *Server) noRun(ctx context.Context, id int64) error {
	err := s.Store.NoRun(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return problemPage(http.StatusNotFound, problem.TextOf(err))
	}
	return err
}
