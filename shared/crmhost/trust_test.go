package crmhost_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"booking/shared/crm"
	"booking/shared/crmhost"
)

// again reads the plugin's folder anew, broken or not.
func again(f crmhost.Found) crmhost.Found {
	f, _ = crmhost.Find(filepath.Dir(f.Dir), filepath.Base(f.Dir))
	return f
}

func TestTrustIsAskedFirst(t *testing.T) {
	t.Parallel()
	found, trust := installed(t, "")
	if err := os.Remove(trust.Path); err != nil {
		t.Fatal(err)
	}
	wantCode(t, trust.Verify(found), crm.CodePluginUntrusted, "booking-host plugins trust fake")
	_, err := crmhost.Start(t.Context(), crmhost.Options{Found: found, Trust: trust, Log: discard()})
	wantCode(t, err, crm.CodePluginUntrusted, "booking-host plugins trust fake")
	if err := trust.Pin(found); err != nil {
		t.Fatal(err)
	}
	if err := trust.Verify(found); err != nil {
		t.Error(err)
	}
}

// Whatever of a trusted plugin is changed, it does not run, and the message says
// what to do.
func TestTrustIsLostByChange(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(t *testing.T, dir string)
		code   crm.Code
		parts  []string
	}{
		"another executable": {func(t *testing.T, dir string) {
			replace(t, filepath.Join(dir, "fake"), "#!/bin/sh\n", 0o755)
		}, crm.CodePluginUntrusted, []string{"sha256 was " + fake.Manifest.SHA256, "plugins trust fake"}},
		"another manifest": {func(t *testing.T, dir string) {
			edit(t, dir, func(m *crm.Manifest) { m.Version = "1.2.4" })
		}, crm.CodePluginUntrusted, []string{"plugin.json", "plugins trust fake"}},
		"a broken manifest": {func(t *testing.T, dir string) {
			replace(t, filepath.Join(dir, "plugin.json"), "{", 0o644)
		}, crm.CodePluginUntrusted, []string{"plugin.json", "plugins trust fake"}},
		"no manifest": {func(t *testing.T, dir string) {
			remove(t, filepath.Join(dir, "plugin.json"))
		}, crm.CodePluginMissing, []string{"plugin.json"}},
		"no executable": {func(t *testing.T, dir string) {
			remove(t, filepath.Join(dir, "fake"))
		}, crm.CodePluginMissing, []string{"fake"}},
		"no folder": {func(t *testing.T, dir string) {
			remove(t, dir)
		}, crm.CodePluginMissing, []string{"there is no plugin"}},
		"executable writable by the group": {func(t *testing.T, dir string) {
			// A copy: the mode of the link is everybody's.
			content := read(t, filepath.Join(dir, "fake"))
			replace(t, filepath.Join(dir, "fake"), content, 0o775)
		}, crm.CodePluginUntrusted, []string{"chmod go-w", "/fake"}},
		"manifest writable by others": {func(t *testing.T, dir string) {
			chmod(t, filepath.Join(dir, "plugin.json"), 0o646)
		}, crm.CodePluginUntrusted, []string{"chmod go-w", "plugin.json"}},
		"folder writable by the group": {func(t *testing.T, dir string) {
			chmod(t, dir, 0o775)
		}, crm.CodePluginUntrusted, []string{"chmod go-w", "plugins/fake"}},
		"plugin folder writable by others": {func(t *testing.T, dir string) {
			chmod(t, filepath.Dir(dir), 0o777)
		}, crm.CodePluginUntrusted, []string{"chmod go-w", "/plugins"}},
		"executable is a link": {func(t *testing.T, dir string) {
			link(t, filepath.Join(dir, "fake"))
		}, crm.CodePluginUntrusted, []string{"link"}},
		"manifest is a link": {func(t *testing.T, dir string) {
			link(t, filepath.Join(dir, "plugin.json"))
		}, crm.CodePluginUntrusted, []string{"link"}},
		"folder is a link": {func(t *testing.T, dir string) {
			link(t, dir)
		}, crm.CodePluginUntrusted, []string{"link"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, trust := installed(t, "")
			c.change(t, found.Dir)
			_, err := crmhost.Start(t.Context(), crmhost.Options{Found: again(found), Trust: trust, Log: discard()})
			wantCode(t, err, c.code, c.parts...)
		})
	}
}

