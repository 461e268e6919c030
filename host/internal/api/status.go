package api

import (
	"context"
	"errors"
	"net/http"

	"booking/host/internal/runjson"
	"booking/host/internal/store"
)

// statusJSON is how a tenant's syncs are. Previews and runs for one person do not count,
// except as the run that is active.
type statusJSON struct {
	Tenant int64 `json:"tenant"`
	// Connected: the connection is enabled and complete, a sync can begin.
	Connected bool `json:"connected"`
	// Failures counts the runs that failed since the last success.
	Failures      int              `json:"failures"`
	LastSuccessAt *string          `json:"last_success_at"`
	Held          bool             `json:"held"`
	Conflicts     int              `json:"conflicts"`
	Skipped       int              `json:"skipped"`
	LastRun       *runjson.History `json:"last_run"`
	ActiveRun     *runjson.History `json:"active_run"`
	NextRunAt     *string          `json:"next_run_at"`
}

func (s *Server) status(r *http.Request, c call) (result, error) {
	ctx := r.Context()
	if q := newQuery(r); q.err != nil {
		return result{}, q.err
	}
	// First, for it settles a run whose host has died.
	active, err := s.optional(s.Store.ActiveRun(ctx, c.Tenant.ID))
	if err != nil {
		return result{}, err
	}
	health, err := s.Store.Health(ctx, c.Tenant.ID)
	if err != nil {
		return result{}, err
	}
	out := statusJSON{
		Tenant: c.Tenant.ID, Failures: health.Failures, LastSuccessAt: runjson.Time(health.SuccessAt),
		Held: health.Held, Conflicts: health.Conflicts, Skipped: health.Skipped,
	}
	if active.ID != 0 {
		shown := s.history(active, c)
		out.ActiveRun = &shown
	}
	last, err := s.optional(s.Store.Run(ctx, health.RunID)) // of history that was removed nothing is left
	if err != nil {
		return result{}, err
	}
	if last.ID != 0 {
		shown := s.history(last, c)
		out.LastRun = &shown
	}
	return result{body: &out}, s.addSchedule(ctx, c, &out)
}

// optional is a run that may not be there.
func (s *Server) optional(run store.Run, err error) (store.Run, error) {
	if errors.Is(err, store.ErrNotFound) {
		return store.Run{}, nil
	}
	return run, err
}

func (s *Server) addSchedule(ctx context.Context, c call, out *statusJSON) error {
	scheduled, err := s.Store.ScheduledTenants(ctx, c.Tenant.ID)
	for _, tenant := range scheduled {
		if out.Connected = tenant.Connected; tenant.Connected && tenant.Enabled {
			out.NextRunAt = runjson.Time(tenant.NextAt)
		}
	}
	return err
}
