package events

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"booking/host/internal/accesslog"
	"booking/host/internal/auth"
	"booking/host/internal/store"
	"booking/shared/crm"
)

// Unjudged is the host's own word beside those of plugins: nobody could say whose the
// message is, because the plugin does not run, or reads no events.
const Unjudged crm.EventReason = "unjudged"

// receive takes a message in and returns the status of the answer: 204 for the portal's
// own, 404 for everything else. Beside these stand 408, 413, 429 and 503, which are said
// before anybody has looked whose the address is, or after the message was believed.
func (s *Server) receive(w http.ResponseWriter, r *http.Request) int {
	message, status := s.read(w, r)
	if status != 0 {
		return status
	}
	ctx, cancel := context.WithTimeout(r.Context(), judging)
	defer cancel()
	leave, ok := s.enter(ctx)
	if !ok {
		return http.StatusTooManyRequests
	}
	defer leave()
	address, tenant, err := auth.EventAddress(ctx, s.Store, r.PathValue("address"))
	if errors.Is(err, store.ErrNotFound) {
		return http.StatusNotFound
	}
	if err != nil {
		s.Log.Debug("look up an address for events", "error", err.Error())
		return http.StatusServiceUnavailable
	}
	accesslog.Note(r.Context(), slog.Int64("tenant", tenant.ID))
	message.Tenant = tenant.CRM()
	event, err := s.judge(ctx, address, message)
	if err != nil {
		s.Log.Debug("judge a portal's message", "tenant", tenant.ID, "plugin", address.Plugin, "error", err.Error())
		event = crm.PortalEvent{Reason: Unjudged}
	}
	s.note(ctx, address, event)
	if !event.Authentic {
		return http.StatusNotFound
	}
	return s.start(ctx, tenant.ID, event.ExternalIDs)
}

// read takes the body in, or says with which status it is refused.
func (s *Server) read(w http.ResponseWriter, r *http.Request) (crm.EventMessage, int) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.Arrival))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, crm.MaxEventBytes))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return crm.EventMessage{}, http.StatusRequestEntityTooLarge
	case err != nil:
		return crm.EventMessage{}, http.StatusRequestTimeout
	}
	return crm.EventMessage{ContentType: r.Header.Get("Content-Type"), Body: body}, 0
}

// enter waits for a place; without one in the line there is nothing to wait for.
func (s *Server) enter(ctx context.Context) (leave func(), ok bool) {
	select {
	case s.line <- struct{}{}:
	default:
		return nil, false
	}
	select {
	case s.places <- struct{}{}:
		return func() { <-s.places; <-s.line }, true
	case <-ctx.Done():
		<-s.line
		return nil, false
	}
}

// judge asks the tenant's plugin whether the message is its portal's.
func (s *Server) judge(ctx context.Context, address store.EventAddress, message crm.EventMessage) (crm.PortalEvent, error) {
	connection, err := s.Store.Connection(ctx, s.Box, address.TenantID)
	if err != nil {
		return crm.PortalEvent{}, err
	}
	plugin, description, release, err := s.Plugins.Describe(ctx, address.Plugin)
	if err != nil {
		return crm.PortalEvent{}, err
	}
	defer release()
	reader, ok := plugin.(crm.EventReader)
	if !ok || !description.Has(crm.CapabilityEvents) {
		return crm.PortalEvent{}, fmt.Errorf("read an event by the plugin %s: it reads none", address.Plugin)
	}
	message.Settings = connection.Settings()
	return reader.ReadEvent(ctx, message)
}

// note writes down that a message came, for whoever looks why nothing happens.
func (s *Server) note(ctx context.Context, address store.EventAddress, event crm.PortalEvent) {
	var refused crm.EventReason
	if !event.Authentic {
		refused = event.Reason
	}
	noted, err := s.Store.NoteEvent(ctx, address, refused)
	if err != nil {
		s.Log.Debug("note an event", "tenant", address.TenantID, "error", err.Error())
	}
	if noted && refused != "" {
		s.Log.Warn("a message at the address for events was refused", "tenant", address.TenantID, "reason", string(refused))
	}
}

// start queues the runs that an event asks for.
func (s *Server) start(ctx context.Context, tenant int64, ids []string) int {
	if len(ids) == 0 {
		return http.StatusNoContent
	}
	// Whoever sent it may hang up: it is begun all the same.
	queued, err := s.Runs.QueuePeople(context.WithoutCancel(ctx), tenant, ids)
	if err != nil {
		s.Log.Warn("the run of an event could not be queued", "tenant", tenant, "error", err.Error())
		return http.StatusServiceUnavailable
	}
	s.Log.Debug("an event of the portal", "tenant", tenant, "people", len(ids), "queued", queued)
	return http.StatusNoContent
}
