package web

import (
	"context"
	"net/http"
	"strconv"

	"booking/host/internal/store"
)

// noticesView is the card of the mails about runs.
type noticesView struct {
	store.Notices
	// Readers are the administrators who get them.
	Readers []store.User
}

// readersShown is how many of them the page names.
const readersShown = 5

func (s *Server) readNotices(ctx context.Context, tenant int64) (view noticesView, err error) {
	if view.Notices, err = s.Store.Notices(ctx, tenant); err != nil {
		return view, err
	}
	view.Readers, err = s.Store.Administrators(ctx, tenant, readersShown)
	return view, err
}

// saveNotices switches the mails about runs on or off.
func (s *Server) saveNotices(w http.ResponseWriter, r *http.Request, v *visit) error {
	ctx, on := r.Context(), r.PostFormValue("notices") == "on"
	before, err := s.Store.Notices(ctx, v.Tenant.ID)
	if err != nil {
		return err
	}
	if before.Enabled != on {
		if err := s.Store.SwitchNotices(ctx, v.Tenant.ID, on); err != nil {
			return err
		}
		if err := s.Store.AddAudit(ctx, store.AuditEntry{
			TenantID: v.Tenant.ID, UserID: v.Who.ID, UserName: v.Who.Name, Action: auditNotices,
			Old: strconv.FormatBool(before.Enabled), New: strconv.FormatBool(on),
		}); err != nil {
			return err
		}
	}
	return redirect(w, r, "/settings/crm?saved")
}
