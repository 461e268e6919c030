package crmtest_test

import (
	"fmt"
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
