package portalsim_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"booking/plugin-bitrix24/internal/portalsim"
)

// TestMain lets the test binary be the simulator's process.
func TestMain(m *testing.M) {
	if os.Getenv("PORTALSIM_TEST_COMMAND") == "" {
		os.Exit(m.Run())
	}
	if err := portalsim.Command(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type process struct {
	*exec.Cmd
	stdin   io.WriteCloser
	stdout  *bufio.Reader
	webhook string
	control string
}

func simulate(t *testing.T, flags ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(os.Args[0], append([]string{"--print-json"}, flags...)...)}
	p.Env = append(os.Environ(), "PORTALSIM_TEST_COMMAND=1")
	var err error
	if p.stdin, err = p.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill(); _ = p.Wait() })
	p.stdout = bufio.NewReader(out)
	line, err := p.stdout.ReadBytes('\n')
	if err != nil {
		t.Fatalf("read the address: %v", err)
	}
	var told struct {
		Webhook string `json:"webhook_url"`
		Control string `json:"control_url"`
	}
	if err := json.Unmarshal(line, &told); err != nil {
		t.Fatalf("decode %s: %v", line, err)
	}
	p.webhook, p.control = told.Webhook, told.Control
	return p
}

// ended waits for the process and wants it to have ended by itself, well.
func (p *process) ended(t *testing.T) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- p.Wait() }()
	select {
	case err := <-done:
		want(t, "end", err, nil)
	case <-time.After(20 * time.Second):
		t.Error("the simulator did not end")
	}
}

func TestCommandServesUntilItIsTold(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("abc123\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := simulate(t, "--people", "60", "--oddities", "0", "--seed", "3", "--webhook-secret-file", secret, "--fault", "html_502,method=profile")
	want(t, "the secret is the file's", strings.HasSuffix(p.webhook, "/rest/1/abc123/"), true)
	want(t, "people", p.total(t), 60)
	base := strings.TrimSuffix(p.control, "/control")
	ask(t, base, "POST /people", `{"name":"A"}`)
	want(t, "one more", p.total(t), 61)
	response, err := http.Get(p.webhook + "profile")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	want(t, "the fault", response.StatusCode, http.StatusBadGateway)
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.ended(t)
}

func (p *process) total(t *testing.T) int {
	t.Helper()
	response, err := http.Get(p.webhook + "user.get")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var body struct{ Total int }
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return body.Total
}

func TestCommandEndsWithItsParent(t *testing.T) {
	t.Parallel()
	first, second := simulate(t, "--until-stdin-closes"), simulate(t, "--until-stdin-closes")
	want(t, "a secret is made up each time", first.webhook[len(first.webhook)-27:] == second.webhook[len(second.webhook)-27:], false)
	for _, p := range []*process{first, second} {
		if err := p.stdin.Close(); err != nil {
			t.Fatal(err)
		}
		p.ended(t)
	}
}

func TestCommandRefuses(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for flags, part := range map[string]string{
		"--addr 0.0.0.0:0":                    "loopback",
		"--addr nonsense":                     "loopback",
		"--rate-limit maybe":                  "--rate-limit",
		"--dialect martian":                   "--dialect",
		"--ids roman":                         "--ids",
		"--empty full":                        "--empty",
		"--fault nope":                        "nope",
		"--webhook-secret-file /no/such/file": "no such file",
		"--webhook-secret-file " + empty:      "one line",
		"more":                                "more",
		"--people -1":                         "--people",
		"--oddities 2":                        "--oddities",
	} {
		var out bytes.Buffer
		err := portalsim.Command(strings.Fields(flags), &out)
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: error %v, want one about %q", flags, err, part)
		}
	}
}

func TestCommandHelp(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := portalsim.Command([]string{"--help"}, &out); err != nil {
		t.Fatal(err)
	}
	for _, info := range portalsim.Faults() {
		want(t, "help has "+string(info.Kind), strings.Contains(out.String(), string(info.Kind)), true)
	}
	for _, part := range []string{"--addr", "--until-stdin-closes", "always-counts", "CONTROL/people/7/rename"} {
		want(t, "help has "+part, strings.Contains(out.String(), part), true)
	}
}
