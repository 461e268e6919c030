package plugins

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"booking/shared/crm"
	"booking/shared/crmhost"
	"booking/shared/crmtest"
)

// fake is the plugin executable, built once.
var fake crmtest.Binary

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "plugins-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if fake, err = crmtest.Build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// newKeeper keeps a trusted fake plugin that misbehaves as fault says.
func newKeeper(t *testing.T, fault string, change ...func(*Options)) (*Keeper, string) {
	t.Helper()
	root := t.TempDir()
	dir := filepath.Join(root, "plugins")
	folder, err := fake.Install(dir, fault)
	if err != nil {
		t.Fatal(err)
	}
	found, err := crmhost.Find(dir, "fake")
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Dir: dir, Trust: crmhost.Trust{Path: filepath.Join(root, "data", "trust.json")}, Log: slog.New(slog.DiscardHandler),
		Configuration: crm.Configuration{Locale: "en"},
	}
	if err := o.Trust.Pin(found); err != nil {
		t.Fatal(err)
	}
	for _, c := range change {
		c(&o)
	}
	k := New(o)
	t.Cleanup(func() { k.Close(t.Context()) })
	return k, folder
}
