package endtoend

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs testdata/*.txtar. Each has a database, a data directory and an
// environment of its own (world_test.go); the commands that scripts have beside
// testscript's are below.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata", RequireUniqueNames: true, RequireExplicitExec: true,
		Setup: setUp,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"booking-host": func(ts *testscript.TestScript, neg bool, args []string) { host(ts, neg, 0, args) },
			"exits":        exits,
			"portal":       controlPortal,
			"sql":          runSQL,
			"json":         compareJSON,
			"lines":        countLines,
			"own-plugins":  ownPlugins,
			"secret":       registerSecret,
			"keep":         keep,
		},
	})
}

// script is what belongs to one running script.
type script struct {
	world  *world
	portal *portal
}

type scriptKey struct{}

func setUp(env *testscript.Env) error {
	t, ok := env.T().(testing.TB)
	if !ok {
		return fmt.Errorf("%T is no testing.TB", env.T())
	}
	w := newWorldIn(t, newDatabase(t), env.WorkDir)
	for name, value := range w.env {
		env.Setenv(name, value)
	}
	// The same folder that TMPDIR names for everybody else: sockets need short paths.
	env.Setenv("TMPDIR", os.TempDir())
	env.Setenv("DATABASE", w.dsn.DBName)
	env.Values[scriptKey{}] = &script{world: w}
	return nil
}

func of(ts *testscript.TestScript) *script { return ts.Value(scriptKey{}).(*script) }

// host runs booking-host: its output becomes stdout and stderr. A last word <file
// gives it that file as standard input.
func host(ts *testscript.TestScript, neg bool, want int, args []string) {
	if neg {
		ts.Fatalf("say which exit status is right: exits 1 booking-host ...")
	}
	w := of(ts).world
	stdin := ""
	if n := len(args); n > 0 && strings.HasPrefix(args[n-1], "<") {
		stdin, args = ts.ReadFile(args[n-1][1:]), args[:n-1]
	}
	cmd := w.command(args...)
	cmd.Dir, cmd.Env = ts.MkAbs("."), nil
	cmd.Stdin = strings.NewReader(stdin)
	for name := range w.env {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	for _, name := range moreVariables {
		if value := ts.Getenv(name); value != "" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	stdout, stderr, code, err := runToEnd(cmd)
	ts.Check(err)
	_, _ = ts.Stdout().Write([]byte(stdout))
	_, _ = ts.Stderr().Write([]byte(stderr))
	collected.add(ts.Name(), result{args, stdout, stderr, code}.String())
	if code != want {
		ts.Fatalf("exit status %d, want %d", code, want)
	}
}

// moreVariables are what scripts may set beside a world's variables.
var moreVariables = []string{
	"BOOKING_DSN", "BOOKING_PLUGIN_DSN", "BOOKING_PLUGIN_DSN_FILE", "BOOKING_SECRET_KEY", "BOOKING_SECRET_KEY_FILE", "BOOKING_PUBLIC_URL",
	"BOOKING_PLUGIN_DIR", "BOOKING_LEASE", "BOOKING_LIMIT_WAIT", "BOOKING_LOG_FORMAT", "BOOKING_LOCALE", "BOOKING_LOCAL", "BOOKING_SMTP_URL", "BOOKING_MAIL_RATE", "BOOKING_HISTORY_DAYS",
}

// exits N booking-host ...: the same, for a command that has to end with status N.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || args[1] != "booking-host" {
		ts.Fatalf("usage: exits STATUS booking-host ARGUMENTS")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	host(ts, false, want, args[2:])
}

// portal start FLAGS, or a change of the one that runs: fault TEXT, heal, hire JSON,
// rename ID NAME, email ID ADDRESS, dismiss ID, restore ID, stop. After a start the
// file secret/webhook holds its address and $PORTAL its host and port.
func controlPortal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: portal start|fault|heal|hire|rename|email|dismiss|restore|requests|stop ...")
	}
	s := of(ts)
	rest := slices.Concat(args[1:], []string{"", ""})
	switch args[0] {
	case "start":
		s.portal = startPortal(s.world.t, args[1:]...)
		ts.Check(os.WriteFile(ts.MkAbs("secret/webhook"), []byte(s.portal.webhook+"\n"), 0o600))
		// The same portal by another name: to the program that is another portal.
		renamed := strings.Replace(s.portal.webhook, "127.0.0.1", "localhost", 1)
		ts.Check(os.WriteFile(ts.MkAbs("secret/renamed-webhook"), []byte(renamed+"\n"), 0o600))
		ts.Setenv("PORTAL", s.portal.host)
	case "fault":
		s.portal.ask("POST", "/faults", rest[0])
	case "heal":
		s.portal.ask("DELETE", "/faults", "")
	case "hire":
		s.portal.ask("POST", "/people", rest[0])
	case "rename":
		s.portal.ask("POST", "/people/"+rest[0]+"/rename", rest[1])
	case "email":
		s.portal.ask("PATCH", "/people/"+rest[0], fmt.Sprintf(`{"email":%q}`, rest[1]))
	case "dismiss", "restore":
		s.portal.ask("POST", "/people/"+rest[0]+"/"+args[0], "")
	case "requests":
		fmt.Fprintln(ts.Stdout(), s.portal.requests())
	case "stop":
		s.portal.stop()
	default:
		ts.Fatalf("portal %s?", args[0])
	}
}

// sql STATEMENT prints the rows, columns divided by tabs.
func runSQL(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: sql STATEMENT")
	}
	w := of(ts).world
	_ = ts.Stdout() // an answer without rows is an empty output, not the one before
	word := strings.ToUpper(strings.Fields(args[0])[0])
	if word != "SELECT" && word != "SHOW" {
		exec1(w.t, w.db, args[0])
		return
	}
	for _, line := range query(w.t, w.db, args[0]) {
		fmt.Fprintln(ts.Stdout(), line)
	}
}

// lines N stdout|stderr|FILE checks how many lines there are.
func countLines(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: lines N stdout|stderr|FILE")
	}
	text := ts.ReadFile(args[1])
	if got := strings.Count(text, "\n"); strconv.Itoa(got) != args[0] {
		ts.Fatalf("%s has %d lines, want %s:\n%s", args[1], got, args[0], text)
	}
}

// own-plugins copies the plugin to ./plugins, where the script may spoil it.
func ownPlugins(ts *testscript.TestScript, _ bool, _ []string) {
	dir := ts.MkAbs("plugins")
	ts.Check(copyPlugins(dir))
	ts.Setenv("BOOKING_PLUGIN_DIR", dir)
}

// secret FILE registers the file's content as a secret that may appear nowhere.
func registerSecret(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		value := strings.TrimSpace(ts.ReadFile(name))
		collected.secret(filepath.Base(name), value)
	}
}

// keep FILE... puts what exec ran wrote (stdout, stderr, ttyout) before the search for
// secrets; of booking-host's own call everything is kept anyway.
func keep(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		collected.add(ts.Name()+"-"+name, ts.ReadFile(name))
	}
}
