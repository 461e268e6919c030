package crmtest

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"

	"booking/shared/crm"
)

// T is the part of testing.TB that Exercise needs: the host's `plugins check` links
// this package without the package testing.
type T interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
}

// Exercise examines a plugin executable in a test: every check that fails, or could
// not be tried for want of settings, fails the test.
//
//	crmtest.Exercise(t, "bin/plugins/mycrm/mycrm", crmtest.Subject{Settings: ..., Many: ...})
func Exercise(t T, executable string, s Subject) Report {
	t.Helper()
	s.Executable = executable
	if s.Manifest == nil {
		s.Manifest = manifestBeside(executable)
	}
	report, err := Examine(t.Context(), s, func(r Result) {
		t.Helper()
		switch r.Status {
		case StatusFailed:
			t.Errorf("%s: %s\n  seen: %s\n  mend: %s", r.Name, r.Title.EN, r.Reason.EN, r.Mend.EN)
		case StatusNotTried:
			t.Errorf("%s: %s\n  was not tried: %s", r.Name, r.Title.EN, r.Reason.EN)
		default:
			t.Logf("%s: %s (%s) %s", r.Name, r.Status, r.Took.Round(1e6), r.Reason.EN)
		}
	})
	if err != nil {
		t.Fatalf("examine %s: %v", executable, err)
	}
	return report
}

// manifestBeside reads the plugin.json of an executable; nil when there is none.
func manifestBeside(executable string) *crm.Manifest {
	content, err := os.ReadFile(filepath.Join(filepath.Dir(executable), "plugin.json"))
	if err != nil {
		return nil
	}
	m := &crm.Manifest{} // one that cannot be read agrees with no description
	_ = json.Unmarshal(content, m)
	return m
}
