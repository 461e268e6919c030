package web

import (
	"context"
	"errors"
	"net/http"

	"booking/host/internal/auth"
	"booking/host/internal/events"
	"booking/host/internal/store"
	"booking/shared/crm"
)

// eventsView is the address at which the portal tells of its people: the card on the
// settings page, and the page of its own.
type eventsView struct {
	store.EventAddress
	Title crm.Text
	// Help is the plugin's: where the portal is told the address.
	Help crm.Text
	// Refusal is why the last message was refused; empty when one was believed since.
	Refusal crm.Text
	// Fresh is an address that was made a moment ago; this answer is the only one that has it.
	Fresh string
	// PublicURL is what the portal must be able to reach.
	PublicURL string
	Paused    bool
}

// readEvents is nil where nothing is connected, or the plugin reads no events.
func (s *Server) readEvents(ctx context.Context, c store.Connection, d crm.Description) (*eventsView, error) {
	if c.Portal == "" || !d.Has(crm.CapabilityEvents) {
		return nil, nil
	}
	known, err := s.Store.EventAddress(ctx, c.TenantID, c.Plugin)
	view := &eventsView{EventAddress: known, Title: d.Title, Help: d.EventsHelp, PublicURL: s.PublicURL, Paused: !c.Enabled}
	if known.RefusedAt.After(known.HeardAt) {
		view.Refusal = events.ReasonText(known.Refused)
	}
	return view, err
}

// eventsOf is readEvents of the visitor's company; nil without a connection, too.
func (s *Server) eventsOf(ctx context.Context, v *visit) (*eventsView, error) {
	c, err := s.Store.Connection(ctx, s.Box, v.Tenant.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	d, _ := s.described(ctx, c.Plugin)
	return s.readEvents(ctx, c, d)
}

func (s *Server) events(w http.ResponseWriter, r *http.Request, v *visit) error {
	data, err := s.eventsOf(r.Context(), v)
	if err != nil {
		return err
	}
	if data == nil {
		return redirect(w, r, "/settings/crm")
	}
	return s.show(w, v, http.StatusOK, "events", data)
}

// saveEvents makes a new address and shows it, this once, or takes it away.
func (s *Server) saveEvents(w http.ResponseWriter, r *http.Request, v *visit) error {
	ctx := r.Context()
	data, err := s.eventsOf(ctx, v)
	if err != nil {
		return err
	}
	if data == nil {
		return redirect(w, r, "/settings/crm")
	}
	switch r.PostFormValue("events") {
	case "off":
		if err := s.Store.DropEventAddress(ctx, v.actor(), v.Tenant.ID); err != nil {
			return err
		}
	case "new":
		fresh, err := auth.RenewEventAddress(ctx, s.Store, v.actor(), v.Tenant.ID, data.Plugin)
		if err != nil {
			return err
		}
		if data, err = s.eventsOf(ctx, v); err != nil || data == nil {
			return err
		}
		data.Fresh = events.Address(s.PublicURL, fresh)
		return s.show(w, v, http.StatusCreated, "events", data)
	}
	return redirect(w, r, "/settings/events")
}
