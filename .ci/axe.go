//go:build ignore

// Command axe brings axe-core, which looks for what shuts people out of a page, to where
// the browser tests find it: booking-host/axe-core.min.js in the user's cache folder. It
// comes from the npm registry, needs neither Node nor npm, and is never in the tree.
package main

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// What is fetched: the archive's hash is npm's own ("integrity"), the script's is what
// tells a script that is there already from an older or a damaged one.
const (
	version    = "4.14.1"
	archiveSum = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
	scriptSum  = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
	script     = "package/axe.min.js"
)

func main() {
	cache, err := os.UserCacheDir()
	if err != nil {
		fmt.Fprintln(os.Stderr, "axe-core:", err)
		os.Exit(1)
	}
	path := filepath.Join(cache, "booking-host", "axe-core.min.js")
	if err := install(path); err != nil {
		fmt.Fprintf(os.Stderr, "axe-core: %v\nThe browser tests need it. By hand: put %s of axe-core %s (npm) there as %s;\nwith a registry of your own: npm_config_registry=https://...\n", err, script, version, path)
		os.Exit(1)
	}
}

func install(path string) error {
	if there, err := os.ReadFile(path); err == nil && sum(there) == scriptSum {
		return nil
	}
	address := fmt.Sprintf("%s/axe-core/-/axe-core-%s.tgz", registry(), version)
	fmt.Printf("Fetching axe-core %s for the browser tests (%s)\n", version, address)
	archive, err := fetch(address)
	for again := time.Second; err != nil && again <= 4*time.Second; again *= 2 {
		fmt.Printf("%v; once more in %s\n", err, again)
		time.Sleep(again)
		archive, err = fetch(address)
	}
	if err != nil {
		return err
	}
	content, err := unpack(archive)
	if err != nil {
		return fmt.Errorf("unpack %s: %w", address, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	// Beside it and renamed: a test that runs meanwhile sees the old one or the new one.
	fresh := fmt.Sprintf("%s.%d", path, os.Getpid())
	if err := os.WriteFile(fresh, content, 0o644); err != nil {
		return err
	}
	return os.Rename(fresh, path)
}

// registry is the one that npm uses on this machine, where there is an npm.
func registry() string {
	address := cmp.Or(os.Getenv("npm_config_registry"), os.Getenv("NPM_CONFIG_REGISTRY"))
	if address == "" {
		if said, err := exec.Command("npm", "config", "get", "registry").Output(); err == nil {
			address = strings.TrimSpace(string(said))
		}
	}
	return strings.TrimSuffix(cmp.Or(address, "https://registry.npmjs.org"), "/")
}

func fetch(address string) ([]byte, error) {
	client := &http.Client{Timeout: 2 * time.Minute}
	response, err := client.Get(address)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", address, response.Status)
	}
	archive, err := io.ReadAll(io.LimitReader(response.Body, 20<<20))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", address, err)
	}
	if got := sha512.Sum512(archive); base64.StdEncoding.EncodeToString(got[:]) != archiveSum {
		return nil, fmt.Errorf("%s is not what was pinned (sha512 %s)", address, base64.StdEncoding.EncodeToString(got[:]))
	}
	return archive, nil
}

func unpack(archive []byte) ([]byte, error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, err
	}
	files := tar.NewReader(unzipped)
	for {
		file, err := files.Next()
		if err != nil {
			return nil, fmt.Errorf("look for %s: %w", script, err)
		}
		if file.Name != script {
			continue
		}
		content, err := io.ReadAll(files)
		if err == nil && sum(content) != scriptSum {
			err = fmt.Errorf("%s has the sha256 %s", script, sum(content))
		}
		return content, err
	}
}

func sum(content []byte) string {
	got := sha256.Sum256(content)
	return hex.EncodeToString(got[:])
}
