package browser

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"booking/shared/testdb"
)

const (
	// patience bounds every wait; the machine may have other work to do.
	patience   = 90 * time.Second
	pluginName = "bitrix24"
	adminEmail = "admin@company.example"
	password   = "correct horse battery"
)

var bin string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "browser-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if bin, err = build(dir); err != nil {
		fmt.Fprintln(os.Stderr, "build the programs:", err)
		return 1
	}
	return testdb.Main(m)
}

// build makes the folder that `make build` makes.
func build(dir string) (string, error) {
	bin := filepath.Join(dir, "bin")
	folder := filepath.Join(bin, "plugins", pluginName)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	plugin := filepath.Join(folder, pluginName)
	for path, source := range map[string]string{filepath.Join(bin, "booking-host"): "booking/host", plugin: "booking/plugin-" + pluginName} {
		cmd := exec.Command("go", "build", "-trimpath", "-o", path, source)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("go build %s: %w\n%s", source, err, out)
		}
	}
	manifest, err := exec.Command(plugin, "manifest").Output()
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(folder, "plugin.json"), manifest, 0o644); err != nil {
		return "", err
	}
	// Whatever the umask: what a group may write to is no plugin.
	for _, path := range []string{bin, filepath.Dir(folder), folder, plugin} {
		if err := os.Chmod(path, 0o755); err != nil {
			return "", err
		}
	}
	return bin, nil
}

// world is a company with an administrator, a portal, and the host that serves.
type world struct {
	t       *testing.T
	dir     string
	env     []string
	url     string
	dsn     string
	webhook string
	// console is what the host that serves has printed.
	console console
}

// newWorld is a company with an administrator.
func newWorld(t *testing.T, flags ...string) *world {
	t.Helper()
	w := newEmptyWorld(t, flags...)
	w.call("", "tenants", "add", "--name", "ООО «Ромашка»")
	w.call(password, "users", "add", "--tenant", "1", "--email", adminEmail, "--name", "Анна Админ", "--role", "admin", "--password-stdin")
	w.serve()
	return w
}

// portal is what the portal of a world is like unless a test says otherwise: large and
// slow enough for its reading to be watched.
var portal = []string{"--people", "3000", "--oddities", "0.1", "--latency", "1500ms"}

// newEmptyWorld has nobody in it, and nothing serves yet.
func newEmptyWorld(t *testing.T, flags ...string) *world {
	t.Helper()
	if len(flags) == 0 {
		flags = portal
	}
	w := &world{t: t, dir: t.TempDir(), dsn: testdb.New(t)}
	address := freeAddress(t)
	w.url = "http://" + address
	dsn := filepath.Join(w.dir, "dsn")
	if err := os.WriteFile(dsn, []byte(w.dsn), 0o600); err != nil {
		t.Fatal(err)
	}
	w.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "TMPDIR=" + os.TempDir(), "BOOKING_DSN_FILE=" + dsn, "BOOKING_DATA_DIR=" + filepath.Join(w.dir, "data"),
		"BOOKING_HTTP_PORTALS=127.0.0.1", "BOOKING_ADDR=" + address, "BOOKING_LOG_FILE=" + filepath.Join(w.dir, "host.log"),
	}
	w.webhook = w.startPortal(flags...)
	w.call("", "plugins", "trust", pluginName)
	return w
}

// command is the host's program with some arguments.
func (w *world) command(stdin string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(bin, "booking-host"), args...)
	cmd.Env, cmd.Dir, cmd.Stdin = w.env, w.dir, strings.NewReader(stdin)
	return cmd
}

// call runs a command to its end.
func (w *world) call(stdin string, args ...string) string {
	w.t.Helper()
	out, err := w.command(stdin, args...).Output()
	if err != nil {
		var ended *exec.ExitError
		errors.As(err, &ended)
		w.t.Fatalf("%v: %v\n%s", args, err, ended.Stderr)
	}
	return string(out)
}

// startPortal starts a simulated portal and returns its webhook.
func (w *world) startPortal(args ...string) string {
	w.t.Helper()
	cmd := exec.Command(filepath.Join(bin, "plugins", pluginName, pluginName), append([]string{"simulate", "--print-json", "--until-stdin-closes"}, args...)...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		w.t.Fatalf("the portal says nothing: %v", err)
	}
	var said struct {
		Webhook string `json:"webhook_url"`
	}
	if err := json.Unmarshal([]byte(line), &said); err != nil || said.Webhook == "" {
		w.t.Fatalf("the portal says %q (%v)", line, err)
	}
	return said.Webhook
}

// change changes the portal from outside, as its own people would.
func (w *world) change(method, path, body string) string {
	w.t.Helper()
	base, _, _ := strings.Cut(w.webhook, "/rest/")
	request, err := http.NewRequest(method, base+"/control/"+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 300 {
		w.t.Fatalf("%s %s: %s %s (%v)", method, path, response.Status, answer, err)
	}
	return string(answer)
}

// exec changes the database as no command does.
func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	if _, err := testdb.Open(w.t, w.dsn).Exec(query, args...); err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
}

// start begins a command that serves until stop or the test's end, and listens to it.
func (w *world) start(command string) (stop func()) {
	w.t.Helper()
	cmd := w.command("", command)
	cmd.Stdout, cmd.Stderr = &w.console, &w.console
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	w.t.Cleanup(func() {
		stop()
		if w.t.Failed() {
			w.t.Logf("booking-host %s said:\n%s", command, w.console.text())
		}
	})
	return stop
}

// serve starts the host and waits until it answers.
func (w *world) serve() (stop func()) {
	w.t.Helper()
	stop = w.start("serve")
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		if response, err := http.Get(w.url + "/readyz"); err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return stop
			}
		}
		if time.Now().After(deadline) {
			w.t.Fatal("the host does not answer")
		}
	}
}

// console is an output that is read while it is written.
type console struct {
	mu   sync.Mutex
	said strings.Builder
}

func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.said.Write(p)
}

func (c *console) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.said.String()
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