// Somebody else's file can be changed by them at any time.
func TestForeignOwner(t *testing.T) {
	found, trust := installed(t, "")
	path := filepath.Join(found.Dir, "plugin.json")
	if os.Geteuid() == 0 { // only root can give a file away
		if err := os.Chown(path, 12345, -1); err != nil {
			t.Fatal(err)
		}
		wantCode(t, trust.Verify(found), crm.CodePluginUntrusted, "belongs to another user (12345)", "chown root")
		return
	}
	wantCode(t, crmhost.AccessFor(path, os.Geteuid()+1), crm.CodePluginUntrusted, "belongs to another user", "chown")
}

func TestPinRefusesWhatVerifyWouldRefuse(t *testing.T) {
	t.Parallel()
	found, trust := installed(t, "")
	edit(t, found.Dir, func(m *crm.Manifest) { m.SHA256 = strings.Repeat("0", 64) })
	wantCode(t, trust.Pin(again(found)), crm.CodePluginUntrusted, fake.Manifest.SHA256, "build or install")
	chmod(t, found.Dir, 0o777)
	wantCode(t, trust.Pin(again(found)), crm.CodePluginUntrusted, "chmod go-w")
}

func TestInspect(t *testing.T) {
	t.Parallel()
	found, trust := installed(t, "")
	chmod(t, found.Dir, 0o775)
	i, err := trust.Inspect(found)
	if err != nil {
		t.Fatal(err)
	}
	if i.Name != "fake" || i.Version != "1.2.3" || i.SHA256 != fake.Manifest.SHA256 || i.Path != filepath.Join(found.Dir, "fake") {
		t.Errorf("%+v", i)
	}
	if i.Pinned == nil || i.Pinned.ExecutableSHA256 != i.SHA256 {
		t.Errorf("pinned: %+v", i.Pinned)
	}
	var refused []string
	for _, a := range i.Access {
		if a.Err != nil {
			refused = append(refused, a.Path)
			if len(a.Writers) != 2 || !strings.HasPrefix(a.Writers[1].EN, "group ") {
				t.Errorf("writers of %s: %v", a.Path, a.Writers)
			}
		}
	}
	if len(i.Access) != 4 || len(refused) != 1 || refused[0] != found.Dir {
		t.Errorf("access: %+v", i.Access)
	}
}

