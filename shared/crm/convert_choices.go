package crm

import "booking/shared/crm/internal/crmpb"

func choicesRequestToProto(r ChoicesRequest) *crmpb.ChoicesRequest {
	return &crmpb.ChoicesRequest{
		Tenant:   tenantToProto(r.Tenant),
		Settings: settingsToProto(r.Settings),
		Field:    valid(r.Field),
	}
}

func choicesRequestFromProto(r *crmpb.ChoicesRequest) ChoicesRequest {
	return ChoicesRequest{
		Tenant:   tenantFromProto(r.GetTenant()),
		Settings: settingsFromProto(r.GetSettings()),
		Field:    r.GetField(),
	}
}

func choicesToProto(c Choices) *crmpb.ChoicesResponse {
	return &crmpb.ChoicesResponse{
		Nodes:    each(c.Nodes, choiceNodeToProto),
		Counted:  c.Counted,
		People:   int64(c.People),
		Overlaps: each(c.Overlaps, choiceOverlapToProto),
	}
}

func choicesFromProto(c *crmpb.ChoicesResponse) Choices {
	return Choices{
		Nodes:    each(c.GetNodes(), choiceNodeFromProto),
		Counted:  c.GetCounted(),
		People:   int(c.GetPeople()),
		Overlaps: each(c.GetOverlaps(), choiceOverlapFromProto),
	}
}

func choiceNodeToProto(n ChoiceNode) *crmpb.ChoiceNode {
	return &crmpb.ChoiceNode{Value: valid(n.Value), Label: valid(n.Label), Parent: valid(n.Parent), People: int64(n.People)}
}

func choiceNodeFromProto(n *crmpb.ChoiceNode) ChoiceNode {
	return ChoiceNode{Value: n.GetValue(), Label: n.GetLabel(), Parent: n.GetParent(), People: int(n.GetPeople())}
}

func choiceOverlapToProto(o ChoiceOverlap) *crmpb.ChoiceOverlap {
	return &crmpb.ChoiceOverlap{Values: each(o.Values, valid), People: int64(o.People)}
}

func choiceOverlapFromProto(o *crmpb.ChoiceOverlap) ChoiceOverlap {
	return ChoiceOverlap{Values: each(o.GetValues(), same), People: int(o.GetPeople())}
}
