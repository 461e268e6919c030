package crmhost_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"booking/shared/crmhost"
)

// children are the process ids of this process's children by their first argument;
// zombies count, under "".
func children(t *testing.T) map[string][]int {
	t.Helper()
	all := map[string][]int{}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		content, err := os.ReadFile(path)
		if err != nil {
			continue // gone since
		}
		_, rest, _ := strings.Cut(string(content), ") ")
		fields := strings.Fields(rest)
		if len(fields) < 2 || fields[1] != strconv.Itoa(os.Getpid()) {
			continue
		}
		dir := filepath.Dir(path)
		pid, _ := strconv.Atoi(filepath.Base(dir))
		arguments, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		name, _, _ := strings.Cut(string(arguments), "\x00")
		all[name] = append(all[name], pid)
	}
	return all
}

// repin trusts what Pin would refuse, as if an older host had pinned it.
func repin(t *testing.T, trust crmhost.Trust, found crmhost.Found) {
	t.Helper()
	var file struct {
		Plugins map[string]crmhost.Pin `json:"plugins"`
	}
	if err := json.Unmarshal([]byte(read(t, trust.Path)), &file); err != nil {
		t.Fatal(err)
	}
	pin := file.Plugins[found.Name]
	pin.ManifestSHA256 = found.ManifestSHA256
	file.Plugins[found.Name] = pin
	content, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	replace(t, trust.Path, string(content), 0o600)
}
