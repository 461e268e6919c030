package crm

import "booking/shared/crm/internal/crmpb"

func peopleRequestToProto(r PeopleRequest) *crmpb.PeopleRequest {
	return &crmpb.PeopleRequest{
		Tenant:   tenantToProto(r.Tenant),
		Settings: settingsToProto(r.Settings),
		RunId:    r.RunID,
	}
}

func peopleRequestFromProto(r *crmpb.PeopleRequest) PeopleRequest {
	return PeopleRequest{
		Tenant:   tenantFromProto(r.GetTenant()),
		Settings: settingsFromProto(r.GetSettings()),
		RunID:    r.GetRunId(),
	}
}

func personToProto(p Person) *crmpb.Person {
	return &crmpb.Person{
		ExternalId: valid(p.ExternalID),
		Name:       valid(p.Name),
		Email:      valid(p.Email),
		Phone:      valid(p.Phone),
		Position:   valid(p.Position),
	}
}

func personFromProto(p *crmpb.Person) Person {
	return Person{
		ExternalID: p.GetExternalId(),
		Name:       p.GetName(),
		Email:      p.GetEmail(),
		Phone:      p.GetPhone(),
		Position:   p.GetPosition(),
	}
}
