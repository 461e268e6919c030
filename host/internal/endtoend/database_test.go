package endtoend

import (
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"booking/shared/testdb/proxy"
)

// Issue 3: "database goes away for some seconds in the middle": retried where safe.
// Every connection of the plugin is cut before and after a COMMIT, when nobody can
// know whether it was done, and nothing answers for a while.
func TestDatabaseAwayForSeconds(t *testing.T) {
	t.Parallel()
	b, p := newBig(t)
	for _, at := range b.boundaries() {
		b.reset()
		held := stopAt(p, at)
		run := b.start("sync-users", "--tenant", b.tenant, "--json")
		b.reached(held, run)
		p.Refuse()
		held.Drop()
		time.AfterFunc(time.Second, p.Accept)
		ended := run.wait()
		if o := readOutcome(t, ended.stdout); ended.code != 0 || o.Status != "partial" {
			t.Fatalf("%s: %s", at, ended)
		}
		b.mustEqual(b.want, at.String())
	}
}

// "A database that is away is waited for up to 30 s where that is safe, then database."
func TestDatabaseAwayForGood(t *testing.T) {
	t.Parallel()
	b, p := newBig(t)
	b.reset()
	held := stopAt(p, stop{chunk: 2})
	run := b.start("sync-users", "--tenant", b.tenant, "--json")
	b.reached(held, run)
	p.Refuse()
	held.Drop()
	failed := run.wait()
	o := readOutcome(t, failed.stdout)
	if failed.code != 1 || o.Status != "failed" || o.Error.Code != "database" {
		t.Fatal(failed)
	}
	// Nothing is half-written inside a chunk: people and their history agree.
	rows := query(t, b.db, "SELECT (SELECT COUNT(*) FROM users WHERE name NOT LIKE 'Local %' AND role = 'employee') = (SELECT COUNT(*) FROM crm_changes WHERE action = 'created')")
	if rows[0] != "1" {
		t.Fatal("people and history differ")
	}
	p.Accept()
	b.completes("after the database came back")
}

// The host's own connection is away for longer than its lease: it stops the plugin,
// whose connection still works, and says which run it could not end.
func TestHostLosesItsDatabase(t *testing.T) {
	t.Parallel()
	b, p := newBig(t)
	own := proxy.New(t, b.dsn)
	b.env["BOOKING_DSN_FILE"] = b.file("secret/dsn", own.Through(b.dsn))
	b.env["BOOKING_LEASE"] = "4s"
	b.reset()
	held := stopAt(p, stop{chunk: 1})
	run := b.start("sync-users", "--tenant", b.tenant, "--json")
	b.reached(held, run)
	own.Refuse()
	failed := run.wait()
	held.Drop()
	o := readOutcome(t, failed.stdout)
	if failed.code != 1 || o.Run == 0 || o.Status != "failed" || o.Error.Code != "database" {
		t.Fatal(failed)
	}
	own.Accept()
	b.leaseRunsOut()
	b.env["BOOKING_LEASE"] = "30s" // a renewal waits for the chunk: four seconds are few on a busy machine
	b.completes("after the host lost its database")
	if status := b.runStatus(o.Run); status != "interrupted\tNULL" {
		t.Fatalf("the run is %q, want interrupted", status)
	}
}

// A database that is not there when a command begins is waited for, and said so.
func TestDatabaseComesUpLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := proxy.New(t, w.dsn)
	w.env["BOOKING_DSN_FILE"] = w.file("secret/dsn", p.Through(w.dsn))
	w.must("", "tenants", "add", "--name", "Ромашка")
	p.Refuse()
	late := w.start("tenants", "list", "--json")
	time.AfterFunc(1500*time.Millisecond, p.Accept)
	r := late.wait()
	if r.code != 0 || !strings.Contains(r.stdout, "Ромашка") || !strings.Contains(r.stderr, "База данных не отвечает, жду до 30s") {
		t.Fatal(r)
	}
}

