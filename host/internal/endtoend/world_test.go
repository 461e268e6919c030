package endtoend

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"booking/shared/testdb"
	"booking/shared/usersync"
)

// patience bounds every wait for another process; a machine with other work to do
// is slow.
const patience = 90 * time.Second

// world is one installation: a database with an account that has a password, a data
// directory, and the environment in which booking-host runs there.
type world struct {
	t   testing.TB
	dir string
	db  *sql.DB // as root
	// dsn is the host's account, narrow the plugin's once narrowAccount was called.
	dsn, narrow *mysql.Config
	// programs is the release that is installed.
	programs programs

	mu  sync.Mutex
	env map[string]string
}

// newWorld makes a world with a fresh database.
func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldIn(t, testdb.New(t), t.TempDir())
}

// newWorldIn makes a world with a database that is there already and a folder.
func newWorldIn(t testing.TB, dsn, dir string) *world {
	t.Helper()
	root, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dir: dir, db: testdb.Open(t, dsn), programs: built, env: map[string]string{}}
	w.dsn = w.account(root, "h_")
	exec1(t, w.db, fmt.Sprintf("GRANT ALL ON `%s`.* TO %s", root.DBName, accountName(w.dsn)))
	if err := os.MkdirAll(filepath.Join(dir, "secret"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"PATH": built.dir + ":" + os.Getenv("PATH"), "HOME": dir, "TMPDIR": os.TempDir(),
		"BOOKING_DSN_FILE":     w.file("secret/dsn", w.dsn.FormatDSN()),
		"BOOKING_DATA_DIR":     filepath.Join(dir, "data"),
		"BOOKING_HTTP_PORTALS": "127.0.0.1,localhost",
		"BOOKING_ADDR":         "127.0.0.1:0",
		"BOOKING_LOG_FILE":     filepath.Join(dir, "host.log"),
		"BOOKING_LOG_LEVEL":    "debug",
	} {
		w.env[name] = value
	}
	t.Cleanup(func() {
		collected.dump(t, t.Name(), w.db)
		collected.addFolder(t.Name(), dir)
	})
	return w
}

// account makes a database account with a password, without any privilege.
func (w *world) account(root *mysql.Config, prefix string) *mysql.Config {
	w.t.Helper()
	own := root.Clone()
	own.User, own.Passwd = prefix+strings.ToLower(rand.Text()[:12]), collected.secret("a DSN's password", strings.ToLower(rand.Text()))
	exec1(w.t, w.db, fmt.Sprintf("CREATE USER %s IDENTIFIED BY '%s'", accountName(own), own.Passwd))
	w.t.Cleanup(func() { _, _ = w.db.Exec("DROP USER " + accountName(own)) })
	return own
}

func accountName(c *mysql.Config) string {
	host := "%"
	if c.Net == "unix" {
		host = "localhost"
	}
	return fmt.Sprintf("'%s'@'%s'", c.User, host)
}

// narrowAccount makes the account of the README's GRANT statements and gives it to
// the plugins, with another address of the server if one is given. The tables and the
// link column must be there.
func (w *world) narrowAccount(column string) {
	w.t.Helper()
	w.narrow = w.account(w.dsn, "p_")
	for _, grant := range usersync.Grants(accountName(w.narrow), w.dsn.DBName, column) {
		exec1(w.t, w.db, grant)
	}
	w.env["BOOKING_PLUGIN_DSN_FILE"] = w.file("secret/plugin-dsn", w.narrow.FormatDSN())
}

// file writes a file into the world's folder and returns its path.
func (w *world) file(name, content string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// command prepares a call of booking-host.
func (w *world) command(args ...string) *exec.Cmd {
	cmd := exec.Command(w.programs.host, args...)
	cmd.Dir = w.dir
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, value := range w.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

// result is what a command said.
type result struct {
	args           []string
	stdout, stderr string
	code           int
}

func (r result) String() string {
	return fmt.Sprintf("booking-host %s: exit status %d\n--- stdout\n%s--- stderr\n%s", strings.Join(r.args, " "), r.code, r.stdout, r.stderr)
}

// call runs booking-host to its end.
func (w *world) call(stdin string, args ...string) result {
	w.t.Helper()
	cmd := w.command(args...)
	cmd.Stdin = strings.NewReader(stdin)
	stdout, stderr, code, err := runToEnd(cmd)
	r := result{args: args, stdout: stdout, stderr: stderr, code: code}
	collected.add(w.t.Name(), r.String())
	if err != nil {
		w.t.Fatalf("%v: %v", args, err)
	}
	return r
}

// must is call for a command that has to succeed.
func (w *world) must(stdin string, args ...string) string {
	w.t.Helper()
	return w.exits(0, stdin, args...).stdout
}

// exits is call for a command that has to end with a certain status.
func (w *world) exits(code int, stdin string, args ...string) result {
	w.t.Helper()
	r := w.call(stdin, args...)
	if r.code != code {
		w.t.Fatalf("want exit status %d\n%s", code, r)
	}
	return r
}

// outcome is one line of `sync-users --json`.
type outcome struct {
	Run                                                              int64
	Tenant                                                           int64
	Status, Mode                                                     string
	Fetched, Synced, Created, Updated, Unchanged, Skipped, Conflicts int
	Error                                                            struct {
		Code, Message string
		Run           int64
	}
}

func readOutcome(t testing.TB, stdout string) outcome {
	t.Helper()
	var o outcome
	if err := json.Unmarshal([]byte(strings.TrimSpace(stdout)), &o); err != nil {
		t.Fatalf("not one JSON object: %v\n%s", err, stdout)
	}
	return o
}

// connected makes a tenant that is connected to a portal, and returns its number.
func (w *world) connected(p *portal) string {
	w.t.Helper()
	w.must("", "plugins", "trust", pluginName)
	var tenant struct{ ID int64 }
	if err := json.Unmarshal([]byte(w.must("", "tenants", "add", "--name", "Ромашка", "--json")), &tenant); err != nil {
		w.t.Fatal(err)
	}
	id := fmt.Sprint(tenant.ID)
	w.must(p.webhook, "crm", "connect", "--tenant", id, "--plugin", pluginName, "--secret", "webhook_url")
	return id
}

// running is a booking-host that was started and not waited for.
type running struct {
	w              *world
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
	ended          chan struct{}
}

func (w *world) start(args ...string) *running {
	w.t.Helper()
	r := &running{w: w, cmd: w.command(args...), ended: make(chan struct{})}
	r.cmd.Stdout, r.cmd.Stderr = &r.stdout, &r.stderr
	if err := r.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() {
		_ = r.cmd.Wait()
		close(r.ended)
	}()
	w.t.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		<-r.ended
	})
	return r
}

