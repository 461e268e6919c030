package crmtest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"booking/shared/crmtest"
	"booking/shared/testdb"
)

func TestMain(m *testing.M) {
	playPlugin()
	os.Exit(testdb.Main(m))
}

// built compiles a program of this module and returns its path.
func built(t *testing.T, pkg, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, pkg).CombinedOutput()
	if err != nil {
		t.Fatalf("go build %s: %v\n%s", pkg, err, out)
	}
	manifest, err := exec.CommandContext(t.Context(), path, "manifest").Output()
	if err == nil {
		err = os.WriteFile(filepath.Join(filepath.Dir(path), "plugin.json"), manifest, 0o600)
	}
	if err != nil {
		t.Fatalf("%s manifest: %v", pkg, err)
	}
	return path
}

// directory writes a table of so many people.
func directory(t *testing.T, people int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), fmt.Sprintf("people%d.csv", people))
	var b strings.Builder
	b.WriteString("id;email;name;phone;position\n")
	for i := 1; i <= people; i++ {
		fmt.Fprintf(&b, "%d;person%d@portal.example;Человек %d;+7 900 %07d;врач\n", i, i, i, i)
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// tables are a subject whose portal is a file.
func tables(t *testing.T) crmtest.Subject {
	t.Helper()
	return crmtest.Subject{
		Settings: map[string]string{"file": directory(t, 30)}, Many: map[string]string{"file": directory(t, crmtest.ManyPeople)},
		Broken: map[string]string{"file": "/nonexistent/people.csv"}, DSN: testdb.New(t), Patience: 4,
	}
}

func TestTheCSVPluginPasses(t *testing.T) {
	t.Parallel()
	crmtest.Exercise(t, built(t, "booking/shared/crmtest/csvplugin", "csv"), tables(t))
}

// jsonDirectory serves so many people to whoever knows the token.
func jsonDirectory(t *testing.T, people int) map[string]string {
	t.Helper()
	type person struct {
		ID       int    `json:"id"`
		Email    string `json:"email"`
		Name     string `json:"name"`
		Position string `json:"position,omitempty"`
	}
	list := make([]person, people)
	for i := range list {
		list[i] = person{i + 1, fmt.Sprintf("person%d@portal.example", i+1), fmt.Sprintf("Человек %d", i+1), "врач"}
	}
	body, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	const token = "t0kenT0kenT0kenT0ken"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write(body)
	}))
	t.Cleanup(server.Close)
	return map[string]string{"url": server.URL + "/people.json", "token": token}
}

func pythonPlugin(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "bash", "../../.ci/pyplugin", dir).CombinedOutput(); err != nil {
		t.Fatalf("build the plugin in Python (make test installs what it needs: .ci/install python): %v\n%s", err, out)
	}
	return filepath.Join(dir, "jsondir")
}

func TestThePluginInPythonPasses(t *testing.T) {
	t.Parallel()
	crmtest.Exercise(t, pythonPlugin(t), crmtest.Subject{
		Settings: jsonDirectory(t, 30), Many: jsonDirectory(t, crmtest.ManyPeople),
		Broken: map[string]string{"url": "http://127.0.0.1:9/people.json", "token": "t0kenT0kenT0kenT0ken"}, DSN: testdb.New(t), Patience: 4,
	})
}
