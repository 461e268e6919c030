package runs

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"booking/host/internal/problem"
	"booking/host/internal/store"
	"booking/shared/crm"
)

// ErrRequest is the kind of a request that nobody can carry out.
var ErrRequest = errors.New("no such run is possible")

// Request asks for one run.
type Request struct {
	TenantID int64
	Mode     crm.Mode
	// PersonID is the external id that crm.ModePerson is about, and empty otherwise.
	PersonID string
	// PlanID is the preview (its run) that crm.ModeApply is to apply exactly; 0: whatever
	// is right then. When the run would decide anything else it fails and writes nothing.
	PlanID int64
	// Trigger is cli, button, schedule, api or event.
	Trigger string
}

// asked is the run of a request: its row before it has one. The error is of kind
// ErrRequest, or the database's.
func (s *Service) asked(ctx context.Context, r Request) (store.Run, error) {
	run := store.Run{TenantID: r.TenantID, Mode: r.Mode, PersonID: r.PersonID, PlanID: r.PlanID, Trigger: r.Trigger}
	switch {
	case (r.Mode == crm.ModePerson) != (r.PersonID != ""), r.PersonID != "" && !isExternalID(r.PersonID):
		return run, problem.New(ErrRequest, crm.Text{
			RU: fmt.Sprintf("Номер сотрудника в CRM — целое число больше нуля, а не «%.40s»", r.PersonID),
			EN: fmt.Sprintf("A person's number in the CRM is a whole number above zero, not %.40q", r.PersonID),
		}, nil)
	case r.PlanID == 0:
		return run, nil
	case r.Mode != crm.ModeApply:
		return run, notAPreview(r.PlanID)
	}
	preview, err := s.Store.Run(ctx, r.PlanID)
	if err != nil {
		return run, err
	}
	if preview.TenantID != r.TenantID || preview.Mode != crm.ModePreview || preview.PlanHash == "" {
		return run, notAPreview(r.PlanID)
	}
	run.PlanHash = preview.PlanHash
	return run, nil
}

// isExternalID: rule 10 of the sync, as the engine stores it.
func isExternalID(id string) bool {
	number, err := strconv.ParseInt(id, 10, 64)
	return err == nil && number > 0 && strconv.FormatInt(number, 10) == id
}

func notAPreview(run int64) error {
	return problem.New(ErrRequest, crm.Text{
		RU: fmt.Sprintf("Запуск %d — не готовый предпросмотр этой компании: сделайте новый", run),
		EN: fmt.Sprintf("Run %d is no finished preview of this tenant: make a new one", run),
	}, nil)
}

// syncRequest is a run as its plugin is asked for it.
func syncRequest(j job, run store.Run) crm.SyncRequest {
	request := crm.SyncRequest{
		Tenant: j.tenant.CRM(), Settings: j.connection.Settings(), Mode: run.Mode, PersonID: run.PersonID,
		Policy: crm.Policy{Leavers: "keep"}, RunID: run.ID, Fence: run.Fence,
	}
	if run.PlanID != 0 {
		request.PlanID, request.PlanHash = strconv.FormatInt(run.PlanID, 10), run.PlanHash
	}
	return request
}