func (r *running) signal(s syscall.Signal) { _ = r.cmd.Process.Signal(s) }

// wait waits for the end.
func (r *running) wait() result {
	r.w.t.Helper()
	select {
	case <-r.ended:
	case <-time.After(patience):
		r.w.t.Fatalf("booking-host %v does not end", r.cmd.Args[1:])
	}
	all := result{args: r.cmd.Args[1:], stdout: r.stdout.String(), stderr: r.stderr.String(), code: r.cmd.ProcessState.ExitCode()}
	collected.add(r.w.t.Name(), all.String())
	return all
}

// stops tells it to stop, which must go well.
func (r *running) stops() result {
	r.w.t.Helper()
	r.signal(syscall.SIGTERM)
	ended := r.wait()
	if ended.code != 0 {
		r.w.t.Error(ended)
	}
	return ended
}

// plugin is the process id of the host's plugin, its only child.
func (r *running) plugin() int {
	r.w.t.Helper()
	list := children(r.cmd.Process.Pid)
	if len(list) != 1 {
		r.w.t.Fatalf("the host has the children %v, want its plugin", list)
	}
	return list[0]
}

// gone waits until a process has ended.
func gone(t testing.TB, pid int, within time.Duration) {
	t.Helper()
	eventually(t, within, fmt.Sprintf("process %d to end", pid), func() bool {
		return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
	})
}

// eventually polls until something is so.
func eventually(t testing.TB, within time.Duration, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for %s", within, what)
		}
	}
}

// portal is a simulated portal, a process of the plugin's own executable.
type portal struct {
	t                testing.TB
	webhook, control string
	// eventToken proves that an event is the portal's.
	eventToken string
	host       string
	stop       func()
}

// startPortal starts a portal without limits of its own, unless flags say otherwise.
func startPortal(t testing.TB, flags ...string) *portal {
	t.Helper()
	token := collected.secret("a webhook's secret", strings.ToLower(rand.Text()))
	file := filepath.Join(t.TempDir(), "webhook-secret")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(built.plugin, append([]string{"simulate", "--print-json", "--until-stdin-closes", "--rate-limit", "off", "--webhook-secret-file", file}, flags...)...)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &portal{t: t}
	p.stop = sync.OnceFunc(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	t.Cleanup(p.stop)
	var said struct {
		Webhook string `json:"webhook_url"`
		Control string `json:"control_url"`
		Token   string `json:"event_token"`
	}
	if err := json.NewDecoder(stdout).Decode(&said); err != nil {
		p.stop()
		t.Fatalf("start the simulated portal: %v\n%s", err, complaints.String())
	}
	p.webhook, p.control, p.eventToken = said.Webhook, said.Control, collected.secret("a portal's event token", said.Token)
	p.host = strings.TrimPrefix(strings.TrimSuffix(said.Control, "/control"), "http://")
	return p
}

// ask calls the portal's control address.
func (p *portal) ask(method, path, body string) string {
	p.t.Helper()
	request, err := http.NewRequest(method, p.control+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		p.t.Fatalf("%s %s: %s %s %v", method, path, answer.Status, text, err)
	}
	return string(text)
}

// requests is how many requests the portal has had.
func (p *portal) requests() int {
	p.t.Helper()
	var stats struct{ Requests int }
	if err := json.Unmarshal([]byte(p.ask("GET", "/stats", "")), &stats); err != nil {
		p.t.Fatal(err)
	}
	return stats.Requests
}

func exec1(t testing.TB, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.Exec(statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// query returns the rows of a query as lines, columns divided by tabs.
func query(t testing.TB, db *sql.DB, statement string, args ...any) []string {
	t.Helper()
	lines, err := testdb.Lines(context.Background(), db, statement, args...)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return lines
}

// newDatabase is testdb.New; a script's T is no *testing.T.
func newDatabase(t testing.TB) string { return testdb.New(t) }

// openAs opens the database with another account.
func openAs(t testing.TB, c *mysql.Config) *sql.DB { return testdb.Open(t, c.FormatDSN()) }
