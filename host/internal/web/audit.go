package web

import (
	"context"
	"net/http"
	"strconv"

	"booking/host/internal/store"
	"booking/shared/crm"
)

// entriesOnPage is how many changes one page of the audit lists.
const entriesOnPage = 50

// auditPageView is the list of everything that was changed by hand.
type auditPageView struct {
	Entries []*auditView
	Paged   bool
	// Next is the address of the next page; empty on the last.
	Next string
}

// auditView is one change, in words.
type auditView struct {
	store.AuditEntry
	Label crm.Text
	// Person is whom it is about, 0 for a setting; PersonName is empty when nobody of
	// that number is there any more.
	Person     int64
	PersonName string
	// Was and Is are the values as people read them.
	Was, Is crm.Text
}

// auditPage lists the company's changes, the newest first.
func (s *Server) auditPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	before, _ := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64)
	entries, err := s.Store.AuditPage(r.Context(), store.AuditFilter{TenantID: v.Tenant.ID, Before: before, Limit: entriesOnPage + 1})
	if err != nil {
		return err
	}
	data := auditPageView{Paged: before > 0}
	if len(entries) > entriesOnPage {
		entries = entries[:entriesOnPage]
		data.Next = address("/audit", "before", strconv.FormatInt(entries[entriesOnPage-1].ID, 10))
	}
	if data.Entries, err = s.auditViews(r.Context(), v.Tenant.ID, entries, s.auditFields(r.Context(), v.Tenant.ID)); err != nil {
		return err
	}
	return s.show(w, v, http.StatusOK, "audit", data)
}

// auditFields are the settings that entries can be about: those of the tenant's plugin.
func (s *Server) auditFields(ctx context.Context, tenant int64) []crm.Field {
	shape, err := s.shapes.of(ctx, s, tenant)
	if err != nil {
		return nil
	}
	d, _ := s.described(ctx, shape.Plugin)
	return d.Fields
}

// auditViews puts entries into words, with the names of the people they are about.
func (s *Server) auditViews(ctx context.Context, tenant int64, entries []store.AuditEntry, settings []crm.Field) ([]*auditView, error) {
	var views []*auditView
	var people []int64
	for _, e := range entries {
		view := newAuditView(e, settings)
		views = append(views, view)
		if view.Person != 0 {
			people = append(people, view.Person)
		}
	}
	names, err := s.Store.PeopleNames(ctx, tenant, people)
	for _, view := range views {
		view.PersonName = names[view.Person]
	}
	return views, err
}
