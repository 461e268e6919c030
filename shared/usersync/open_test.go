package usersync

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"booking/shared/crm"
	"booking/shared/secret"
	"booking/shared/testdb"
)

func TestOpenDBSettlesTheSession(t *testing.T) {
	t.Parallel()
	config, err := mysql.ParseDSN(testdb.New(t))
	if err != nil {
		t.Fatal(err)
	}
	// A DSN that asks for nearly everything else.
	config.Params = map[string]string{"sql_mode": "''", "time_zone": "'+09:00'", "innodb_lock_wait_timeout": "50"}
	config.Loc, config.ParseTime, config.InterpolateParams, config.Collation = time.Local, false, false, ""
	config.ClientFoundRows, config.MultiStatements, config.RejectReadOnly = true, true, false
	if err := config.Apply(mysql.Charset("latin1", "")); err != nil {
		t.Fatal(err)
	}
	db, err := OpenDB(secret.New(config.FormatDSN()))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	want := map[string]string{
		"time_zone": "+00:00", "innodb_lock_wait_timeout": "5", "lock_wait_timeout": "30", "sql_mode": strings.Trim(sqlMode, "'"),
		"collation_connection": "utf8mb4_unicode_ci", "character_set_results": "utf8mb4", "character_set_client": "utf8mb4",
	}
	for name, value := range want {
		var got string
		if err := db.QueryRow("SELECT @@SESSION." + name).Scan(&got); err != nil || got != value {
			t.Errorf("%s is %q, want %q (%v)", name, got, value, err)
		}
	}
	var at time.Time
	if err := db.QueryRow("SELECT TIMESTAMP('2026-11-23 12:00:00.5')").Scan(&at); err != nil || !at.Equal(time.Date(2026, 11, 23, 12, 0, 0, 5e8, time.UTC)) {
		t.Errorf("time %v, error %v", at, err)
	}
	if _, err := db.Exec("SELECT 1; SELECT 2"); err == nil {
		t.Error("two statements in one are taken")
	}
	if settled, err := configure(secret.New(config.FormatDSN())); err != nil || !settled.RejectReadOnly {
		t.Errorf("a connection to a server that takes no writes is kept, error %v", err)
	}
}

func TestOpenDBSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	server := testdb.Server(t)
	with := func(change func(*mysql.Config)) string {
		c := server.Clone()
		c.DBName = "no_such_database"
		change(c)
		return c.FormatDSN()
	}
	admin := testdb.Open(t, server.FormatDSN())
	name := "nobody" + fmt.Sprint(time.Now().UnixNano())
	for _, statement := range []string{"CREATE DATABASE " + name, "CREATE USER '" + name + "'@'%' IDENTIFIED BY 'hushhush'"} {
		if _, err := admin.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		_, _ = admin.Exec("DROP DATABASE " + name)
		_, _ = admin.Exec("DROP USER '" + name + "'@'%'")
	})
	closed := closedPort(t)
	for what, c := range map[string]struct{ dsn, says string }{
		"empty":             {"", "malformed"},
		"no slash":          {"root:hushhush@tcp(127.0.0.1:3306)", "malformed"},
		"a password's ends": {"root:x/hushhush@tcp(127.0.0.1:3306)", "malformed"},
		"brackets":          {"root:hushhush(x)/db", "malformed"},
		"a URL":             {"mysql://root:hushhush@127.0.0.1:3306/db", "malformed"},
		"an odd parameter":  {"root:hushhush@tcp(127.0.0.1:1)/db?parseTime=hushhush", "malformed"},
		"tls unknown":       {"root:hushhush@tcp(127.0.0.1:1)/db?tls=hushhush", "malformed"},
		"no database":       {"root:hushhush@tcp(127.0.0.1:3306)/", "names no database"},
		"no such database":  {with(func(*mysql.Config) {}), "no such database"},
		"wrong password":    {with(func(c *mysql.Config) { c.User, c.Passwd = name, "hushhush?" }), "refuses the user name"},
		"no privilege":      {with(func(c *mysql.Config) { c.User, c.Passwd, c.DBName = name, "hushhush", name }), "lacks a privilege"},
		"server down":       {"root:hushhush@tcp(" + closed + ")/db", "not running"},
		"no socket":         {"root:hushhush@unix(" + filepath.Join(t.TempDir(), "no.sock") + ")/db", "not running"},
	} {
		db, err := OpenDB(secret.New(c.dsn))
		if db != nil {
			t.Errorf("%s: opened", what)
			continue
		}
		var told *crm.Error
		if !errors.As(err, &told) || told.Code != crm.CodeDatabase || !strings.Contains(told.Message.EN, c.says) || told.Message.RU == "" {
			t.Errorf("%s: %v", what, err)
		}
		if strings.Contains(fmt.Sprintf("%v %+v", err, told), "hushhush") {
			t.Errorf("%s: the error shows the password: %v", what, err)
		}
	}
}

// closedPort is an address where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func TestDatabaseErrorKeepsWhatItKnows(t *testing.T) {
	t.Parallel()
	known := crm.NewError(crm.CodeBusy, crm.Text{}, nil)
	for _, err := range []error{nil, known, context.Canceled} {
		if got := DatabaseError(err); !errors.Is(got, err) || crm.CodeOf(got) != crm.CodeOf(err) {
			t.Errorf("%v became %v", err, got)
		}
	}
	for number, says := range map[uint16]string{1054: "migrate up", 1142: "GRANT", 1040: "max_connections", 1114: "space", 1290: "read-only", 1205: "locked", 9999: "9999"} {
		cause := &mysql.MySQLError{Number: number}
		err := DatabaseError(fmt.Errorf("read: %w", cause))
		if crm.CodeOf(err) != crm.CodeDatabase || !strings.Contains(err.Error(), says) || !errors.Is(err, cause) {
			t.Errorf("%d: %v", number, err)
		}
	}
}
