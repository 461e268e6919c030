package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"booking/host/internal/simulator"
	"booking/shared/crm"
)

// programs are the host and a plugin that brings a simulated portal along, as `make
// build` leaves them.
type programs struct {
	dir      string
	manifest crm.Manifest
}

func (p *programs) plugins() string { return filepath.Join(p.dir, "plugins") }

// host prepares a call of booking-host.
func (p *programs) host(ctx context.Context, environment []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(p.dir, "booking-host"), args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.dir, "BOOKING_PLUGIN_DIR=" + p.plugins(), "BOOKING_LOCALE=en"}, environment...)
	return cmd
}

// startPortal starts the plugin's simulated portal.
func (p *programs) startPortal(ctx context.Context) (*simulator.Portal, error) {
	return simulator.Start(ctx, filepath.Join(p.plugins(), p.manifest.Name, p.manifest.Executable), p.manifest.Simulator)
}

// build builds them, once.
func (l *lab) build(ctx context.Context) (*programs, error) {
	if l.built != nil {
		return l.built, nil
	}
	p := &programs{dir: filepath.Join(l.dir, "bin")}
	source, err := pluginSource(ctx)
	if err != nil {
		return nil, err
	}
	name := strings.TrimPrefix(path.Base(source), "plugin-")
	folder := filepath.Join(p.plugins(), name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("make a folder for the programs: %w", err)
	}
	for executable, source := range map[string]string{filepath.Join(p.dir, "booking-host"): "booking/host", filepath.Join(folder, name): source} {
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", executable, source)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build %s: %w: %s", source, err, out)
		}
	}
	if err := p.describe(ctx, folder, name); err != nil {
		return nil, fmt.Errorf("describe the plugin: %w", err)
	}
	l.built = p
	return p, nil
}

// describe has the plugin write its manifest.
func (p *programs) describe(ctx context.Context, folder, name string) error {
	manifest, err := exec.CommandContext(ctx, filepath.Join(folder, name), "manifest").Output()
	if err != nil {
		return err
	}
	if err := json.Unmarshal(manifest, &p.manifest); err != nil {
		return err
	}
	// Whatever the umask: what a group may write to is no plugin.
	for _, place := range []string{p.dir, p.plugins(), folder, filepath.Join(folder, name)} {
		if err := os.Chmod(place, 0o755); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(folder, "plugin.json"), manifest, 0o644)
}

// pluginSource is the first of the repository's plugins: the host knows none by name.
func pluginSource(ctx context.Context) (string, error) {
	found, err := exec.CommandContext(ctx, "go", "list", "-f", `{{if eq .Name "main"}}{{.ImportPath}}{{end}}`, "booking/plugin-...").Output()
	if err != nil {
		return "", fmt.Errorf("look for a plugin: %w", err)
	}
	for line := range bytes.Lines(found) {
		if source := strings.TrimSpace(string(line)); path.Dir(source) == "booking" {
			return source, nil
		}
	}
	return "", errors.New("there is no plugin booking/plugin-*")
}
