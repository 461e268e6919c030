package crm

import (
	"context"
	"fmt"
)

var (
	_ ChoicesSource    = (*PeoplePlugin)(nil)
	_ SettingsImporter = (*PeoplePlugin)(nil)
	_ EventReader      = (*PeoplePlugin)(nil)
)

// capabilitiesOf are what a source can do, by its methods.
func capabilitiesOf(source PeopleSource) []Capability {
	all := []Capability{CapabilityPeople}
	if _, ok := source.(ChoicesSource); ok {
		all = append(all, CapabilityChoices)
	}
	if _, ok := source.(SettingsImporter); ok {
		all = append(all, CapabilityImportSettings)
	}
	if _, ok := source.(EventReader); ok {
		all = append(all, CapabilityEvents)
	}
	return all
}

// Choices implements [ChoicesSource], for a source that does.
func (p *PeoplePlugin) Choices(ctx context.Context, r ChoicesRequest) (Choices, error) {
	if own, ok := p.PeopleSource.(ChoicesSource); ok {
		return own.Choices(ctx, r)
	}
	return Choices{}, lacking(CapabilityChoices)
}

// ImportSettings implements [SettingsImporter], for a source that does.
func (p *PeoplePlugin) ImportSettings(ctx context.Context, r ImportRequest, out func(ImportedSettings) error) error {
	if own, ok := p.PeopleSource.(SettingsImporter); ok {
		return own.ImportSettings(ctx, r, out)
	}
	return lacking(CapabilityImportSettings)
}

// ReadEvent implements [EventReader], for a source that does.
func (p *PeoplePlugin) ReadEvent(ctx context.Context, m EventMessage) (PortalEvent, error) {
	if own, ok := p.PeopleSource.(EventReader); ok {
		return own.ReadEvent(ctx, m)
	}
	return PortalEvent{}, lacking(CapabilityEvents)
}

func lacking(c Capability) error {
	return NewError(CodeInternal, textRequest, fmt.Errorf("the plugin does not have the capability %s", c))
}
