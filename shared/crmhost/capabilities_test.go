package crmhost_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"booking/shared/crm"
	"booking/shared/crmhost"
	"booking/shared/secret"
)

// asked are the calls of capabilities of their own, as a host makes them.
func asked(p *crmhost.Process, do string) map[crm.Capability]func(context.Context) error {
	settings, plugin := crm.Settings{"do": secret.New(do), "token": secret.New("t0ken1")}, p.Plugin()
	return map[crm.Capability]func(context.Context) error{
		crm.CapabilityChoices: func(ctx context.Context) error {
			_, err := plugin.(crm.ChoicesSource).Choices(ctx, crm.ChoicesRequest{Tenant: crm.Tenant{ID: 1}, Settings: settings, Field: "teams"})
			return err
		},
		crm.CapabilityImportSettings: func(ctx context.Context) error {
			return plugin.(crm.SettingsImporter).ImportSettings(ctx, crm.ImportRequest{}, func(crm.ImportedSettings) error { return nil })
		},
		crm.CapabilityEvents: func(ctx context.Context) error {
			_, err := plugin.(crm.EventReader).ReadEvent(ctx, crm.EventMessage{Tenant: crm.Tenant{ID: 1}, Settings: settings})
			return err
		},
	}
}

func TestACapabilityThatIsNotListedIsNeverCalled(t *testing.T) {
	t.Parallel()
	o, _ := options(t, "describe little")
	p, err := crmhost.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	for capability, call := range asked(p, "exit") { // a plugin that is called ends here
		wantCode(t, call(t.Context()), crm.CodePluginAnswer, string(capability))
	}
	if err := p.Plugin().Configure(t.Context(), crm.Configuration{}); err != nil {
		t.Errorf("the plugin was called: %v", err)
	}
	p, _ = start(t)
	for capability, call := range asked(p, "") {
		if err := call(t.Context()); err != nil {
			t.Errorf("%s: %v", capability, err)
		}
	}
}

func TestChoicesAreFitToBeShown(t *testing.T) {
	t.Parallel()
	p, _ := start(t)
	list := func(do string) (crm.Choices, error) {
		return p.Plugin().(crm.ChoicesSource).Choices(t.Context(), crm.ChoicesRequest{
			Tenant: crm.Tenant{ID: 1}, Settings: crm.Settings{"do": secret.New(do)}, Field: "teams"})
	}
	got, err := list("Sales\x1b[31m\n\u202eteam")
	if want := (crm.Choices{Nodes: []crm.ChoiceNode{{Value: "1", Label: "Sales [31m team"}}}); err != nil || !cmp.Equal(want, got) {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = list("value 1\x1b[31m")
	wantCode(t, err, crm.CodePluginAnswer, "breaks the contract", "cannot be shown")
	_, err = list("fail")
	wantCode(t, err, crm.CodeDatabase, "Choices failed")
}

func TestAnImportIsBoundedAndItsSecretsStayHidden(t *testing.T) {
	t.Parallel()
	p, log := start(t, func(o *crmhost.Options) { o.Limits.Events = 100 })
	run := func(key string) (items []crm.ImportedSettings, err error) {
		err = p.Plugin().(crm.SettingsImporter).ImportSettings(t.Context(),
			crm.ImportRequest{DSN: secret.New("u:passw0rd@tcp(db)/x"), Key: secret.New(key)}, func(i crm.ImportedSettings) error { items = append(items, i); return nil })
		return items, err
	}
	items, err := run("endless")
	wantCode(t, err, crm.CodePluginAnswer, "too much")
	if len(items) != 100 {
		t.Errorf("%d tenants", len(items))
	}
	items, err = run("repeat the key aloud")
	if err != nil || len(items) != 1 || items[0].Message.RU != "Не подходит: *** " {
		t.Errorf("%+v, %v", items, err)
	}
	eventually(t, "what it said is in the log", func() bool { return strings.Contains(log.String(), "read *** with ***") })
	// What came is a secret too, wherever the plugin says it.
	items, err = run("the-token-that-came")
	if err != nil || items[0].Settings.Get("token") != "the-token-that-came" {
		t.Errorf("%+v, %v", items, err)
	}
	if lines := mustDo(t, p, "say it was the-token-that-came"); lines[0] != "it was ***" {
		t.Errorf("%q", lines)
	}
	if strings.Contains(log.String(), "passw0rd") {
		t.Error("the log shows the password")
	}
}

func TestAnEventThatIsTooLargeDoesNotReachThePlugin(t *testing.T) {
	t.Parallel()
	p, _ := start(t)
	read := func(body string) (crm.PortalEvent, error) {
		return p.Plugin().(crm.EventReader).ReadEvent(t.Context(), crm.EventMessage{
			Tenant: crm.Tenant{ID: 1}, Settings: crm.Settings{"token": secret.New(body)}, Body: []byte(body)})
	}
	if got, err := read(strings.Repeat("x", crm.MaxEventBytes)); err != nil || !got.Authentic {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := read(strings.Repeat("x", crm.MaxEventBytes+1)); err != nil || got.Authentic || got.Reason != crm.EventTooLarge {
		t.Errorf("%+v, %v", got, err)
	}
}
