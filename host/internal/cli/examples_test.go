package cli

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-systemd/v22/unit"

	"booking/host/internal/config"
)

// longestStop is what the README says beside BOOKING_DRAIN.
const longestStop = drain + handBack + pluginsLeave

// The limits on the way to the end are those of the README's sentence.
func TestAStopTakesAMinuteAtMost(t *testing.T) {
	t.Parallel()
	if longestStop != time.Minute || !strings.Contains(readme(t), "`BOOKING_DRAIN` and 60 seconds at most") {
		t.Errorf("a stop takes up to %s, the README says otherwise", longestStop)
	}
}

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// example is the README's block of a language that begins in a certain way.
func example(t *testing.T, language, begins string) string {
	t.Helper()
	block := regexp.MustCompile("(?s)```" + language + "\n(" + regexp.QuoteMeta(begins) + ".*?)```").FindStringSubmatch(readme(t))
	if block == nil {
		t.Fatalf("the README has no %s that begins with %s", language, begins)
	}
	return block[1]
}

// exists reports whether there is such a command with such flags.
func exists(t *testing.T, words []string) {
	t.Helper()
	a := &app{locale: "en"}
	command, rest, err := a.rootCommand().Find(words)
	if err == nil && !command.HasParent() {
		err = fmt.Errorf("there is no command %q", words)
	}
	if err == nil {
		err = command.ParseFlags(rest)
	}
	if err == nil {
		err = command.ValidateFlagGroups()
	}
	if err != nil {
		t.Errorf("booking-host %s: %v", strings.Join(words, " "), err)
	}
}

// secretFiles are what the examples' files hold.
var secretFiles = map[string]string{
	"dsn": "booking:secret@tcp(database:3306)/booking", "plugin-dsn": "narrow:secret@tcp(database:3306)/booking",
	"key": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "database-password": "secret",
}

// understood loads an environment as a host does: every name must mean something, every
// value must be one. The files of secrets lie below from.
func understood(t *testing.T, environment map[string]string, from string) *config.Config {
	t.Helper()
	dir := t.TempDir()
	for name, content := range secretFiles {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if unknown := config.Unknown(environment); len(unknown) > 0 {
		t.Errorf("there are no settings %v", unknown)
	}
	here := maps.Clone(environment)
	for name, value := range here {
		here[name] = strings.Replace(value, from, dir, 1)
	}
	loaded, err := config.Load(here)
	if err != nil {
		t.Fatalf("%v: %v", environment, err)
	}
	return loaded
}

// service is a unit's options by name; those that may stand there several times are
// lists of one value.
type service map[string][]string

func (s service) one(t *testing.T, name string) string {
	t.Helper()
	if len(s[name]) != 1 {
		t.Errorf("%s= stands there %d times", name, len(s[name]))
		return ""
	}
	return s[name][0]
}

func (s service) duration(t *testing.T, name string) time.Duration {
	t.Helper()
	text := strings.Replace(s.one(t, name), "min", "m", 1)
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Errorf("%s=%s: %v", name, text, err)
	}
	return d
}

func readUnit(t *testing.T) service {
	t.Helper()
	options, err := unit.DeserializeOptions(strings.NewReader(example(t, "ini", "[Unit]")))
	if err != nil {
		t.Fatal(err)
	}
	s := service{}
	for _, option := range options {
		if option.Section == "Service" {
			s[option.Name] = append(s[option.Name], option.Value)
		}
	}
	return s
}

func TestTheUnitOfTheREADMESuitsTheHost(t *testing.T) {
	t.Parallel()
	s := readUnit(t)
	words := strings.Fields(s.one(t, "ExecStart"))
	if filepath.Base(words[0]) != "booking-host" {
		t.Errorf("it starts %s", words[0])
	}
	exists(t, words[1:])
	environment := map[string]string{}
	for _, line := range s["Environment"] {
		for _, assignment := range strings.Fields(line) {
			name, value, _ := strings.Cut(assignment, "=")
			environment[name] = value
		}
	}
	c := understood(t, environment, "%d")
	if c.DSN.Empty() || c.PluginDSN.Empty() || c.SecretKey.Empty() {
		t.Error("a secret is missing")
	}
	for _, credential := range s["LoadCredential"] {
		name, _, _ := strings.Cut(credential, ":")
		if !slices.Contains(slices.Collect(maps.Values(environment)), "%d/"+name) {
			t.Errorf("the credential %s is read by no setting", name)
		}
	}
	if len(s["LoadCredential"]) != strings.Count(strings.Join(s["Environment"], " "), "%d/") {
		t.Error("a setting reads a credential that is not there")
	}
	if environment["BOOKING_DATA_DIR"] != "%S/"+s.one(t, "StateDirectory") {
		t.Errorf("it keeps its data in %s, where it may not write", environment["BOOKING_DATA_DIR"])
	}
	if s.one(t, "Type") != "notify" || s.one(t, "KillMode") != "mixed" || s.one(t, "Restart") != "on-failure" {
		t.Error("systemd does not hear it, stops its plugins, or leaves it down")
	}
	if stop := s.duration(t, "TimeoutStopSec"); stop < longestStop+30*time.Second {
		t.Errorf("it is killed after %s, its stop takes up to %s and BOOKING_DRAIN", stop, longestStop)
	}
	if s.duration(t, "WatchdogSec") < time.Minute || s.duration(t, "TimeoutStartSec") < 10*time.Minute {
		t.Error("it is killed while it only works")
	}
}
