package crm

import "context"

var (
	_ ChoicesSource = (*Client)(nil)
	_ EventReader   = (*Client)(nil)
)

// Choices implements [ChoicesSource].
func (c *Client) Choices(ctx context.Context, r ChoicesRequest) (Choices, error) {
	got, err := c.rpc.Choices(ctx, choicesRequestToProto(r))
	if err != nil {
		return Choices{}, incoming(ctx, "list choices", err)
	}
	choices := choicesFromProto(got)
	if err := checkChoices(choices); err != nil {
		return Choices{}, badAnswer("list choices", err)
	}
	return choices, nil
}

// ReadEvent implements [EventReader].
func (c *Client) ReadEvent(ctx context.Context, m EventMessage) (PortalEvent, error) {
	got, err := c.rpc.ReadEvent(ctx, eventMessageToProto(m))
	if err != nil {
		return PortalEvent{}, incoming(ctx, "read event", err)
	}
	event := portalEventFromProto(got)
	if err := checkPortalEvent(event); err != nil {
		return PortalEvent{}, badAnswer("read event", err)
	}
	return event, nil
}
