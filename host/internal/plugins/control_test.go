package plugins

import (
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"booking/shared/crm"
	"booking/shared/crmhost"
	"booking/shared/crmtest"
)

// listen opens the control socket in a data directory of its own.
func listen(t *testing.T, k *Keeper, dataDir string) {
	t.Helper()
	stop, err := k.Listen(dataDir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
}

func host(t *testing.T, dataDir string) Host {
	t.Helper()
	hosts := Hosts(dataDir)
	if len(hosts) != 1 || hosts[0].PID != os.Getpid() {
		t.Fatalf("hosts: %+v", hosts)
	}
	return hosts[0]
}

func TestReloadAndListOverTheSocket(t *testing.T) {
	t.Parallel()
	k, folder := newKeeper(t, "")
	// A data directory whose socket no sockaddr_un holds.
	dataDir := filepath.Join(t.TempDir(), strings.Repeat("long/", 30))
	listen(t, k, dataDir)
	h := host(t, dataDir)
	if states, err := h.List(t.Context()); err != nil || len(states) != 0 {
		t.Errorf("before the first use: %+v, %v", states, err)
	}
	_, _, release, err := k.Plugin(t.Context(), "fake")
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	states, err := h.List(t.Context())
	before := states["fake"]
	if err != nil || before.State != crmhost.StateReady || before.Version != "1.2.3" || before.Uses != 1 || before.Host != os.Getpid() {
		t.Errorf("%+v, %v", before, err)
	}
	after, err := h.Reload(t.Context(), "fake")
	if err != nil || after.State != crmhost.StateReady || after.PID == before.PID {
		t.Errorf("%+v, %v", after, err)
	}
	if len(after.Leaving) != 1 || after.Leaving[0].PID != before.PID || after.Leaving[0].Uses != 1 {
		t.Errorf("leaving: %+v", after.Leaving)
	}
	if err := os.WriteFile(filepath.Join(folder, crmtest.FaultFile), []byte("panic"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = h.Reload(t.Context(), "fake")
	if crm.CodeOf(err) != crm.CodePluginLost || !strings.Contains(err.Error(), "panic: no CRM") {
		t.Errorf("a broken version: %v", err)
	}
	states, _ = h.List(t.Context())
	if got := states["fake"]; got.State != crmhost.StateReady || got.PID != after.PID || !strings.Contains(got.Refused, "panic: no CRM") {
		t.Errorf("%+v", got)
	}
	for _, name := range []string{"nobody", "../fake", "a b"} {
		if _, err := h.Reload(t.Context(), name); err == nil {
			t.Errorf("%q was reloaded", name)
		}
	}
}

func TestSocketIsTheOwnersOnly(t *testing.T) {
	t.Parallel()
	k, _ := newKeeper(t, "")
	dataDir := filepath.Join(t.TempDir(), "data")
	stop, err := k.Listen(dataDir)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dataDir, "control-"+strconv.Itoa(os.Getpid())+".sock")
	for file, mode := range map[string]fs.FileMode{dataDir: 0o700, path: 0o600} {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v, want mode %v", file, info.Mode(), err, mode)
		}
	}
	stop()
	if _, err := os.Lstat(path); err == nil {
		t.Error("the socket is left behind")
	}
}

// What a killed host left is removed; several hosts may serve one directory.
func TestSocketsOfOthers(t *testing.T) {
	t.Parallel()
	k, _ := newKeeper(t, "")
	dataDir := t.TempDir()
	listen(t, k, dataDir)

	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(dataDir, "control-"+strconv.Itoa(dead.Process.Pid)+".sock")
	leave(t, left)
	starting := filepath.Join(dataDir, "control-"+strconv.Itoa(os.Getppid())+".sock")
	leave(t, starting)

	living := exec.Command("sleep", "60")
	if err := living.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = living.Process.Kill(); _ = living.Wait() })
	listener, err := net.Listen("unix", filepath.Join(dataDir, "control-"+strconv.Itoa(living.Process.Pid)+".sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()

	var pids []int
	for _, h := range Hosts(dataDir) {
		pids = append(pids, h.PID)
	}
	if len(pids) != 2 {
		t.Errorf("hosts %v, want this process and %d", pids, living.Process.Pid)
	}
	if _, err := os.Lstat(left); err == nil {
		t.Error("a dead host's socket is still there")
	}
	if _, err := os.Lstat(starting); err != nil {
		t.Error("the socket of a living process that does not listen yet was removed")
	}
}

// leave makes a socket file nobody listens on, as kill -9 does.
func leave(t *testing.T, path string) {
	t.Helper()
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	listener.Close()
}

// A host killed without a trace had our process id: its socket is taken over.
func TestSocketOfAnEarlierProcessWithThisID(t *testing.T) {
	t.Parallel()
	k, _ := newKeeper(t, "")
	dataDir := t.TempDir()
	leave(t, filepath.Join(dataDir, "control-"+strconv.Itoa(os.Getpid())+".sock"))
	listen(t, k, dataDir)
	host(t, dataDir)
}
