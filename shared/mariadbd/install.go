package mariadbd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// ErrNotInstalled says that there is no MariaDB server on this machine.
var ErrNotInstalled = errors.New("no MariaDB server (mariadbd, mariadb-install-db) is installed: " +
	"apt-get install mariadb-server-core mariadb-client-core, or set BOOKING_DSN")

// Binaries are the programs a private server needs.
type Binaries struct{ Server, Installer string }

// Find looks for the programs in PATH and in Debian's sbin folder.
func Find() (Binaries, error) {
	server, installer := look("mariadbd"), look("mariadb-install-db")
	if server == "" || installer == "" {
		return Binaries{}, ErrNotInstalled
	}
	return Binaries{Server: server, Installer: installer}, nil
}

func look(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	if path, err := exec.LookPath(filepath.Join("/usr/sbin", name)); err == nil {
		return path
	}
	return ""
}

// install fills data beside its final place and moves it there whole.
func (b Binaries) install(ctx context.Context, data string) error {
	if _, err := os.Stat(data); err == nil {
		return nil
	}
	// What a kill left behind goes away, except where its installer is still dying:
	// the new name keeps us out of its way.
	if stale, err := filepath.Glob(data + ".new*"); err == nil {
		for _, folder := range stale {
			_ = os.RemoveAll(folder)
		}
	}
	fresh, err := os.MkdirTemp(filepath.Dir(data), filepath.Base(data)+".new")
	if err != nil {
		return fmt.Errorf("make the database folder: %w", err)
	}
	defer os.RemoveAll(fresh)
	filled, temporary := filepath.Join(fresh, "data"), filepath.Join(fresh, "tmp")
	for _, folder := range []string{filled, temporary} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			return fmt.Errorf("make the database folder: %w", err)
		}
	}
	args := []string{"--no-defaults", "--datadir=" + filled, "--auth-root-authentication-method=normal", "--skip-test-db"}
	if os.Geteuid() == 0 {
		args = append(args, "--user=root")
	}
	installer := exec.CommandContext(ctx, b.Installer, args...)
	installer.Env = append(environment(), "TMPDIR="+temporary) // see Server.launch
	out, err := runInstaller(installer)
	if err != nil {
		return fmt.Errorf("make the private database: %w: %s", err, complaint(out))
	}
	if err := os.Rename(filled, data); err != nil {
		return fmt.Errorf("put the private database in place: %w", err)
	}
	return nil
}

// runInstaller runs the installer in a group of its own, which ends with its context
// or with us: it is a script, and its children must not outlive it.
func runInstaller(cmd *exec.Cmd) ([]byte, error) {
	cmd.SysProcAttr = childAttributes()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	type result struct {
		out []byte
		err error
	}
	ended := make(chan result)
	go func() {
		runtime.LockOSThread() // see Server.launch
		defer runtime.UnlockOSThread()
		out, err := cmd.CombinedOutput()
		ended <- result{out, err}
	}()
	r := <-ended
	return r.out, r.err
}

// complaint is what an installer's output says about its failure: its first error,
// else its last lines.
func complaint(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	for _, line := range lines {
		if _, text, found := strings.Cut(line, "[ERROR]"); found {
			return strings.TrimSpace(text)
		}
		if strings.Contains(line, "ERROR") || strings.Contains(line, "FATAL") {
			return strings.TrimSpace(line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-3):], " / ")
}
