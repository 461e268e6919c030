package endtoend

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"booking/shared/testdb/proxy"
)

// serve answers on BOOKING_ADDR until Ctrl-C and then ends with status 0; a taken port
// is told in one line that names the variable.
func TestServe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.env["BOOKING_ADDR"] = taken.Addr().String()
	refused := w.exits(1, "", "serve")
	if want := "booking-host: Адрес " + taken.Addr().String() + " уже занят другой программой: остановите её или задайте другой в BOOKING_ADDR\n"; refused.stderr != want {
		t.Fatalf("got %q, want %q", refused.stderr, want)
	}
	w.env["BOOKING_LOCALE"] = "en"
	if refused := w.exits(1, "", "serve"); !strings.Contains(refused.stderr, "Another program is using "+taken.Addr().String()) {
		t.Fatal(refused)
	}
	w.env["BOOKING_ADDR"] = "256.0.0.1:80"
	if refused := w.exits(1, "", "serve"); strings.Count(refused.stderr, "\n") != 1 || !strings.Contains(refused.stderr, "BOOKING_ADDR") {
		t.Fatal(refused)
	}

	w.env["BOOKING_ADDR"] = taken.Addr().String()
	_ = taken.Close()
	serving := w.start("serve")
	page := ""
	eventually(t, patience, "the page", func() bool {
		answer, err := http.Get("http://" + w.env["BOOKING_ADDR"] + "/")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		page = string(text)
		return err == nil && answer.StatusCode == http.StatusOK
	})
	collected.add(t.Name()+"-page", page)
	serving.signal(syscall.SIGINT)
	if r := serving.wait(); r.code != 0 || !strings.Contains(r.stdout, "http://"+w.env["BOOKING_ADDR"]) {
		t.Fatal(r)
	}
}

// While nobody can administer, serve prints a code on the console and in no log; once
// somebody can, it never does again.
func TestServePrintsTheFirstRunCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := regexp.MustCompile(`/first-run \S+ \S+ \S+ ([A-Z2-7]{5}-[A-Z2-7]{5}-[A-Z2-7]{5}-[A-Z2-7]{5})\n`)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.env["BOOKING_ADDR"] = free.Addr().String()
	_ = free.Close()
	w.env["BOOKING_LOG_FILE"], w.env["BOOKING_LOG_LEVEL"] = w.file("host.log", ""), "debug"
	serve := func() result {
		t.Helper()
		serving := w.start("serve")
		eventually(t, patience, "the page", func() bool {
			answer, err := http.Get("http://" + w.env["BOOKING_ADDR"] + "/readyz")
			if err != nil {
				return false
			}
			defer answer.Body.Close()
			return answer.StatusCode == http.StatusOK
		})
		serving.signal(syscall.SIGINT)
		return serving.wait()
	}
	first, second := serve(), serve()
	found, other := code.FindStringSubmatch(first.stdout), code.FindStringSubmatch(second.stdout)
	if found == nil || other == nil || found[1] == other[1] {
		t.Fatalf("%v\n%v", first, second)
	}
	log, err := os.ReadFile(w.env["BOOKING_LOG_FILE"])
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(log), first.stderr, strings.Join(query(t, w.db, "SELECT HEX(code_hash) FROM booking_first_run_codes"), " ")} {
		if strings.Contains(text, found[1]) || strings.Contains(text, strings.ReplaceAll(found[1], "-", "")) {
			t.Errorf("the code is in\n%s", text)
		}
	}
	w.must("", "tenants", "add", "--name", "A")
	w.must("correct-horse-7-battery", "users", "add", "--tenant", "1", "--email", "a@example.com", "--name", "A", "--role", "admin", "--password-stdin")
	if r := serve(); strings.Contains(r.stdout, "first-run") {
		t.Error(r)
	}
	if _, err := w.db.Exec("UPDATE users SET is_active = 0"); err != nil {
		t.Fatal(err)
	}
	if r := serve(); strings.Contains(r.stdout, "first-run") {
		t.Errorf("it has come back: %v", r)
	}
}

// Without BOOKING_DSN: the private MariaDB. Two hosts on one data directory: the second
// is told so; commands join the first one's server. The account of plugins is narrow.
func TestServeWithPrivateDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	delete(w.env, "BOOKING_DSN_FILE")
	portal := startPortal(t, "--people", "20")
	serving := w.start("serve")
	eventually(t, patience, "the private database", func() bool {
		db := privateDatabase(t, w)
		return db != nil && db.Ping() == nil && strings.Contains(strings.Join(query(t, db, "SHOW TABLES"), " "), "booking_keys")
	})
	second := w.exits(1, "", "serve")
	if strings.Count(second.stderr, "\n") != 1 || !strings.Contains(second.stderr, "BOOKING_DATA_DIR") {
		t.Fatal(second)
	}
	tenant := w.connected(portal)
	if o := readOutcome(t, w.must("", "sync-users", "--tenant", tenant, "--json")); o.Created != 20 {
		t.Fatalf("%+v", o)
	}
	db := privateDatabase(t, w)
	narrow := openAs(t, privateAccount(t, w, "booking_plugin"))
	if _, err := narrow.Exec("SELECT id, name FROM users"); err != nil {
		t.Fatal(err)
	}
	for _, statement := range beyondGrants {
		if _, err := narrow.Exec(statement); !refusedByRights(err) {
			t.Errorf("%s: %v", statement, err)
		}
	}
	collected.dump(t, t.Name(), db)
	serving.signal(syscall.SIGTERM)
	if r := serving.wait(); r.code != 0 {
		t.Fatal(r)
	}
	// The data stays, and a command starts the server for itself.
	if people := w.must("", "users", "list", "--linked", "--json"); strings.Count(people, `"link"`) != 20 {
		t.Fatal(people)
	}
}

