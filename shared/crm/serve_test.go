package crm

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"booking/shared/crm/internal/crmpb"
	"booking/shared/secret"
)

// The test's own executable is the plugin: with this variable it serves.
const servePlugin = "CRM_TEST_SERVE"

func TestMain(m *testing.M) {
	if os.Getenv(servePlugin) != "" {
		Serve(processPlugin())
	}
	os.Exit(m.Run())
}

func processPlugin() Plugin {
	return &fakePlugin{
		describe: func(context.Context) (Description, error) {
			slog.Info("describing", "note", "a\n{\"@message\":42}")
			fmt.Println("a library that prints")
			return sound(), nil
		},
		checkSettings: func(_ context.Context, s Settings) (SettingsCheck, error) {
			return SettingsCheck{Portal: fmt.Sprint(len(s.Get("huge")))}, nil
		},
		// Waits for the end of its call, and then as long as the tenant is called.
		syncUsers: func(ctx context.Context, r SyncRequest, e Events) (SyncResult, error) {
			if err := e.Progress(Progress{Stage: StageReading}); err != nil {
				return SyncResult{}, err
			}
			<-ctx.Done()
			if r.Tenant.Name == "stubborn" {
				select {}
			}
			return SyncResult{}, ctx.Err()
		},
	}
}

// process is a plugin's process under test, started as shared/crmhost does: with
// a pipe as its standard input.
type testProcess struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	stderr *lockedBuffer
	socket string
	conn   *grpc.ClientConn
	client *Client
	exited chan struct{}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func start(t *testing.T) *testProcess {
	t.Helper()
	dir, err := os.MkdirTemp("", "crm") // t.TempDir is too long for a unix socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	p := &testProcess{cmd: exec.Command(os.Args[0]), stderr: &lockedBuffer{}, exited: make(chan struct{})}
	p.cmd.Env = []string{servePlugin + "=1", Handshake.MagicCookieKey + "=" + Handshake.MagicCookieValue,
		"PLUGIN_PROTOCOL_VERSIONS=1", plugin.EnvUnixSocketDir + "=" + dir}
	p.cmd.Stderr = p.stderr
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdin = stdin
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("handshake: %v; the plugin said: %s", err, p.stderr)
	}
	go func() { defer close(p.exited); _ = p.cmd.Wait() }()
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); <-p.exited })
	p.connect(t, line)
	return p
}

