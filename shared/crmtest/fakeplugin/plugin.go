package main

import (
	"context"
	"strings"

	"booking/shared/crm"
	"booking/shared/crmtest"
)

// plugin is crmtest.Fake with faults.
type plugin struct {
	crmtest.Fake
	fault string
}

// Describe implements crm.Plugin.
func (p *plugin) Describe(ctx context.Context) (crm.Description, error) {
	d, err := p.Fake.Describe(ctx)
	if err := p.at("Describe"); err != nil {
		return d, err
	}
	switch p.fault {
	case "describe name":
		d.Name = "another"
	case "describe version":
		d.Version = "9.9.9"
	case "describe column":
		d.ExternalIDColumn = "password"
	case "describe dirt":
		d.Title.EN = "Example\x1b[31m\nCRM"
		d.Capabilities = append(d.Capabilities, "teleport")
	case "describe little":
		d.Capabilities, d.Fields[2].Listable = []crm.Capability{crm.CapabilitySyncUsers}, false
	}
	return d, err
}

// at is where a fault "call mode" of the process happens.
func (p *plugin) at(call string) error {
	point, mode, _ := strings.Cut(p.fault, " ")
	if misbehave, ok := callFaults[mode]; ok && point == strings.ToLower(call) {
		return misbehave(call)
	}
	return nil
}

// Configure implements crm.Plugin.
func (p *plugin) Configure(ctx context.Context, c crm.Configuration) error {
	if err := p.at("Configure"); err != nil {
		return err
	}
	return p.Fake.Configure(ctx, c)
}

// Migrate implements crm.Plugin.
func (p *plugin) Migrate(ctx context.Context, m crm.Migration) (crm.MigrationResult, error) {
	if err := p.at("Migrate"); err != nil {
		return crm.MigrationResult{}, err
	}
	return p.Fake.Migrate(ctx, m)
}

// CheckSettings implements crm.Plugin.
func (p *plugin) CheckSettings(ctx context.Context, s crm.Settings) (crm.SettingsCheck, error) {
	if misbehave, ok := callFaults[s.Get("do")]; ok {
		if err := misbehave("CheckSettings"); err != nil {
			return crm.SettingsCheck{}, err
		}
	}
	return p.Fake.CheckSettings(ctx, s)
}

// CheckConnection implements crm.Plugin.
func (p *plugin) CheckConnection(ctx context.Context, r crm.ConnectionRequest) (crm.ConnectionCheck, error) {
	word, argument, _ := strings.Cut(r.Settings.Get("do"), " ")
	if word == "fail" {
		return crm.ConnectionCheck{}, crm.NewError(crm.CodeUnauthorized, crm.Text{RU: argument, EN: argument}, nil)
	}
	if misbehave, ok := requestFaults[word]; ok {
		return findings(misbehave(argument)), nil
	}
	return p.Fake.CheckConnection(ctx, r)
}

// SyncUsers implements crm.Plugin. With the setting "do" it reports one change and
// then does what streamFaults and callFaults say, or goes on until the host gives up.
func (p *plugin) SyncUsers(ctx context.Context, r crm.SyncRequest, events crm.Events) (crm.SyncResult, error) {
	word, argument, _ := strings.Cut(r.Settings.Get("do"), " ")
	if word == "" {
		return p.Fake.SyncUsers(ctx, r, events)
	}
	if stream, ok := streamFaults[word]; ok {
		return stream(ctx, argument, events)
	}
	if err := events.Changes([]crm.Change{{ExternalID: "1", Action: crm.ActionCreated}}); err != nil {
		return crm.SyncResult{}, err
	}
	// Progress carries the change over the wire.
	if err := events.Progress(crm.Progress{Stage: crm.StageWriting, Done: 1, Total: 2}); err != nil {
		return crm.SyncResult{}, err
	}
	if misbehave, ok := callFaults[word]; ok {
		if err := misbehave("SyncUsers"); err != nil {
			return crm.SyncResult{}, err
		}
		return crm.SyncResult{Counts: crm.Counts{Fetched: 1, Created: 1}}, nil
	}
	<-ctx.Done()
	return crm.SyncResult{}, ctx.Err()
}

// Choices implements crm.ChoicesSource. With the setting "do" it is about one team of
// that label or, after "value ", of that value.
func (p *plugin) Choices(ctx context.Context, r crm.ChoicesRequest) (crm.Choices, error) {
	do := r.Settings.Get("do")
	if misbehave, ok := callFaults[do]; ok {
		return crm.Choices{}, misbehave("Choices")
	}
	if do == "" {
		return p.Fake.Choices(ctx, r)
	}
	node := crm.ChoiceNode{Value: "1", Label: do}
	if value, found := strings.CutPrefix(do, "value "); found {
		node = crm.ChoiceNode{Value: value, Label: "Team"}
	}
	return crm.Choices{Nodes: []crm.ChoiceNode{node}}, nil
}

// ImportSettings implements crm.SettingsImporter. The key "endless" brings tenants
// without end, and "repeat" a plugin that says aloud what it was told.
func (p *plugin) ImportSettings(ctx context.Context, r crm.ImportRequest, out func(crm.ImportedSettings) error) error {
	switch r.Key.Reveal() {
	case "endless":
		for tenant := int64(1); ; tenant++ {
			if err := out(crm.ImportedSettings{TenantID: tenant, Reason: crm.ImportNoSettings, Message: crm.Text{RU: "Нет."}}); err != nil {
				return err
			}
		}
	case "repeat the key aloud":
		stderr("read " + r.DSN.Reveal() + " with " + r.Key.Reveal() + "\n")
		return out(crm.ImportedSettings{TenantID: 1, Reason: crm.ImportWrongKey, Message: crm.Text{RU: "Не подходит: " + r.Key.Reveal() + "\n"}})
	}
	return p.Fake.ImportSettings(ctx, r, out)
}
