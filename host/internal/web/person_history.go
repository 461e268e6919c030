package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"booking/host/internal/store"
	"booking/shared/crm"
)

// eventsOnPage is how many entries of a history one page has.
const eventsOnPage = 20

// historyOfPerson is what became of somebody, the newest first.
type historyOfPerson struct {
	Events []eventView
	Paged  bool
	// First and Next are addresses of pages; Next is empty on the last.
	First, Next string
}

// eventView is one entry: what a run decided, or what a person changed by hand.
type eventView struct {
	At time.Time
	// Run is nil for what was done by hand, By is nil for what a run did.
	Run *runEvent
	By  *auditView
}

// runEvent is a run's decision.
type runEvent struct {
	changeView
	Mode    crm.Mode
	Trigger string
	Portal  string
}

// historyOf reads a page: the newest of both kinds, in the order of their times. The
// page after it begins with the first of either kind that was not shown.
func (s *Server) historyOf(ctx context.Context, f store.HistoryFilter, path string, query url.Values) (historyOfPerson, error) {
	var audit int64
	_, _ = fmt.Sscanf(query.Get("before"), "%d.%d", &f.Before, &audit)
	f.Limit = eventsOnPage + 1
	out := historyOfPerson{First: path, Paged: query.Get("before") != ""}
	decided, err := s.Store.PersonHistory(ctx, f)
	if err != nil {
		return out, err
	}
	var changed []store.AuditEntry
	if f.UserID != 0 {
		changed, err = s.Store.AuditPage(ctx, store.AuditFilter{TenantID: f.TenantID, Person: f.UserID, Before: audit, Limit: f.Limit})
		if err != nil {
			return out, err
		}
	}
	lastRun, lastAudit := f.Before, audit
	for len(out.Events) < eventsOnPage && len(decided)+len(changed) > 0 {
		if len(changed) == 0 || len(decided) > 0 && decided[0].CreatedAt.After(changed[0].CreatedAt) {
			out.Events = append(out.Events, newRunEvent(decided[0]))
			lastRun, decided = decided[0].ID, decided[1:]
			continue
		}
		out.Events = append(out.Events, eventView{At: changed[0].CreatedAt, By: newAuditView(changed[0], nil)})
		lastAudit, changed = changed[0].ID, changed[1:]
	}
	if len(decided)+len(changed) > 0 {
		out.Next = path + between(path) + "before=" + strconv.FormatInt(lastRun, 10) + "." + strconv.FormatInt(lastAudit, 10)
	}
	return out, nil
}

func newRunEvent(c store.PersonChange) eventView {
	return eventView{At: c.CreatedAt, Run: &runEvent{newChangeView(c.Change, c.Mode == crm.ModePreview), c.Mode, c.Trigger, c.Portal}}
}

func between(path string) string {
	if strings.Contains(path, "?") {
		return "&"
	}
	return "?"
}

// portalView is the page of somebody of the portal who is nobody here.
type portalView struct {
	ExternalID string
	// Name and Email are what a run read last.
	Name, Email string
	LinkLabel   crm.Text
	Linkable    bool
	Syncable    bool
	History     historyOfPerson
}

// portalPerson shows what runs decided about a number of the portal that has no row; the
// number is no part of the path, since it may be any text.
func (s *Server) portalPerson(w http.ResponseWriter, r *http.Request, v *visit) error {
	ctx, query := r.Context(), r.URL.Query()
	id := query.Get("id")
	shape, err := s.shapes.of(ctx, s, v.Tenant.ID)
	if err != nil {
		return err
	}
	linked, err := s.Store.LinkedTo(ctx, v.Tenant.ID, id, shape.PeopleShape)
	if err != nil {
		return err
	}
	if len(linked) > 0 {
		return redirect(w, r, personPath(linked[0].ID))
	}
	data := portalView{ExternalID: id, LinkLabel: s.linkLabel(ctx, shape.PeopleShape), Linkable: shape.Link != ""}
	data.History, err = s.historyOf(ctx, store.HistoryFilter{TenantID: v.Tenant.ID, ExternalID: id}, portalPath(id), query)
	if err != nil {
		return err
	}
	if len(data.History.Events) == 0 {
		return store.ErrNotFound
	}
	if data.Syncable, err = s.syncable(ctx, v.Tenant.ID, id); err != nil {
		return err
	}
	newest := data.History.Events[0].Run
	data.Name, data.Email = newest.Name, newest.Email
	return s.show(w, v, http.StatusOK, "portal", data)
}

func portalPath(id string) string { return address("/people/portal", "id", id) }
