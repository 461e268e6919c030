package main

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"booking/plugin-bitrix24/internal/portalsim"
	"booking/shared/crm"
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
	few, message := settingsOf(t, 40)
	many, _ := settingsOf(t, crmtest.ManyPeople+crmtest.ManyPeople/20)
	crmtest.Exercise(t, path, crmtest.Subject{
		Settings: few, Many: many, Event: message,
		// Nobody listens there.
		Broken: map[string]string{"webhook_url": "http://127.0.0.1:9/rest/1/0123456789abcdef/"},
		DSN:    testdb.New(t), Patience: 4,
	})
}

// settingsOf are those of a portal with so many people, of whom a few do not count, and
// a message that it sends.
func settingsOf(t *testing.T, people int) (map[string]string, *crm.EventMessage) {
	t.Helper()
	const token = "t0kenT0kenT0kenT0ken"
	portal := portalsim.New(portalsim.Options{
		People: portalsim.People(people, 7), Departments: portalsim.Departments(), Secret: "s3cretS3cretS3cret", ApplicationToken: token,
	})
	server := httptest.NewServer(portal)
	t.Cleanup(server.Close)
	t.Cleanup(portal.Close)
	kind, body := portal.Event("ONUSERADD", 1, strings.TrimPrefix(server.URL, "http://"))
	return map[string]string{"webhook_url": portal.WebhookURL(server.URL), "event_token": token, "sync_phone": "true", "sync_position": "true"},
		&crm.EventMessage{ContentType: kind, Body: body}
}
