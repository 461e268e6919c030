//go:build chaos || cluster

// Package chaos lets three hosts, real processes with their plugins, work on one database
// while they are killed, stopped and told to end, while the database dies and comes back,
// and while connections are cut in the middle of commits; and looks in the database
// whether it has all come right. Rounds are drawn from seeds (round_test.go), what must be
// true afterwards stands in invariants_test.go and equal_test.go.
//
// `make chaos` runs it on one MariaDB, `make test-cluster` on clusters whose nodes die.
package chaos

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"booking/host/internal/cli"
)

// envClock makes this program a host whose schedule goes by the clock of a file.
const envClock = "CHAOS_CLOCK"

const pluginName = "bitrix24"

// built is the folder of plugins.
var built string

func TestMain(m *testing.M) {
	if path := os.Getenv(envClock); path != "" {
		os.Exit(cli.MainAt(clockOf(path), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "booking-chaos-bin-")
	if err == nil {
		defer os.RemoveAll(dir)
		built, err = build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build the plugin:", err)
		return 1
	}
	return m.Run()
}

// build makes the folder of the one plugin. Nobody else may write to it, whatever the
// umask is: it would be no plugin.
func build(dir string) (string, error) {
	folder := filepath.Join(dir, pluginName)
	if err := os.Mkdir(folder, 0o755); err != nil {
		return "", err
	}
	executable, manifest := filepath.Join(folder, pluginName), filepath.Join(folder, "plugin.json")
	cmd := exec.Command("go", "build", "-trimpath", "-o", executable, "booking/plugin-"+pluginName)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	text, err := exec.Command(executable, "manifest").Output()
	if err == nil {
		err = os.WriteFile(manifest, text, 0o644)
	}
	for path, mode := range map[string]os.FileMode{dir: 0o755, folder: 0o755, executable: 0o755, manifest: 0o644} {
		if err == nil {
			err = os.Chmod(path, mode)
		}
	}
	return dir, err
}
