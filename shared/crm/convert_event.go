package crm

import "booking/shared/crm/internal/crmpb"

func eventMessageToProto(m EventMessage) *crmpb.ReadEventRequest {
	return &crmpb.ReadEventRequest{
		Tenant:      tenantToProto(m.Tenant),
		Settings:    settingsToProto(m.Settings),
		ContentType: valid(m.ContentType),
		Body:        m.Body,
	}
}

func eventMessageFromProto(m *crmpb.ReadEventRequest) EventMessage {
	return EventMessage{
		Tenant:      tenantFromProto(m.GetTenant()),
		Settings:    settingsFromProto(m.GetSettings()),
		ContentType: m.GetContentType(),
		Body:        m.GetBody(),
	}
}

func portalEventToProto(e PortalEvent) *crmpb.ReadEventResponse {
	return &crmpb.ReadEventResponse{Authentic: e.Authentic, Reason: valid(string(e.Reason)), ExternalIds: each(e.ExternalIDs, valid)}
}

func portalEventFromProto(e *crmpb.ReadEventResponse) PortalEvent {
	return PortalEvent{Authentic: e.GetAuthentic(), Reason: EventReason(e.GetReason()), ExternalIDs: each(e.GetExternalIds(), same)}
}
