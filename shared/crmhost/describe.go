package crmhost

import (
	"fmt"
	"slices"
	"strings"

	"booking/shared/crm"
)

// Limits of a description; lengths in bytes.
const (
	maxFieldsDescribed = 64
	maxChoices         = 256
	maxLabel           = 512
	maxHelp            = 4 << 10
)

// baseColumns are those of users that are the host's own: no plugin's link may be
// one of them (facts/existing-booking-server.md).
var baseColumns = []string{
	"id", "tenant_id", "name", "email", "phone", "position", "email_verified_at", "password", "role", "is_active",
	"working_hours", "custom_schedules", "remember_token", "created_at", "updated_at",
}

// capabilities this host knows; others are left out of the description.
var capabilities = []crm.Capability{
	crm.CapabilitySyncUsers, crm.CapabilityPeople, crm.CapabilityChoices, crm.CapabilityImportSettings, crm.CapabilityEvents,
	crm.CapabilityBookings, crm.CapabilityWriteBack,
}

// checkDescription holds what a plugin says about itself against its manifest and
// returns it cleaned, for pages and terminals. Its shape has been checked by
// crm.Description.Validate. The error is plugin_answer.
func checkDescription(d crm.Description, m crm.Manifest) (crm.Description, error) {
	if err := contradicts(d, m); err != nil {
		return crm.Description{}, contradiction(err,
			"плагин «%s» описывает себя не так, как его "+ManifestName+", или нарушает договор: соберите или обновите плагин",
			"plugin %q does not describe itself as its "+ManifestName+" does, or breaks the contract: build or update the plugin", m.Name)
	}
	d.Title, d.EventsHelp = cleanText(d.Title, maxLabel), cleanText(d.EventsHelp, maxHelp)
	d.Capabilities = slices.DeleteFunc(slices.Clone(d.Capabilities), func(c crm.Capability) bool { return !slices.Contains(capabilities, c) })
	d.Fields = slices.Clone(d.Fields)
	for i := range d.Fields {
		f := &d.Fields[i]
		f.Label, f.Help, f.Default = cleanText(f.Label, maxLabel), cleanText(f.Help, maxHelp), clean(f.Default, maxLabel)
		f.Choices = slices.Clone(f.Choices)
		for j := range f.Choices {
			f.Choices[j].Label = cleanText(f.Choices[j].Label, maxLabel)
		}
	}
	return d, nil
}

func contradicts(d crm.Description, m crm.Manifest) error {
	switch {
	case d.Name != m.Name:
		return fmt.Errorf("it calls itself %q", clean(d.Name, maxName))
	case d.Version != m.Version:
		return fmt.Errorf("its version is %q here and %q there", clean(d.Version, 64), m.Version)
	case slices.Contains(baseColumns, strings.ToLower(d.ExternalIDColumn)):
		return fmt.Errorf("its external id column %q is a column of the host", d.ExternalIDColumn)
	case len(d.Fields) > maxFieldsDescribed:
		return fmt.Errorf("it has %d settings, more than %d", len(d.Fields), maxFieldsDescribed)
	}
	for _, f := range d.Fields {
		if len(f.Choices) > maxChoices {
			return fmt.Errorf("setting %s has %d choices, more than %d", f.Key, len(f.Choices), maxChoices)
		}
		for _, c := range f.Choices {
			if clean(c.Value, maxLabel) != c.Value {
				return fmt.Errorf("setting %s has a choice that cannot be shown", f.Key)
			}
		}
	}
	return nil
}

func cleanText(t crm.Text, limit int) crm.Text {
	return crm.Text{RU: clean(t.RU, limit), EN: clean(t.EN, limit)}
}
