package web

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"booking/host/internal/problem"
	"booking/host/internal/schedule"
	"booking/host/internal/store"
	"booking/shared/crm"
)

// Schedules says what a schedule means and plans it.
type Schedules interface {
	Spec(row store.Schedule) (schedule.Spec, error)
	Plan(ctx context.Context, row *store.Schedule) error
}

// scheduleView is the card of the schedule.
type scheduleView struct {
	store.Schedule
	Words crm.Text
	// When is the choice that stands: daily, workdays, hourly, every 4h, off, or own
	// for whatever else was written by a command.
	When string
	// At is the time of the day of daily and workdays.
	At string
	// Missed are the starts at which every host was away, of the last 30 days.
	Missed store.Missed
}

const workdays = "weekly mon,tue,wed,thu,fri "

// readSchedule reads the tenant's schedule in the words of the form.
func (s *Server) readSchedule(ctx context.Context, tenant int64) (scheduleView, error) {
	row, err := s.Store.Schedule(ctx, tenant)
	if err != nil {
		return scheduleView{}, err
	}
	view := scheduleView{Schedule: row, When: "own", At: "01:00"}
	spec, err := s.Schedules.Spec(row)
	if err != nil {
		return view, nil //nolint:nilerr // what nobody understands is shown as it is
	}
	view.Words = spec.Words()
	rule := spec.Text().Rule
	switch {
	case !row.Enabled:
		view.When = "off"
	case strings.HasPrefix(rule, "daily "):
		view.When, view.At = "daily", strings.TrimPrefix(rule, "daily ")
	case strings.HasPrefix(rule, workdays):
		view.When, view.At = "workdays", strings.TrimPrefix(rule, workdays)
	case rule == "hourly" || rule == "every 4h":
		view.When = rule
	}
	return view, nil
}

// saveSchedule sets it as chosen and plans the next start.
func (s *Server) saveSchedule(w http.ResponseWriter, r *http.Request, v *visit) error {
	ctx := r.Context()
	row, err := s.Store.Schedule(ctx, v.Tenant.ID)
	if err != nil {
		return err
	}
	before := row
	switch when, at := r.PostFormValue("when"), r.PostFormValue("at"); when {
	case "off":
		row.Enabled = false
	case "daily":
		row.Rule, row.Enabled = "daily "+at, true
	case "workdays":
		row.Rule, row.Enabled = workdays+at, true
	case "hourly", "every 4h":
		row.Rule, row.Enabled = when, true
	default:
		row.Enabled = true
	}
	if err := s.Schedules.Plan(ctx, &row); err != nil {
		if !errors.Is(err, schedule.ErrInvalid) {
			return err
		}
		data, viewErr := s.settingsView(ctx, v, "")
		if viewErr != nil {
			return viewErr
		}
		data.Failed, data.Message = true, problem.TextOf(err)
		return s.show(w, v, http.StatusUnprocessableEntity, "settings", data)
	}
	if err := s.Store.SaveSchedule(ctx, row); err != nil {
		return err
	}
	if err := s.Store.AddAudit(ctx, store.AuditEntry{
		TenantID: v.Tenant.ID, UserID: v.Who.ID, UserName: v.Who.Name, Action: auditSchedule, Old: scheduleText(before), New: scheduleText(row),
	}); err != nil {
		return err
	}
	return redirect(w, r, "/settings/crm?saved")
}

func scheduleText(row store.Schedule) string {
	if !row.Enabled {
		return "off"
	}
	return row.Rule
}
