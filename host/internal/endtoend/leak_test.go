package endtoend

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// findSecrets searches the files of a folder for secrets, plain and in the ways in
// which programs write texts, and says where they are without repeating them.
func findSecrets(dir string, secrets map[string]string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return nil, err
		}
		for value, what := range secrets {
			for way, form := range written(value) {
				if at := bytes.Index(content, []byte(form)); at >= 0 {
					before := string(content[max(0, at-80):at])
					found = append(found, fmt.Sprintf("%s (%s) in %s after %q", what, way, entry.Name(), before))
				}
			}
		}
	}
	slices.Sort(found)
	return found, nil
}

// written are the forms in which a text is looked for.
func written(value string) map[string]string {
	quoted, _ := json.Marshal(value)
	base := base64.StdEncoding.EncodeToString([]byte(value))
	return map[string]string{
		"plain":  value,
		"JSON":   strings.Trim(string(quoted), `"`),
		"URL":    url.QueryEscape(value),
		"base64": strings.TrimRight(base, "="),
		"hex":    hex.EncodeToString([]byte(value)),
	}
}

// A search that cannot find anything would call everything clean.
func TestTheSearchForSecretsFindsThem(t *testing.T) {
	t.Parallel()
	secrets := map[string]string{"canary/with+signs&42": "the canary"}
	for way, form := range written("canary/with+signs&42") {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "log"), []byte("level=INFO url="+form+" done"), 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := findSecrets(dir, secrets)
		if err != nil || len(found) == 0 {
			t.Errorf("%s: found %v, %v; want the canary", way, found, err)
		}
		if strings.Contains(strings.Join(found, ""), "canary/with") {
			t.Errorf("%s: the report repeats the secret: %v", way, found)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "log"), []byte("url=***"), 0o600); err != nil {
		t.Fatal(err)
	}
	if found, err := findSecrets(dir, secrets); err != nil || len(found) != 0 {
		t.Errorf("a clean folder: %v, %v", found, err)
	}
}

// A secret that a program writes, or gets as an argument or in its environment, must
// reach the folder that is searched.
func TestTheEvidenceHoldsWhatProgramsSay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	own, err := newEvidence(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	canaries := map[string]string{"canary-argument": "argument", "canary-environment": "environment", "canary-row": "row", "canary-output": "output", "canary-file": "file"}
	exec1(t, w.db, "CREATE TABLE canary (v VARBINARY(100))")
	exec1(t, w.db, "INSERT INTO canary VALUES ('canary-row')")
	own.dump(t, "db", w.db)
	own.add("stdout", "canary-output")
	if err := os.WriteFile(filepath.Join(w.dir, "some.log"), []byte("canary-file"), 0o600); err != nil {
		t.Fatal(err)
	}
	own.addFolder("work", w.dir)
	child := w.command("completion", "bash")
	child.Path, child.Args = "/bin/sh", []string{"sh", "-c", "read line; : canary-argument"}
	child.Env = append(child.Env, "SOMETHING=canary-environment")
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	own.sample(os.Getpid())
	_ = stdin.Close()
	_ = child.Wait()
	for value, what := range canaries {
		found, err := findSecrets(own.dir, map[string]string{value: what})
		if err != nil || len(found) == 0 {
			t.Errorf("%s did not reach the evidence (%v)", what, err)
		}
	}
	// The canaries of this test are in the real evidence, too, which does not know them.
	exec1(t, w.db, "DROP TABLE canary")
}
