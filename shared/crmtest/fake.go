// Package crmtest helps to test hosts and plugins: a CRM plugin without a CRM, in
// process ([Fake]) and as an executable that can be made to misbehave at every
// point of its life ([Build], [Binary.Install]).
package crmtest

import (
	"context"

	"booking/shared/crm"
	"booking/shared/secret"
)

// FakeDescription is what the fake says about itself.
func FakeDescription() crm.Description {
	return crm.Description{
		Name: "fake", Version: "1.2.3",
		Title:            crm.Text{RU: "Пример CRM", EN: "Example CRM"},
		Capabilities:     []crm.Capability{crm.CapabilitySyncUsers, crm.CapabilityChoices, crm.CapabilityImportSettings, crm.CapabilityEvents},
		ExternalIDColumn: "fake_user_id",
		Fields: []crm.Field{
			{Key: "portal", Label: crm.Text{RU: "Портал", EN: "Portal"}, Type: crm.FieldText},
			{Key: "token", Label: crm.Text{RU: "Ключ", EN: "Token"}, Type: crm.FieldText, Secret: true},
			{Key: "teams", Label: crm.Text{RU: "Команды", EN: "Teams"}, Type: crm.FieldIDs, Listable: true},
			{Key: "do", Label: crm.Text{RU: "Что сделать", EN: "What to do"}, Type: crm.FieldText},
		},
		EventsHelp: crm.Text{RU: "Сообщите адрес порталу.", EN: "Tell the portal the address."},
	}
}

// Fake is a well-behaved plugin that does nothing. Embed it and override what a
// test is about.
type Fake struct{}

var (
	_ crm.Plugin           = Fake{}
	_ crm.ChoicesSource    = Fake{}
	_ crm.SettingsImporter = Fake{}
	_ crm.EventReader      = Fake{}
)

// Describe implements crm.Plugin.
func (Fake) Describe(context.Context) (crm.Description, error) { return FakeDescription(), nil }

// Configure implements crm.Plugin.
func (Fake) Configure(context.Context, crm.Configuration) error { return nil }

// Migrate implements crm.Plugin.
func (Fake) Migrate(context.Context, crm.Migration) (crm.MigrationResult, error) {
	return crm.MigrationResult{}, nil
}

// CheckSettings implements crm.Plugin.
func (Fake) CheckSettings(_ context.Context, s crm.Settings) (crm.SettingsCheck, error) {
	return crm.SettingsCheck{Portal: s.Get("portal")}, nil
}

// CheckConnection implements crm.Plugin.
func (Fake) CheckConnection(context.Context, crm.ConnectionRequest) (crm.ConnectionCheck, error) {
	return crm.ConnectionCheck{Findings: []crm.Finding{{Code: "connection", OK: true, Message: crm.Text{RU: "Соединение есть.", EN: "Connected."}}}}, nil
}

// SyncUsers implements crm.Plugin: one person, who is right already.
func (Fake) SyncUsers(_ context.Context, r crm.SyncRequest, events crm.Events) (crm.SyncResult, error) {
	if err := events.Progress(crm.Progress{Stage: crm.StageReading, Done: 1, Total: 1}); err != nil {
		return crm.SyncResult{}, err
	}
	return crm.SyncResult{Counts: crm.Counts{Fetched: 1, Unchanged: 1}, Portal: r.Settings.Get("portal"), Requests: 1}, nil
}

// Choices implements crm.ChoicesSource: a company of three people, one of them in both
// teams.
func (Fake) Choices(context.Context, crm.ChoicesRequest) (crm.Choices, error) {
	return crm.Choices{
		Nodes:   []crm.ChoiceNode{{Value: "1", Label: "Company", People: 2}, {Value: "2", Label: "Team", Parent: "1", People: 2}},
		Counted: true, People: 3, Overlaps: []crm.ChoiceOverlap{{Values: []string{"1", "2"}, People: 1}},
	}, nil
}

// ImportSettings implements crm.SettingsImporter: one tenant, whose token is the key.
func (Fake) ImportSettings(_ context.Context, r crm.ImportRequest, out func(crm.ImportedSettings) error) error {
	return out(crm.ImportedSettings{TenantID: 1, Enabled: true, Settings: crm.Settings{"portal": secret.New("old.example"), "token": r.Key}})
}

// ReadEvent implements crm.EventReader: the body is the token, and the event about
// person 7.
func (Fake) ReadEvent(_ context.Context, m crm.EventMessage) (crm.PortalEvent, error) {
	if token := m.Settings.Get("token"); token == "" || string(m.Body) != token {
		return crm.PortalEvent{Reason: crm.EventWrongProof}, nil
	}
	return crm.PortalEvent{Authentic: true, ExternalIDs: []string{"7"}}, nil
}
