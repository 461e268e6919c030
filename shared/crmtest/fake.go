// Package crmtest helps to test hosts and plugins: a CRM plugin without a CRM, in
// process ([Fake]) and as an executable that can be made to misbehave at every
// point of its life ([Build], [Binary.Install]).
package crmtest

import (
	"context"

	"booking/shared/crm"
)

// FakeDescription is what the fake says about itself.
func FakeDescription() crm.Description {
	return crm.Description{
		Name: "fake", Version: "1.2.3",
		Title:            crm.Text{RU: "Пример CRM", EN: "Example CRM"},
		Capabilities:     []crm.Capability{crm.CapabilitySyncUsers},
		ExternalIDColumn: "fake_user_id",
		Fields: []crm.Field{
			{Key: "portal", Label: crm.Text{RU: "Портал", EN: "Portal"}, Type: crm.FieldText},
			{Key: "token", Label: crm.Text{RU: "Ключ", EN: "Token"}, Type: crm.FieldText, Secret: true},
			{Key: "do", Label: crm.Text{RU: "Что сделать", EN: "What to do"}, Type: crm.FieldText},
		},
	}
}

// Fake is a well-behaved plugin that does nothing. Embed it and override what a
// test is about.
type Fake struct{}

var _ crm.Plugin = Fake{}

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
