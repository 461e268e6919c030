package crm

import "booking/shared/crm/internal/crmpb"

func descriptionToProto(d Description) *crmpb.DescribeResponse {
	return &crmpb.DescribeResponse{
		Name:             valid(d.Name),
		Version:          valid(d.Version),
		Title:            textToProto(d.Title),
		Capabilities:     each(d.Capabilities, func(c Capability) string { return valid(string(c)) }),
		Fields:           each(d.Fields, fieldToProto),
		ExternalIdColumn: valid(d.ExternalIDColumn),
		MigrationSet:     valid(d.MigrationSet),
		EventsHelp:       textToProto(d.EventsHelp),
	}
}

func descriptionFromProto(d *crmpb.DescribeResponse) Description {
	return Description{
		Name:             d.GetName(),
		Version:          d.GetVersion(),
		Title:            textFromProto(d.GetTitle()),
		Capabilities:     each(d.GetCapabilities(), func(c string) Capability { return Capability(c) }),
		Fields:           each(d.GetFields(), fieldFromProto),
		ExternalIDColumn: d.GetExternalIdColumn(),
		MigrationSet:     d.GetMigrationSet(),
		EventsHelp:       textFromProto(d.GetEventsHelp()),
	}
}

func fieldToProto(f Field) *crmpb.Field {
	return &crmpb.Field{
		Key:      valid(f.Key),
		Label:    textToProto(f.Label),
		Help:     textToProto(f.Help),
		Type:     valid(string(f.Type)),
		Required: f.Required,
		Secret:   f.Secret,
		Default:  valid(f.Default),
		Choices:  each(f.Choices, choiceToProto),
		Listable: f.Listable,
	}
}

func fieldFromProto(f *crmpb.Field) Field {
	return Field{
		Key:      f.GetKey(),
		Label:    textFromProto(f.GetLabel()),
		Help:     textFromProto(f.GetHelp()),
		Type:     FieldType(f.GetType()),
		Required: f.GetRequired(),
		Secret:   f.GetSecret(),
		Default:  f.GetDefault(),
		Choices:  each(f.GetChoices(), choiceFromProto),
		Listable: f.GetListable(),
	}
}

func choiceToProto(c Choice) *crmpb.Choice {
	return &crmpb.Choice{Value: valid(c.Value), Label: textToProto(c.Label)}
}

func choiceFromProto(c *crmpb.Choice) Choice {
	return Choice{Value: c.GetValue(), Label: textFromProto(c.GetLabel())}
}
