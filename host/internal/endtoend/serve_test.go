package endtoend

import (
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
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
	p := newProxy(t, w.dsn)
	p.cut()
	w.env["BOOKING_DSN_FILE"] = w.file("secret/dsn", through(w.dsn, p))
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
	if after := query(t, w.db, "SELECT * FROM users ORDER BY id"); strings.Join(before, "\n") != strings.Join(after, "\n") {
		t.Fatal("the table users was touched")
	}
	portal.ask("DELETE", "/faults", "")
	w.must("", "sync-users", "--tenant", tenant)
}
