package crmtest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"booking/shared/crm"
	"booking/shared/crmtest"
	"booking/shared/testdb"
)

// faulty makes this test's executable a plugin with a fault.
func faulty(t *testing.T, fault string) crmtest.Subject {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "sound")
	if err := os.Link(self, path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), faultFile), []byte(fault), 0o600); err != nil {
		t.Fatal(err)
	}
	base := map[string]string{"portal": "portal.example", "token": "0123456789abcdef0123"}
	with := func(key, value string) map[string]string {
		changed := map[string]string{key: value}
		for k, v := range base {
			if k != key {
				changed[k] = v
			}
		}
		return changed
	}
	return crmtest.Subject{
		Executable: path, Manifest: &crm.Manifest{Name: "sound", Version: "1.0.0", Protocol: 1},
		Settings: base, Event: subjectEvent(base["token"]), Many: with("people", strconv.Itoa(crmtest.ManyPeople)), Broken: with("portal", "broken"), Patience: 4,
	}
}

func TestASoundPluginPasses(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"", "people"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := faulty(t, kind)
			s.DSN = testdb.New(t)
			if report := crmtest.Exercise(t, s.Executable, s); report.Count(crmtest.StatusOK) < 40 {
				t.Errorf("%d checks passed", report.Count(crmtest.StatusOK))
			}
		})
	}
}

// faults by the check that finds them. A check that nothing here can fail proves
// nothing.
var faults = map[string][]string{
	"by_hand":           {"silent by hand"},
	"wrong_cookie":      {"any cookie"},
	"handshake":         {"listens elsewhere"},
	"mutual_tls":        {"bare open"},
	"protocol_versions": {"claims 99"},
	"health":            {"bare"},
	"unknown_call":      {"bare knowing"},
	"unknown_fields":    {"bare picky"},
	"describe":          {"column of the host"},
	"describe_first":    {"described when configured"},
	"describe_stable":   {"another title each time"},
	"capabilities":      {"can nothing"},
	"unlisted":          {"does more than it lists"},
	"secret_fields":     {"open token"},
	"manifest":          {"another version"},
	"configure_twice":   {"configured once"},
	"before_configure":  {"crashes before Configure"},
	"settings_good":     {"portal of no name"},
	"settings_empty":    {"anything goes"},
	"settings_bad":      {"anything goes"},
	"settings_unknown":  {"nothing unknown"},
	"settings_hostile":  {"bare"},
	"connection_good":   {"never connected"},
	"connection_broken": {"always connected"},
	"secret_answers":    {"repeats the token"},
	"migrate_denied":    {"migrates in dreams"},
	"migrate":           {"migrates in dreams"},
	"migrate_again":     {"always did something"},
	"migrate_together":  {"looks before it leaps"},
	"migrate_only_adds": {"a table of its own"},
	"run":               {"counts people nobody saw", "people, one of them twice"},
	"run_others":        {"renames others"},
	"run_again":         {"touches every row"},
	"run_preview":       {"writes a preview"},
	"run_person":        {"everybody for one"},
	"run_fence":         {"own fence"},
	"run_no_tenant":     {"bare guessing"},
	"run_mode":          {"bare guessing"},
	"run_tenants":       {"shares"},
	"run_broken":        {"a short list"},
	"run_parallel":      {"one at a time"},
	"run_cancel":        {"deaf to cancel"},
	"run_many":          {"a few of many"},
	"people":            {"people, one of them twice"},
	"people_again":      {"people with changing names"},
	"people_no_sync":    {"people and SyncUsers"},
	"choices":           {"lists nothing", "choices of nothing", "choices that cannot be saved"},
	"choices_unknown":   {"choices of anything"},
	"choices_broken":    {"choices of a broken portal"},
	"import_denied":     {"imports in dreams"},
	"import_reads_only": {"imports and tidies up", "repeats the key"},
	"event":             {"believes nobody"},
	"event_proof":       {"believes whoever knows an id"},
	"event_foreign":     {"believes anybody", "fails at nonsense"},
	"end_shutdown":      {"bare"},
	"end_files":         {"litter"},
	"end_children":      {"child"},
	"end_stdin":         {"bare"},
	"end_host":          {"bare"},
	"end_sigterm":       {"bare immortal"},
	"end_sigterm_run":   {"bare immortal"},
	"end_sigint":        {"bare"},
	"stdout":            {"prints"},
	"log":               {"scribbles"},
	"secrets":           {"logs the token"},
}

// before are checks that make an overall check see something.
var before = map[string][]string{"stdout": {"settings_good"}, "log": {"settings_good"}, "secrets": {"connection_good"}}

func TestEveryCheckFindsItsFault(t *testing.T) {
	t.Parallel()
	for name, words := range faults {
		for _, fault := range words {
			t.Run(name+"/"+fault, func(t *testing.T) {
				t.Parallel()
				s := faulty(t, fault)
				s.Only, s.Patience = append(slices.Clone(before[name]), name), 1
				if fault == "another version" {
					s.Manifest.Version = "2.0.0"
				}
				if strings.HasPrefix(name, "migrate") || strings.HasPrefix(name, "run") || strings.HasPrefix(name, "end") || !strings.HasPrefix(fault, "people") {
					s.DSN = testdb.New(t)
				}
				report, err := crmtest.Examine(t.Context(), s, nil)
				if err != nil {
					t.Fatal(err)
				}
				last := report.Results[len(report.Results)-1]
				if last.Name != name || last.Status != crmtest.StatusFailed || last.Reason.EN == "" || last.Mend.RU == "" || last.Title.RU == "" {
					t.Errorf("%+v", last)
				}
				if strings.Contains(last.Reason.EN, s.Settings["token"]) {
					t.Error("the report shows the secret")
				}
				t.Log(last.Reason.EN)
			})
		}
	}
}

func TestEveryCheckHasAFault(t *testing.T) {
	t.Parallel()
	s := faulty(t, "people")
	s.Executable = "/bin/false" // every check fails at once
	report, err := crmtest.Examine(t.Context(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Results {
		if faults[r.Name] == nil {
			t.Errorf("no fault makes the check %s fail", r.Name)
		}
	}
	if len(report.Results) != len(faults) {
		t.Errorf("%d checks, %d with a fault", len(report.Results), len(faults))
	}
}

func TestAPluginWithoutSettingsIsNotPassedSilently(t *testing.T) {
	t.Parallel()
	s := faulty(t, "people")
	s.Settings, s.Many = nil, nil
	s.Only = []string{"settings_good", "run", "people", "run_many", "migrate"}
	report, err := crmtest.Examine(t.Context(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range report.Results {
		got = append(got, r.Name+" "+string(r.Status))
	}
	want := []string{"settings_good not_tried", "migrate not_applicable", "run not_tried", "run_many not_tried", "people not_tried"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := json.Marshal(report); err != nil {
		t.Error(err)
	}
}
