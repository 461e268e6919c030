package main

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"booking/plugin-bitrix24/internal/portalsim"
	"booking/shared/crmtest"
	"booking/shared/testdb"
)

func TestMain(m *testing.M) { os.Exit(testdb.Main(m)) }

// The plugin as a program, against simulated portals: what any plugin has to do.
func TestThePluginPassesTheChecks(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bitrix24")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	manifest, err := exec.CommandContext(t.Context(), path, "manifest").Output()
	if err == nil {
		err = os.WriteFile(filepath.Join(filepath.Dir(path), "plugin.json"), manifest, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	crmtest.Exercise(t, path, crmtest.Subject{
		Settings: settingsOf(t, 40), Many: settingsOf(t, crmtest.ManyPeople+crmtest.ManyPeople/20),
		// Nobody listens there.
		Broken: map[string]string{"webhook_url": "http://127.0.0.1:9/rest/1/0123456789abcdef/"},
		DSN:    testdb.New(t), Patience: 4,
	})
}

// settingsOf are those of a portal with so many people, of whom a few do not count.
func settingsOf(t *testing.T, people int) map[string]string {
	t.Helper()
	portal := portalsim.New(portalsim.Options{People: portalsim.People(people, 7), Secret: "s3cretS3cretS3cret"})
	server := httptest.NewServer(portal)
	t.Cleanup(server.Close)
	t.Cleanup(portal.Close)
	return map[string]string{"webhook_url": portal.WebhookURL(server.URL), "sync_phone": "true", "sync_position": "true"}
}
