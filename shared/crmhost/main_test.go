package crmhost_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"booking/shared/crm"
	"booking/shared/crmhost"
	"booking/shared/crmtest"
	"booking/shared/secret"
)

// fake is the plugin executable, built once.
var fake crmtest.Binary

// patience is the deadline of things that take milliseconds.
const patience = 20 * time.Second

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	if play, ok := roles[os.Getenv(roleVariable)]; ok {
		return play()
	}
	dir, err := os.MkdirTemp("", "crmhost-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if fake, err = crmtest.Build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// installed is a fake plugin in a folder of its own, trusted.
func installed(t testing.TB, fault string) (crmhost.Found, crmhost.Trust) {
	t.Helper()
	root := t.TempDir()
	plugins := filepath.Join(root, "plugins")
	if _, err := fake.Install(plugins, fault); err != nil {
		t.Fatal(err)
	}
	found, err := crmhost.Find(plugins, "fake")
	if err != nil {
		t.Fatal(err)
	}
	trust := crmhost.Trust{Path: filepath.Join(root, "data", "trust.json")}
	if err := trust.Pin(found); err != nil {
		t.Fatal(err)
	}
	return found, trust
}

// options for a plugin that misbehaves at its start as fault says.
func options(t *testing.T, fault string) (crmhost.Options, *journal) {
	t.Helper()
	found, trust := installed(t, fault)
	log := &journal{}
	return crmhost.Options{Found: found, Trust: trust, Log: slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug - 4})), Locale: "en"}, log
}

// start runs the fake and stops it with the test.
func start(t *testing.T, change ...func(*crmhost.Options)) (*crmhost.Process, *journal) {
	t.Helper()
	o, log := options(t, "")
	for _, c := range change {
		c(&o)
	}
	p, err := crmhost.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p, log
}

// do asks the fake to do something and returns what it answers.
func do(p *crmhost.Process, what string) ([]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	check, err := p.Plugin().CheckConnection(ctx, request(what))
	var lines []string
	for _, f := range check.Findings {
		lines = append(lines, f.Message.EN)
	}
	return lines, err
}

func mustDo(t *testing.T, p *crmhost.Process, what string) []string {
	t.Helper()
	lines, err := do(p, what)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return lines
}

func request(what string) crm.ConnectionRequest {
	return crm.ConnectionRequest{Tenant: crm.Tenant{ID: 1}, Settings: crm.Settings{"do": secret.New(what)}}
}

// journal is a log in memory.
type journal struct {
	mu    sync.Mutex
	bytes bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.bytes.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.bytes.String()
}

// records whose message contains text.
func (j *journal) records(t *testing.T, text string) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(j.String()) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("the log holds a line that is no record: %q", line)
		}
		if strings.Contains(record["msg"].(string), text) {
			all = append(all, record)
		}
	}
	return all
}

// eventually waits for something that happens in another process.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still not so: %s", what)
		}
	}
}

// gone says that a process has ended: a zombie counts, its reaping is its parent's.
func gone(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return true
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(state, "Z") || strings.HasPrefix(state, "X")
}

// wantCode fails the test unless err has the code and its English text holds all
// of parts, and its Russian text is there.
func wantCode(t *testing.T, err error, code crm.Code, parts ...string) {
	t.Helper()
	if crm.CodeOf(err) != code {
		t.Fatalf("got code %q (%v), want %q", crm.CodeOf(err), err, code)
	}
	var e *crm.Error
	if !asError(err, &e) || e.Message.RU == "" {
		t.Fatalf("no Russian message in %v", err)
	}
	if strings.Contains(e.Message.RU+e.Message.EN, "%!") {
		t.Fatalf("a broken format: %v", e.Message)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in %q", part, err)
		}
	}
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// recorder counts a run's changes.
type recorder struct {
	changes int
	then    func()
}

func (r *recorder) Changes(c []crm.Change) error { r.changes += len(c); return nil }

func (r *recorder) Progress(crm.Progress) error {
	if r.then != nil {
		r.then()
	}
	return nil
}