// A database server that is not there: waited for, then one line that says what to do.
func TestDatabaseNeverThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := proxy.New(t, w.dsn)
	p.Refuse()
	w.env["BOOKING_DSN_FILE"] = w.file("secret/dsn", p.Through(w.dsn))
	r := w.exits(1, "", "tenants", "list")
	lines := strings.Split(strings.TrimSpace(r.stderr), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "База данных не отвечает, жду") ||
		lines[1] != "booking-host: Сервер базы данных не запущен или слушает другой адрес: проверьте, что MySQL работает, и адрес в DSN." {
		t.Fatal(r)
	}
}

// A silent portal is given up after 120 s in all; Ctrl-C does not have to wait for that.
func TestPortalHangs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	portal := startPortal(t, "--people", "20")
	tenant := w.connected(portal)
	w.must("", "sync-users", "--tenant", tenant)
	before := query(t, w.db, "SELECT * FROM users ORDER BY id")
	portal.ask("POST", "/faults", "hang,times=always")
	requests := portal.requests()
	run := w.start("sync-users", "--tenant", tenant, "--json")
	eventually(t, patience, "a request to hang", func() bool { return portal.requests() > requests })
	run.signal(syscall.SIGINT)
	stopped := run.wait()
	if o := readOutcome(t, stopped.stdout); stopped.code != 1 || o.Status != "cancelled" {
		t.Fatal(stopped)
	}
	if diff := cmp.Diff(before, query(t, w.db, "SELECT * FROM users ORDER BY id")); diff != "" {
		t.Fatalf("the table users was touched:\n%s", diff)
	}
	portal.ask("DELETE", "/faults", "")
	w.must("", "sync-users", "--tenant", tenant)
}

// Issue 3: a portal that answers nothing at all. "A request is given up after 60 s, a
// silent portal after 120 s in all (portal_unreachable)."
func TestPortalSaysNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	portal := startPortal(t, "--people", "20")
	tenant := w.connected(portal)
	w.must("", "sync-users", "--tenant", tenant)
	before := query(t, w.db, "SELECT * FROM users ORDER BY id")
	portal.ask("POST", "/faults", "hang,times=always")
	began := time.Now()
	failed := w.exits(1, "", "sync-users", "--tenant", tenant, "--json")
	if o := readOutcome(t, failed.stdout); o.Status != "failed" || o.Error.Code != "portal_unreachable" {
		t.Fatal(failed)
	}
	if took := time.Since(began); took < 100*time.Second {
		t.Errorf("a silent portal was given up after %s already", took)
	}
	if diff := cmp.Diff(before, query(t, w.db, "SELECT * FROM users ORDER BY id")); diff != "" {
		t.Fatalf("the table users was touched:\n%s", diff)
	}
	portal.ask("DELETE", "/faults", "")
	w.must("", "sync-users", "--tenant", tenant)
}

// sync-users --queue: the run waits for a host that serves, which carries it out; and
// plugins reload puts a new process in the place of that host's plugin.
func TestQueueAndReload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	portal := startPortal(t, "--people", "20")
	tenant := w.connected(portal)
	queued := readOutcome(t, w.must("", "sync-users", "--tenant", tenant, "--queue", "--json"))
	if queued.Status != "queued" || queued.Run == 0 {
		t.Fatalf("%+v", queued)
	}
	if shown := w.must("", "runs", "show", fmt.Sprint(queued.Run), "--json"); !strings.Contains(shown, `"status":"queued"`) || !strings.Contains(shown, `"started_at":null`) {
		t.Fatal(shown)
	}
	serving := w.start("serve")
	eventually(t, patience, "the queued run to be carried out", func() bool {
		return w.runStatus(queued.Run) == "succeeded\tNULL"
	})
	if people := query(t, w.db, "SELECT COUNT(*) FROM users")[0]; people != "20" {
		t.Fatal(people)
	}
	before := serving.plugin()
	w.must("", "plugins", "reload", pluginName)
	gone(t, before, patience)
	again := readOutcome(t, w.must("", "sync-users", "--tenant", tenant, "--queue", "--json"))
	eventually(t, patience, "a run in the new process", func() bool { return w.runStatus(again.Run) == "succeeded\tNULL" })
	if after := serving.plugin(); after == before {
		t.Fatal("the plugin's process is the old one")
	}
	serving.signal(syscall.SIGTERM)
	if r := serving.wait(); r.code != 0 {
		t.Fatal(r)
	}
}
