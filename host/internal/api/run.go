package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"booking/host/internal/problem"
	"booking/host/internal/runs"
	"booking/host/internal/store"
	"booking/shared/crm"
)

const (
	// longestWait is how long a call may wait for the end of a run, in seconds.
	longestWait = 30
	// lookPause is how often it looks meanwhile.
	lookPause = time.Second
)

// showRun is a run as it is now or, with wait, as soon as it is over.
func (s *Server) showRun(r *http.Request, c call) (result, error) {
	q := newQuery(r, "wait")
	wait := time.Duration(q.number("wait", 0, longestWait, 0)) * time.Second
	if q.err != nil {
		return result{}, q.err
	}
	run, err := s.ownRun(r, c)
	if err == nil && wait > 0 {
		run, err = s.await(r.Context(), run, wait)
	}
	return result{body: s.history(run, c)}, err
}

// await looks at a run until it is over, at most as long as wait says. When the host is
// about to stop, or too many wait already, the run is shown as it is.
func (s *Server) await(ctx context.Context, run store.Run, wait time.Duration) (store.Run, error) {
	select {
	case s.waiting <- struct{}{}:
		defer func() { <-s.waiting }()
	default:
		return run, nil
	}
	end := time.NewTimer(wait)
	defer end.Stop()
	tick := time.NewTicker(lookPause)
	defer tick.Stop()
	for err := error(nil); !run.Over(); {
		select {
		case <-tick.C:
		case <-end.C:
			return run, nil
		case <-s.Closing:
			return run, nil
		case <-ctx.Done():
			return run, ctx.Err()
		}
		if run, err = s.Store.LiveRun(ctx, run.ID); err != nil {
			return store.Run{}, err
		}
	}
	return run, nil
}

// startRun asks for a run. One that was asked for in the same words and waits or goes on
// is joined; any other one is in the way.
func (s *Server) startRun(r *http.Request, c call) (result, error) {
	ctx := r.Context()
	wanted, err := readRequest(r, c)
	if err != nil {
		return result{}, err
	}
	active, err := s.Store.ActiveRun(ctx, c.Tenant.ID)
	switch {
	case err == nil && active.Mode == wanted.Mode && active.PersonID == wanted.PersonID && active.PlanID == wanted.PlanID:
		return result{body: s.history(active, c), location: runPath(active.ID)}, nil
	case err == nil:
		return result{}, busy(active)
	case !errors.Is(err, store.ErrNotFound):
		return result{}, err
	}
	outcome, err := s.Runs.Queue(ctx, wanted)
	switch {
	case wanted.PlanID != 0 && (errors.Is(err, store.ErrNotFound) || errors.Is(err, runs.ErrRequest)):
		// In the same words whether there is no such run or it is another tenant's.
		return result{}, invalid("preview: это не готовый предпросмотр", "preview is no finished preview")
	case errors.Is(err, runs.ErrRequest):
		return result{}, refuseWith(codeInvalid, problem.TextOf(err))
	case err != nil:
		return result{}, err
	}
	if outcome.Run.Status != store.StatusQueued {
		return result{}, notStarted(outcome)
	}
	return result{status: http.StatusAccepted, body: s.history(outcome.Run, c), location: runPath(outcome.Run.ID)}, nil
}

// readRequest is what the body asks for.
func readRequest(r *http.Request, c call) (runs.Request, error) {
	var wanted struct {
		Mode    crm.Mode `json:"mode"`
		Person  string   `json:"person"`
		Preview int64    `json:"preview"`
	}
	if err := readBody(r, &wanted); err != nil {
		return runs.Request{}, err
	}
	switch {
	case wanted.Mode != crm.ModeApply && wanted.Mode != crm.ModePreview && wanted.Mode != crm.ModePerson:
		return runs.Request{}, invalid("mode: apply, preview или person", "mode must be apply, preview or person")
	case wanted.Preview < 0, wanted.Preview != 0 && wanted.Mode != crm.ModeApply:
		return runs.Request{}, invalid("preview: номер предпросмотра, только с mode apply", "preview is the run of a preview, with mode apply only")
	}
	return runs.Request{TenantID: c.Tenant.ID, Mode: wanted.Mode, PersonID: wanted.Person, PlanID: wanted.Preview, Trigger: "api"}, nil
}

// notStarted says why nothing was begun.
func notStarted(outcome runs.Outcome) error {
	if outcome.Run.Status == store.StatusNotConfigured {
		return refuseWith(codeNotConfigured, outcome.Message)
	}
	return crm.NewError(outcome.Run.ErrorCode, outcome.Message, nil)
}

// cancelRun asks a run to stop, on whichever host it is: it does so between two chunks.
// One that is over stays as it is.
func (s *Server) cancelRun(r *http.Request, c call) (result, error) {
	run, err := s.ownRun(r, c)
	if err != nil || run.Over() {
		return result{body: s.history(run, c)}, err
	}
	if err := s.Store.RequestCancel(r.Context(), run.ID); err != nil {
		return result{}, err
	}
	if run, err = s.Store.Run(r.Context(), run.ID); err != nil {
		return result{}, err
	}
	return result{status: http.StatusAccepted, body: s.history(run, c), location: runPath(run.ID)}, nil
}