// The private database, killed with -9 in the middle of a run: its owner starts it
// again, the run is completed by itself or by the next one.
func TestPrivateDatabaseKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	delete(w.env, "BOOKING_DSN_FILE")
	// A claim whose answer was lost with the server holds until its lease has run out.
	w.env["BOOKING_LEASE"] = "5s"
	portal := startPortal(t, "--people", bigPeople)
	tenant := w.connected(portal)
	serve := w.start("serve")
	var db *sql.DB
	eventually(t, patience, "the host to serve its private database", func() bool {
		db = privateDatabase(t, w)
		return db != nil && db.Ping() == nil
	})
	for round := range 3 {
		run := w.start("sync-users", "--tenant", tenant, "--json")
		eventually(t, patience, "the run to begin", func() bool {
			var fetched int
			err := db.QueryRow("SELECT COUNT(*) FROM crm_runs WHERE status = 'running'").Scan(&fetched)
			return err == nil && fetched > 0
		})
		killDatabase(t, serve)
		ended := run.wait()
		o := readOutcome(t, ended.stdout)
		if o.Status != "succeeded" && o.Error.Code != "database" {
			t.Fatalf("round %d: %s", round, ended)
		}
		t.Logf("round %d: run %d %s %s", round, o.Run, o.Status, o.Error.Code)
		eventually(t, patience, "the database to be back", func() bool { return db.Ping() == nil })
		next := w.call("", "sync-users", "--tenant", tenant, "--json")
		for deadline := time.Now().Add(patience); next.code == 3 && time.Now().Before(deadline); {
			next = w.call("", "sync-users", "--tenant", tenant, "--json")
		}
		if o := readOutcome(t, next.stdout); next.code != 0 || o.Fetched != 3200 || o.Status != "succeeded" {
			t.Fatalf("round %d, the next run: %s", round, next)
		}
		left := query(t, db, "SELECT COUNT(*), COUNT(DISTINCT bitrix24_user_id), (SELECT COUNT(*) FROM crm_changes WHERE action = 'created') FROM users")
		if left[0] != "3200\t3200\t3200" {
			t.Fatalf("round %d: people, links and history are %s", round, left)
		}
		exec1(t, db, "DELETE FROM crm_changes")
		exec1(t, db, "DELETE FROM users")
	}
	collected.dump(t, t.Name(), db)
	serve.signal(syscall.SIGTERM)
	if r := serve.wait(); r.code != 0 {
		t.Fatal(r)
	}
}

// privateDatabase connects to the private database of the world's data directory as
// the host does; nil when it is not there yet.
func privateDatabase(t testing.TB, w *world) *sql.DB {
	t.Helper()
	c := privateAccount(t, w, "booking")
	if c == nil {
		return nil
	}
	return openAs(t, c)
}

// privateAccount is how an account of the private database signs in, nil while there
// is none.
func privateAccount(t testing.TB, w *world, user string) *mysql.Config {
	t.Helper()
	folder := filepath.Join(w.env["BOOKING_DATA_DIR"], "mysql")
	text, err := os.ReadFile(filepath.Join(folder, "accounts.json"))
	if err != nil {
		return nil
	}
	var accounts struct{ Host, Plugin string }
	if err := json.Unmarshal(text, &accounts); err != nil {
		t.Fatal(err)
	}
	var owner struct{ Socket string }
	if text, err = os.ReadFile(filepath.Join(folder, "owner.lock")); err != nil || json.Unmarshal(text, &owner) != nil || owner.Socket == "" {
		return nil
	}
	c := mysql.NewConfig()
	c.User, c.Passwd, c.Net, c.Addr, c.DBName, c.Logger = user, accounts.Host, "unix", owner.Socket, "booking", &mysql.NopLogger{}
	if user == "booking_plugin" {
		c.Passwd = accounts.Plugin
	}
	return c
}

// killDatabase kills the mariadbd of a serving host.
func killDatabase(t testing.TB, serve *running) {
	t.Helper()
	for _, pid := range children(serve.cmd.Process.Pid) {
		if name, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm"); strings.HasPrefix(string(name), "mariadbd") {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			return
		}
	}
	t.Fatal("the host has no database server")
}
