package plugins

import (
	"testing"

	"booking/shared/crm"
	"booking/shared/secret"
)

// The plugin gets the key, and gives back what it found; one that lacks the capability is
// not asked.
func TestAnImportReachesThePlugin(t *testing.T) {
	t.Parallel()
	k, _ := newKeeper(t, "")
	var items []crm.ImportedSettings
	err := k.ImportSettings(t.Context(), "fake", secret.New("the key"), 0, func(i crm.ImportedSettings) error { items = append(items, i); return nil })
	if err != nil || len(items) != 1 || items[0].Settings.Get("token") != "the key" {
		t.Errorf("%+v, %v", items, err)
	}
	k, _ = newKeeper(t, "describe little")
	err = k.ImportSettings(t.Context(), "fake", secret.New("the key"), 0, func(crm.ImportedSettings) error { return nil })
	if crm.CodeOf(err) != crm.CodePluginAnswer {
		t.Errorf("without the capability: %v", err)
	}
}
