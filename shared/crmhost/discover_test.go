package crmhost_test

import (
	"crypto/sha256"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"booking/shared/crm"
	"booking/shared/crmhost"
)

func sha256Sum(content string) [32]byte { return sha256.Sum256([]byte(content)) }

// A folder with something wrong is listed with what it is; the others are fine.
func TestDiscover(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "plugins")
	if _, err := fake.Install(dir, ""); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"empty", "Upper", ".hidden", "other"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "README"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "fake"), filepath.Join(dir, "linked")); err != nil {
		t.Fatal(err)
	}
	content, _ := json.Marshal(fake.Manifest)
	if err := os.WriteFile(filepath.Join(dir, "other", "plugin.json"), content, 0o644); err != nil {
		t.Fatal(err)
	}
	all, err := crmhost.Discover(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]crm.Code{}
	for _, f := range all {
		got[f.Name] = crm.CodeOf(f.Err)
	}
	want := map[string]crm.Code{
		"fake": "", "empty": crm.CodePluginMissing, "Upper": crm.CodePluginMissing,
		"other": crm.CodePluginAnswer, "linked": crm.CodePluginUntrusted,
	}
	if len(got) != len(want) {
		t.Errorf("found %v, want %v", got, want)
	}
	for name, code := range want {
		if got[name] != code {
			t.Errorf("%s: %q, want %q", name, got[name], code)
		}
	}
}

func TestNoPluginFolder(t *testing.T) {
	t.Parallel()
	_, err := crmhost.Discover(filepath.Join(t.TempDir(), "none"))
	wantCode(t, err, crm.CodePluginMissing, "BOOKING_PLUGIN_DIR")
	_, err = crmhost.Find(t.TempDir(), "../../etc")
	wantCode(t, err, crm.CodePluginMissing, "cannot be a plugin's name")
	_, err = crmhost.Find(t.TempDir(), "nothere")
	wantCode(t, err, crm.CodePluginMissing, "there is no plugin")
}

func TestManifest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*crm.Manifest)
		code   crm.Code
		part   string
	}{
		"sound":               {func(*crm.Manifest) {}, "", ""},
		"no name":             {func(m *crm.Manifest) { m.Name = "" }, crm.CodePluginAnswer, `"name"`},
		"another name":        {func(m *crm.Manifest) { m.Name, m.Aliases = "other", nil }, crm.CodePluginAnswer, "rename the folder"},
		"no version":          {func(m *crm.Manifest) { m.Version = "" }, crm.CodePluginAnswer, `"version"`},
		"path as executable":  {func(m *crm.Manifest) { m.Executable = "../fake" }, crm.CodePluginAnswer, `"executable"`},
		"hidden executable":   {func(m *crm.Manifest) { m.Executable = ".fake" }, crm.CodePluginAnswer, `"executable"`},
		"itself":              {func(m *crm.Manifest) { m.Executable = "plugin.json" }, crm.CodePluginAnswer, `"executable"`},
		"short hash":          {func(m *crm.Manifest) { m.SHA256 = "abc" }, crm.CodePluginAnswer, `"sha256"`},
		"another platform":    {func(m *crm.Manifest) { m.Platform = "plan9/386" }, crm.CodePluginAnswer, "plan9/386"},
		"newer protocol":      {func(m *crm.Manifest) { m.Protocol = 2 }, crm.CodePluginAnswer, "the host is too old"},
		"no protocol":         {func(m *crm.Manifest) { m.Protocol = 0 }, crm.CodePluginAnswer, "the plugin is too old"},
		"a host's command":    {func(m *crm.Manifest) { m.Aliases = map[string]string{"serve": "sync-users"} }, crm.CodePluginAnswer, `"aliases"`},
		"another's namespace": {func(m *crm.Manifest) { m.Aliases = map[string]string{"other:sync": "sync-users"} }, crm.CodePluginAnswer, `"aliases"`},
		"alias of an option":  {func(m *crm.Manifest) { m.Aliases = map[string]string{"fake:sync": "--help"} }, crm.CodePluginAnswer, `"aliases"`},
		"dirty simulator":     {func(m *crm.Manifest) { m.Simulator = []string{"a\nb"} }, crm.CodePluginAnswer, `"simulator"`},
		"huge":                {func(m *crm.Manifest) { m.Version = strings.Repeat("1", 1<<17) }, crm.CodePluginAnswer, "longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, _ := installed(t, "")
			edit(t, found.Dir, c.change)
			_, err := crmhost.Find(filepath.Dir(found.Dir), "fake")
			if c.code == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantCode(t, err, c.code, c.part)
		})
	}
}

func TestManifestText(t *testing.T) {
	t.Parallel()
	whole := func(extra, tail string) string {
		content, _ := json.Marshal(fake.Manifest)
		return strings.Replace(string(content), "{", "{"+extra, 1) + tail
	}
	for name, c := range map[string]struct {
		content string
		sound   bool
	}{
		"a field of the future": {whole(`"homepage":"https://example.org",`, "\n"), true},
		"something behind it":   {whole("", "{}"), false},
		"empty":                 {"", false},
		"a list":                {"[]", false},
		"a number as name":      {`{"name":1}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, _ := installed(t, "")
			replace(t, filepath.Join(found.Dir, "plugin.json"), c.content, 0o644)
			_, err := crmhost.Find(filepath.Dir(found.Dir), "fake")
			if c.sound && err != nil {
				t.Error(err)
			}
			if !c.sound {
				wantCode(t, err, crm.CodePluginAnswer)
			}
		})
	}
}

// Neither a pipe nor a folder in the place of a file is waited for.
func TestManifestIsNoFile(t *testing.T) {
	t.Parallel()
	found, _ := installed(t, "")
	path := filepath.Join(found.Dir, "plugin.json")
	remove(t, path)
	if err := syscall.Mkfifo(path, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := crmhost.Find(filepath.Dir(found.Dir), "fake")
	wantCode(t, err, crm.CodePluginUntrusted, "no plain file")
	remove(t, path)
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	_, err = crmhost.Find(filepath.Dir(found.Dir), "fake")
	wantCode(t, err, crm.CodePluginUntrusted, "no plain file")
}
