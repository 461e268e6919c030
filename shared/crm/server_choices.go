package crm

import (
	"context"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"booking/shared/crm/internal/crmpb"
)

// Choices lists the values of a field.
func (s *server) Choices(ctx context.Context, req *crmpb.ChoicesRequest) (*crmpb.ChoicesResponse, error) {
	source, ok := s.impl.(ChoicesSource)
	if !ok {
		return nil, lacks(CapabilityChoices)
	}
	return answer(ctx, s, "Choices", func(ctx context.Context) (*crmpb.ChoicesResponse, error) {
		r := choicesRequestFromProto(req)
		if r.Tenant.ID <= 0 || r.Field == "" {
			return nil, NewError(CodeInternal, textRequest, fmt.Errorf("tenant id %d, field %q", r.Tenant.ID, cut(r.Field, 64)))
		}
		choices, err := source.Choices(ctx, r)
		return choicesToProto(choices), err
	})
}

// ReadEvent looks at a message from outside.
func (s *server) ReadEvent(ctx context.Context, req *crmpb.ReadEventRequest) (*crmpb.ReadEventResponse, error) {
	reader, ok := s.impl.(EventReader)
	if !ok {
		return nil, lacks(CapabilityEvents)
	}
	return answer(ctx, s, "ReadEvent", func(ctx context.Context) (*crmpb.ReadEventResponse, error) {
		m := eventMessageFromProto(req)
		if m.Tenant.ID <= 0 {
			return nil, NewError(CodeInternal, textRequest, fmt.Errorf("tenant id %d", m.Tenant.ID))
		}
		event, err := reader.ReadEvent(ctx, m)
		return portalEventToProto(event), err
	})
}

// lacks refuses a call of a capability that the plugin has no code for.
func lacks(c Capability) error {
	return status.Error(codes.Unimplemented, "the plugin does not have the capability "+string(c))
}
