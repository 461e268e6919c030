package crmtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"booking/shared/crm"
)

// FaultFile is the file beside the fake's executable that says what goes wrong at
// its start; see the fakeplugin command for the words.
const FaultFile = "fault"

// Binary is a built fake plugin.
type Binary struct {
	path     string
	Manifest crm.Manifest
}

// Build compiles the fake plugin into dir. Do it once for a test process, in
// TestMain: it takes seconds.
func Build(dir string) (Binary, error) {
	ctx := context.Background()
	b := Binary{path: filepath.Join(dir, "fake")}
	build := exec.CommandContext(ctx, "go", "build", "-o", b.path, "booking/shared/crmtest/fakeplugin")
	// As plugins are built: with cgo each thread's stack would count as its data.
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	if err != nil {
		return b, fmt.Errorf("build the fake plugin: %w: %s", err, bytes.TrimSpace(out))
	}
	// Whatever the umask: a file its group may write to is no plugin.
	if err := os.Chmod(b.path, 0o755); err != nil {
		return b, fmt.Errorf("set the fake plugin's mode: %w", err)
	}
	manifest, err := exec.CommandContext(ctx, b.path, "manifest").Output()
	if err != nil {
		return b, fmt.Errorf("ask the fake plugin for its manifest: %w", err)
	}
	if err := json.Unmarshal(manifest, &b.Manifest); err != nil {
		return b, fmt.Errorf("read the fake plugin's manifest: %w", err)
	}
	return b, nil
}

// Install makes the plugin's folder below plugins and returns it. The executable
// is a hard link: copy it before writing into it. fault is empty for a fake that
// behaves.
func (b Binary) Install(plugins, fault string) (string, error) {
	dir := filepath.Join(plugins, b.Manifest.Name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make the plugin's folder: %w", err)
	}
	for _, folder := range []string{plugins, dir} {
		if err := os.Chmod(folder, 0o755); err != nil {
			return "", fmt.Errorf("set the mode of the plugin's folder: %w", err)
		}
	}
	if err := os.Link(b.path, filepath.Join(dir, b.Manifest.Executable)); err != nil {
		return "", fmt.Errorf("put the executable in place: %w", err)
	}
	manifest, err := json.Marshal(b.Manifest)
	if err != nil {
		return "", fmt.Errorf("encode the manifest: %w", err)
	}
	for name, content := range map[string][]byte{"plugin.json": manifest, FaultFile: []byte(fault)} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return "", fmt.Errorf("fill the plugin's folder: %w", err)
		}
	}
	return dir, nil
}
