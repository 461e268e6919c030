package ddl

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"

	"booking/shared/testdb"
)

func TestMain(m *testing.M) { os.Exit(testdb.Main(m)) }

func open(t *testing.T, statements ...string) *bun.DB {
	t.Helper()
	pool := testdb.Open(t, testdb.New(t))
	pool.SetMaxOpenConns(1)
	for _, statement := range statements {
		if _, err := pool.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	return bun.NewDB(pool, mysqldialect.New())
}

const table = "CREATE TABLE a (id INT PRIMARY KEY, b VARCHAR(255)) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci ROW_FORMAT=COMPACT"

func TestTheFirstVariantThatTheServerIsAbleToRunIsRun(t *testing.T) {
	t.Parallel()
	db := open(t, table)
	// No server adds an index INSTANT, and no compact row has room for 255 utf8mb4 characters.
	err := Exec(t.Context(), db, DefaultPatience, "ALTER TABLE a ADD INDEX i (b), ALGORITHM=INSTANT", "ALTER TABLE a ADD INDEX i (b)", "ALTER TABLE a ADD INDEX i (b(64))")
	if err != nil {
		t.Fatal(err)
	}
	var name, definition string
	if err := db.QueryRowContext(t.Context(), "SHOW CREATE TABLE a").Scan(&name, &definition); err != nil || !strings.Contains(definition, "KEY `i` (`b`(64))") {
		t.Errorf("error %v, table %s", err, definition)
	}
}

func TestAnErrorThatNoVariantHelpsIsReturned(t *testing.T) {
	t.Parallel()
	db := open(t, table)
	err := Exec(t.Context(), db, DefaultPatience, "ALTER TABLE a ADD COLUMN b INT, ALGORITHM=INSTANT", "DROP TABLE a")
	if !IsDuplicate(err) {
		t.Errorf("error %v", err)
	}
	if _, err := db.ExecContext(t.Context(), "SELECT 1 FROM a"); err != nil {
		t.Errorf("the second variant was run: %v", err)
	}
}

func TestTheSessionsSettingsStayInTheSession(t *testing.T) {
	t.Parallel()
	db := open(t)
	settings := func() (found string) {
		if err := db.QueryRowContext(t.Context(), "SELECT CONCAT(@@SESSION.lock_wait_timeout, ' ', @@SESSION.sql_mode)").Scan(&found); err != nil {
			t.Fatal(err)
		}
		return found
	}
	before := settings()
	if err := Exec(t.Context(), db, DefaultPatience, table); err != nil {
		t.Fatal(err)
	}
	if after := settings(); after != before {
		t.Errorf("the pool's connection has %q, had %q", after, before)
	}
}

func TestATableHeldForTooLongIsBlocked(t *testing.T) {
	t.Parallel()
	db := open(t, table)
	db.SetMaxOpenConns(2)
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(t.Context(), "SELECT * FROM a"); err != nil {
		t.Fatal(err)
	}
	var blocked *BlockedError
	err = Exec(t.Context(), db, Patience{LockWait: time.Second, Pause: 10 * time.Millisecond, Total: time.Second}, "ALTER TABLE a ADD COLUMN c INT")
	if !errors.As(err, &blocked) || !IsLockWait(err) {
		t.Errorf("error %v", err)
	}
}

func TestErrorsAreKnownByTheirNumbers(t *testing.T) {
	t.Parallel()
	with := func(number uint16, message string) error {
		return fmt.Errorf("alter: %w", &mysql.MySQLError{Number: number, SQLState: [5]byte{'4', '2', '0', '0', '0'}, Message: message})
	}
	kinds := func(err error) (found []string) {
		if IsDuplicate(err) {
			found = append(found, "duplicate")
		}
		if IsTransient(err) {
			found = append(found, "transient")
		}
		if unsupported(err) {
			found = append(found, "unsupported")
		}
		if right, missing := MissingRight(err); missing {
			found = append(found, "lacks "+right)
		}
		return found
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{with(1060, "Duplicate column name 'x'"), "[duplicate]"},
		{with(1061, "Duplicate key name 'x'"), "[duplicate]"},
		{with(1050, "Table 'x' already exists"), "[duplicate]"},
		{with(1091, "Can't DROP"), "[duplicate]"},
		{with(1205, "Lock wait timeout exceeded"), "[transient]"},
		{with(1213, "Deadlock found"), "[transient]"},
		{with(1047, "WSREP has not yet prepared node"), "[transient]"},
		{fmt.Errorf("exec: %w", driver.ErrBadConn), "[transient]"},
		{with(1845, "ALGORITHM=INSTANT is not supported"), "[unsupported]"},
		{with(1846, "ALGORITHM=INSTANT is not supported. Reason"), "[unsupported]"},
		{with(4092, "maximum row versions"), "[unsupported]"},
		{&mysql.MySQLError{Number: 1, SQLState: [5]byte{'0', 'A', '0', '0', '0'}}, "[unsupported]"},
		{with(1142, "ALTER command denied to user 'x'@'localhost' for table 'users'"), "[lacks ALTER]"},
		{with(1142, "INSERT, CREATE command denied to user 'x'@'localhost' for table `d`.`users`"), "[lacks INSERT, CREATE]"},
		{with(1044, "Access denied for user 'x'@'%' to database 'd'"), "[lacks CREATE, ALTER, INDEX]"},
		{with(1146, "Table 'x' doesn't exist"), "[]"},
		{errors.New("1060"), "[]"},
	} {
		if got := fmt.Sprint(kinds(c.err)); got != c.want {
			t.Errorf("%v is %s, wanted %s", c.err, got, c.want)
		}
	}
}