func (p *testProcess) connect(t *testing.T, handshake string) {
	t.Helper()
	parts := strings.Split(strings.TrimSpace(handshake), "|")
	if len(parts) < 5 || parts[1] != fmt.Sprint(ProtocolVersion) || parts[2] != "unix" || parts[4] != "grpc" {
		t.Fatalf("handshake %q", handshake)
	}
	p.socket = parts[3]
	conn, err := grpc.NewClient("unix:"+p.socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	p.conn, p.client = conn, &Client{rpc: crmpb.NewCRMServiceClient(conn)}
	if _, err := p.client.Describe(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// run starts a sync and returns when the plugin is in the middle of it.
func (p *testProcess) run(ctx context.Context, t *testing.T, r SyncRequest) <-chan error {
	t.Helper()
	running, failed := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := p.client.SyncUsers(ctx, r, &recorder{onEvent: func() error { close(running); return nil }})
		failed <- err
	}()
	within(t, "the run starts", running)
	return failed
}

// gone waits for the process's end and checks what it leaves.
func (p *testProcess) gone(t *testing.T, status int) {
	t.Helper()
	within(t, "the plugin's process ends", p.exited)
	if got := p.cmd.ProcessState.ExitCode(); got != status {
		t.Errorf("exit status %d, want %d; the plugin said: %s", got, status, p.stderr)
	}
	if _, err := os.Stat(p.socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left: %v", err)
	}
}

func TestServeEndsWithTheHost(t *testing.T) {
	t.Parallel()
	for name, die := range map[string]func(*testProcess){
		"standard input ends": func(p *testProcess) { _ = p.stdin.Close() },
		"connection ends":     func(p *testProcess) { _ = p.conn.Close() },
	} {
		for _, work := range []string{"idle", "at work", "stubborn"} {
			t.Run(name+", "+work, func(t *testing.T) {
				t.Parallel()
				p := start(t)
				if work != "idle" {
					r := request()
					r.Tenant.Name = work
					p.run(t.Context(), t, r)
				}
				die(p)
				p.gone(t, 0)
			})
		}
	}
}

func TestServeIgnoresSIGINT(t *testing.T) {
	t.Parallel()
	p := start(t)
	for range 3 {
		if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if _, err := p.client.Describe(t.Context()); err != nil {
			t.Fatalf("after SIGINT: %v", err)
		}
	}
}

func TestServeEndsAfterSIGTERM(t *testing.T) {
	t.Parallel()
	t.Run("idle", func(t *testing.T) {
		t.Parallel()
		p := start(t)
		p.term(t)
		p.gone(t, 0)
	})
	t.Run("a run is stopped and says so", func(t *testing.T) {
		t.Parallel()
		p := start(t)
		failed := p.run(t.Context(), t, request())
		p.term(t)
		if e := asError(t, <-failed); e.Code != CodePluginLost || e.Message != textStopped {
			t.Errorf("error %v, want %q", e, textStopped.EN)
		}
		p.gone(t, 0)
	})
	t.Run("a run the host cancels itself is cancelled", func(t *testing.T) {
		t.Parallel()
		p := start(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		failed := p.run(ctx, t, request())
		p.term(t)
		cancel()
		if err := <-failed; CodeOf(err) != CodeCancelled {
			t.Errorf("error %v, want cancelled", err)
		}
		p.gone(t, 0)
	})
}

func (p *testProcess) term(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

func TestKilledProcessIsPluginLost(t *testing.T) {
	t.Parallel()
	p := start(t)
	failed := p.run(t.Context(), t, request())
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; CodeOf(err) != CodePluginLost {
		t.Errorf("the run: %v, want plugin_lost", err)
	}
	if err := p.client.Configure(t.Context(), Configuration{}); CodeOf(err) != CodePluginLost {
		t.Errorf("the next call: %v, want plugin_lost", err)
	}
}

func TestPanicLeavesTheProcessAndItsStackInTheLog(t *testing.T) {
	t.Parallel()
	p := start(t)
	if _, err := p.client.Migrate(t.Context(), Migration{}); CodeOf(err) != CodeInternal {
		t.Errorf("error %v, want internal", err)
	}
	if _, err := p.client.Describe(t.Context()); err != nil {
		t.Errorf("after the panic: %v", err)
	}
	_ = p.conn.Close()
	p.gone(t, 0)
	log := p.stderr.String()
	if !strings.Contains(log, `"@level":"error"`) || !strings.Contains(log, "fakePlugin).Migrate") {
		t.Errorf("no stack in the log: %s", log)
	}
	for line := range strings.Lines(log) {
		if !strings.HasPrefix(line, "{") || !strings.HasSuffix(line, "}\n") {
			t.Errorf("a line of its own: %q", line)
		}
	}
}

// gRPC's own limit of a server is 4 MiB.
func TestServeTakesLargeMessages(t *testing.T) {
	t.Parallel()
	p := start(t)
	const size = 5 << 20
	got, err := p.client.CheckSettings(t.Context(), Settings{"huge": secret.New(strings.Repeat("x", size))})
	if err != nil || got.Portal != fmt.Sprint(size) {
		t.Errorf("answer %q, error %v", got.Portal, err)
	}
}

// /dev/null and a file are at their end from the start: they are no host.
func TestServeTakesOnlyAPipeForItsHost(t *testing.T) {
	t.Parallel()
	file, err := os.Create(filepath.Join(t.TempDir(), "stdin"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	p := &process{calls: newCalls()}
	p.watchStdin(file) // it would end the test's process
}

func TestStartedByHand(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = []string{servePlugin + "=1", "GOCOVERDIR=" + t.TempDir()} // else go test -cover adds a line
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitByHand {
		t.Errorf("exit %v, want status %d", err, exitByHand)
	}
	if text := string(out); strings.Count(text, "\n") != 1 || !strings.Contains(text, "это плагин") || !strings.Contains(text, "this is a plugin") {
		t.Errorf("it says %q", text)
	}
}

func TestCallsWait(t *testing.T) {
	t.Parallel()
	c := newCalls()
	if !c.wait(0) && !c.wait(soon) {
		t.Error("nothing runs, yet it waits")
	}
	ctx, end := c.begin(t.Context())
	if c.wait(time.Millisecond) {
		t.Error("something runs, yet it does not wait")
	}
	c.stop()
	if context.Cause(ctx) != errStopping { //nolint:errorlint // the very error
		t.Errorf("cause %v", context.Cause(ctx))
	}
	late, endLate := c.begin(t.Context())
	if late.Err() == nil {
		t.Error("a call that begins after the stop goes on")
	}
	go func() { end(); endLate() }()
	if !c.wait(soon) {
		t.Error("nothing runs any more, yet it waits")
	}
}