func TestPinsFile(t *testing.T) {
	t.Parallel()
	found, trust := installed(t, "")
	info, err := os.Stat(trust.Path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(filepath.Dir(trust.Path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder's mode %v, %v", info.Mode(), err)
	}
	chmod(t, trust.Path, 0o666)
	wantCode(t, trust.Verify(found), crm.CodePluginUntrusted, "chmod go-w")
	replace(t, trust.Path, "{", 0o600)
	wantCode(t, trust.Verify(found), crm.CodePluginUntrusted, "remove it", "plugins trust")
}

// Two commands at once lose nothing of each other.
func TestPinsAreWrittenByManyAtOnce(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	trust := crmhost.Trust{Path: filepath.Join(root, "data", "trust.json"), Clock: func() time.Time { return time.Unix(0, 0) }}
	const many = 12
	var wg sync.WaitGroup
	for i := range many {
		b := fake
		b.Manifest.Name, b.Manifest.Aliases = "fake"+strconv.Itoa(i), nil
		if _, err := b.Install(root, ""); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			found, err := crmhost.Find(root, b.Manifest.Name)
			if err == nil {
				err = trust.Pin(found)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var file struct{ Plugins map[string]crmhost.Pin }
	if err := json.Unmarshal([]byte(read(t, trust.Path)), &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Plugins) != many {
		t.Errorf("%d of %d pins are left", len(file.Plugins), many)
	}
	if left, _ := filepath.Glob(trust.Path + ".new-*"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// What was hashed is what runs, though another file lies there by then.
func TestReplacedBetweenCheckAndExecution(t *testing.T) {
	t.Parallel()
	o, _ := options(t, "")
	p, err := crmhost.StartAfter(t.Context(), o, func() {
		replace(t, filepath.Join(o.Found.Dir, "fake"), "#!/bin/sh\nexit 9\n", 0o755)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	mustDo(t, p, "")
}

// Not parallel: a child that is just being forked would hold the file open for
// writing, and the system refuses to execute such a file.
func TestWrittenBetweenCheckAndExecution(t *testing.T) {
	o, _ := options(t, "")
	path := filepath.Join(o.Found.Dir, "fake")
	if out, err := exec.Command("sh", "-c", `cp "$1" "$1.copy" && mv "$1.copy" "$1"`, "sh", path).CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	_, err := crmhost.StartAfter(t.Context(), o, func() {
		if out, err := exec.Command("sh", "-c", `echo more >> "$1"`, "sh", path).CombinedOutput(); err != nil {
			t.Fatal(err, string(out))
		}
	})
	wantCode(t, err, crm.CodePluginUntrusted, "written to while")
}

// A script is executed from the open file, too: plugins need not be in Go.
func TestScript(t *testing.T) {
	t.Parallel()
	found, trust := installed(t, "")
	script := "#!/bin/sh\necho no CRM today >&2\nexit 7\n"
	replace(t, filepath.Join(found.Dir, "fake"), script, 0o755)
	edit(t, found.Dir, func(m *crm.Manifest) { m.SHA256 = sum(script) })
	found = again(found)
	if err := trust.Pin(found); err != nil {
		t.Fatal(err)
	}
	_, err := crmhost.Start(t.Context(), crmhost.Options{Found: found, Trust: trust, Log: discard()})
	wantCode(t, err, crm.CodePluginAnswer, "exit status 7", "no CRM today")
}

func TestNotExecutable(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		content string
		mode    os.FileMode
	}{"mode": {"#!/bin/sh\n", 0o644}, "format": {"\x7fELF nonsense", 0o755}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, trust := installed(t, "")
			replace(t, filepath.Join(found.Dir, "fake"), c.content, c.mode)
			edit(t, found.Dir, func(m *crm.Manifest) { m.SHA256 = sum(c.content) })
			found = again(found)
			if err := trust.Pin(found); err != nil {
				t.Fatal(err)
			}
			_, err := crmhost.Start(t.Context(), crmhost.Options{Found: found, Trust: trust, Log: discard()})
			wantCode(t, err, crm.CodePluginAnswer, "chmod 755")
		})
	}
}

// Folders that a killed host left are swept by the next one; those of a living
// one, and new ones, are not.
func TestSweep(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	dead := filepath.Join(temp, "crm-plugin-dead")
	if err := os.MkdirAll(filepath.Join(dead, "tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	p, _ := start(t)
	crmhost.Sweep(temp, time.Now())
	if _, err := os.Stat(dead); err != nil {
		t.Error("a new folder was swept away")
	}
	crmhost.Sweep(temp, time.Now().Add(time.Hour))
	if _, err := os.Stat(dead); err == nil {
		t.Error("the dead host's folder is still there")
	}
	if left, _ := filepath.Glob(filepath.Join(temp, "crm-plugin-*")); len(left) != 1 {
		t.Errorf("the living plugin's folder: %v", left)
	}
	mustDo(t, p, "")
}

// replace puts a new file in the place of path.
func replace(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	fresh := path + ".fresh"
	// Written by another process: see TestWrittenBetweenCheckAndExecution.
	cmd := exec.Command("sh", "-c", `cat > "$1"`, "sh", fresh)
	cmd.Stdin = strings.NewReader(content)
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	chmod(t, fresh, mode)
	if err := os.Rename(fresh, path); err != nil {
		t.Fatal(err)
	}
}

func edit(t *testing.T, dir string, change func(*crm.Manifest)) {
	t.Helper()
	m := fake.Manifest
	change(&m)
	content, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	replace(t, filepath.Join(dir, "plugin.json"), string(content), 0o644)
}

// link moves path away and leaves a link to it.
func link(t *testing.T, path string) {
	t.Helper()
	away := filepath.Join(t.TempDir(), "away")
	if err := os.Rename(path, away); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(away, path); err != nil {
		t.Fatal(err)
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func sum(content string) string { return fmt.Sprintf("%x", sha256Sum(content)) }
