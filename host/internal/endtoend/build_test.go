package endtoend

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// programs are what `make build` leaves in bin, built for this test process.
type programs struct {
	dir     string // of booking-host; beside it the folder plugins
	host    string
	plugins string
	plugin  string // the executable of the one plugin
}

var built programs

// pluginName is the plugin that these tests use.
const pluginName = "bitrix24"

// build compiles both programs of a source tree ("": this one) once. Its folders are 0755
// whatever the umask is: what a group may write to is no plugin.
func build(source, dir string) (programs, error) {
	p := programs{dir: filepath.Join(dir, "bin")}
	p.host, p.plugins = filepath.Join(p.dir, "booking-host"), filepath.Join(p.dir, "plugins")
	folder := filepath.Join(p.plugins, pluginName)
	p.plugin = filepath.Join(folder, pluginName)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return p, err
	}
	for path, main := range map[string]string{p.host: "booking/host", p.plugin: "booking/plugin-" + pluginName} {
		cmd := exec.Command("go", "build", "-trimpath", "-o", path, main)
		cmd.Dir = source
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return p, fmt.Errorf("go build %s: %w\n%s", main, err, out)
		}
	}
	manifest, err := exec.Command(p.plugin, "manifest").Output()
	if err != nil {
		return p, fmt.Errorf("print the manifest: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "plugin.json"), manifest, 0o644); err != nil {
		return p, err
	}
	for _, path := range []string{p.dir, p.plugins, folder, p.host, p.plugin} {
		if err := os.Chmod(path, 0o755); err != nil {
			return p, err
		}
	}
	return p, os.Chmod(filepath.Join(folder, "plugin.json"), 0o644)
}

// copyPlugins puts the plugin folder to another place, where a test may spoil it.
func copyPlugins(to string) error {
	folder := filepath.Join(to, pluginName)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for name, mode := range map[string]os.FileMode{pluginName: 0o755, "plugin.json": 0o644} {
		content, err := os.ReadFile(filepath.Join(filepath.Dir(built.plugin), name))
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name), content, mode)
		}
		if err == nil {
			err = os.Chmod(filepath.Join(folder, name), mode)
		}
		if err != nil {
			return err
		}
	}
	return errors.Join(os.Chmod(to, 0o755), os.Chmod(folder, 0o755))
}

// runToEnd runs a prepared command and returns what it wrote and its exit status.
func runToEnd(cmd *exec.Cmd) (stdout, stderr string, code int, err error) {
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	err = cmd.Run()
	if ended := (*exec.ExitError)(nil); errors.As(err, &ended) {
		err = nil
	}
	if cmd.ProcessState != nil {
		code = cmd.ProcessState.ExitCode()
	}
	return out.String(), complaints.String(), code, err
}
