package web

import (
	"errors"
	"net/http"
	"strconv"

	"booking/host/internal/problem"
	"booking/host/internal/runs"
	"booking/host/internal/store"
	"booking/shared/crm"
)

// startRun queues a preview, a sync of everybody (as it is right then, or exactly as a
// preview has shown it) or of one person, and shows it; when one that asks for the same
// is there already, that one is shown: a second press joins the first.
func (s *Server) startRun(w http.ResponseWriter, r *http.Request, v *visit) error {
	ctx, wanted := r.Context(), readRequest(r, v)
	active, err := s.Store.ActiveRun(ctx, v.Tenant.ID)
	if err == nil && active.Mode == wanted.Mode && active.PersonID == wanted.PersonID && active.PlanID == wanted.PlanID {
		return redirect(w, r, runPath(active.ID)+"?joined")
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	outcome, err := s.Runs.Queue(ctx, wanted)
	switch {
	case wanted.PlanID != 0 && (errors.Is(err, store.ErrNotFound) || errors.Is(err, runs.ErrRequest)):
		return problemPage(http.StatusConflict, crm.Text{RU: "Этот предпросмотр применить нельзя: сделайте новый.", EN: "This preview cannot be applied: make a new one."})
	case errors.Is(err, runs.ErrRequest):
		return problemPage(http.StatusConflict, problem.TextOf(err))
	case err != nil:
		return err
	}
	if outcome.Run.Status == store.StatusQueued {
		if err := s.Store.NoteRequester(ctx, outcome.Run.ID, v.Who.ID); err != nil {
			return err
		}
		return redirect(w, r, runPath(outcome.Run.ID))
	}
	data, err := s.settingsView(ctx, v, "")
	if err != nil {
		return err
	}
	data.Failed, data.Message = true, outcome.Message
	if outcome.Run.Status == store.StatusNotConfigured {
		data.Message = crm.Text{RU: "Сначала подключите портал: заполните форму ниже и сохраните её.", EN: "Connect the portal first: fill in the form below and save it."}
	}
	return s.show(w, v, http.StatusConflict, "settings", data)
}

// readRequest is what the form asks for: mode, and with it the person's number or the
// preview. Whatever is no mode is a preview, which changes nothing.
func readRequest(r *http.Request, v *visit) runs.Request {
	wanted := runs.Request{TenantID: v.Tenant.ID, Mode: crm.ModePreview, Trigger: "button"}
	switch crm.Mode(r.PostFormValue("mode")) {
	case crm.ModeApply:
		wanted.Mode = crm.ModeApply
		wanted.PlanID, _ = strconv.ParseInt(r.PostFormValue("preview"), 10, 64)
	case crm.ModePerson:
		wanted.Mode, wanted.PersonID = crm.ModePerson, r.PostFormValue("person")
	case crm.ModePreview:
	}
	return wanted
}

// cancelRun asks the run to stop, on whichever host it is.
func (s *Server) cancelRun(w http.ResponseWriter, r *http.Request, v *visit) error {
	run, err := s.ownRun(r, v)
	if err != nil {
		return err
	}
	if err := s.Store.RequestCancel(r.Context(), run.ID); err != nil {
		return err
	}
	return redirect(w, r, runPath(run.ID))
}

// ownRun is the run of the path, if it is the tenant's: another one's is not there.
func (s *Server) ownRun(r *http.Request, v *visit) (store.Run, error) {
	id, err := strconv.ParseInt(r.PathValue("run"), 10, 64)
	if err != nil {
		return store.Run{}, errors.Join(store.ErrNotFound, err)
	}
	run, err := s.Store.Run(r.Context(), id)
	if errors.Is(err, store.ErrNotFound) || err == nil && run.TenantID != v.Tenant.ID {
		return store.Run{}, s.noRun(r.Context(), id)
	}
	return run, err
}

func runPath(id int64) string { return "/runs/" + strconv.FormatInt(id, 10) }
