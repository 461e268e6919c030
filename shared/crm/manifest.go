package crm

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

// Manifest is a plugin's plugin.json: what a host knows of it before it runs it.
type Manifest struct {
	// Name is the plugin's folder and key, ^[a-z][a-z0-9]*$, at most 32 characters.
	Name    string `json:"name"`
	Version string `json:"version"`
	// Protocol is the version of the contract the executable was built for.
	Protocol int `json:"protocol"`
	// Executable is a plain file name in the manifest's folder.
	Executable string `json:"executable"`
	// SHA256 of the executable, lower-case hex.
	SHA256 string `json:"sha256"`
	// Platform is GOOS/GOARCH, for example linux/amd64.
	Platform string `json:"platform"`
	// Aliases are further names ("name:something") of the host's commands.
	Aliases map[string]string `json:"aliases,omitempty"`
	// Simulator holds the arguments with which the executable serves a simulated
	// portal on loopback, for demonstrations. It prints one JSON object, whose text
	// values are settings by key, and ends when its standard input does. Lines
	// there are orders, and ignored by whoever does not know them: "lively" (the people
	// change a little and their next reading takes some seconds: something to look at),
	// "people N" (so many they are from now on), "change N" (so many of them have another
	// name) and "unlimited" (no limit of requests), for measurements. An order that is
	// carried out is answered on standard output by the line "done".
	Simulator []string `json:"simulator,omitempty"`
}

// WriteManifest writes the manifest of the running executable: a plugin's own
// `manifest` command calls it when the plugin is built. Name and version come
// from what the plugin says in Describe, so that the two cannot differ; of extra
// only Aliases and Simulator count.
func WriteManifest(w io.Writer, d Description, extra Manifest) error {
	path, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the plugin's executable: %w", err)
	}
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open the plugin's executable: %w", err)
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return fmt.Errorf("read the plugin's executable: %w", err)
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	err = out.Encode(Manifest{
		Name: d.Name, Version: d.Version, Protocol: ProtocolVersion,
		Executable: filepath.Base(path), SHA256: hex.EncodeToString(sum.Sum(nil)),
		Platform: runtime.GOOS + "/" + runtime.GOARCH, Aliases: extra.Aliases, Simulator: extra.Simulator,
	})
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	return nil
}
