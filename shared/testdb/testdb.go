// Package testdb gives tests a real database: one private MariaDB for a test
// process, or the server that TEST_MYSQL_DSN names, and a fresh, empty database
// for each test. A server that cannot be had is a failure, never a skip.
package testdb

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"

	"booking/shared/mariadbd"
)

// EnvDSN names an account that may create databases on a server to test against,
// for example root@tcp(127.0.0.1:3306)/.
const EnvDSN = "TEST_MYSQL_DSN"

var server struct {
	once   sync.Once
	config *mysql.Config
	stop   func()
	err    error
}

// Main runs a package's tests and takes the server down afterwards:
//
//	func TestMain(m *testing.M) { os.Exit(testdb.Main(m)) }
func Main(m *testing.M) int {
	code := m.Run()
	if server.stop != nil {
		server.stop()
	}
	return code
}

// New creates an empty database (utf8mb4_unicode_ci) for one test, drops it
// when the test ends, and returns the DSN of an account that may do anything there.
func New(t testing.TB) string {
	t.Helper()
	return NewWith(t, "CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
}

// NewWith is New with other words after CREATE DATABASE name.
func NewWith(t testing.TB, options string) string {
	t.Helper()
	config := Server(t).Clone()
	name := "t_" + randomHex()
	admin := Open(t, config.FormatDSN())
	mustExec(t, admin, "CREATE DATABASE "+name+" "+options)
	t.Cleanup(func() {
		db, err := sql.Open("mysql", config.FormatDSN())
		if err != nil {
			return
		}
		defer db.Close()
		_, _ = db.ExecContext(context.Background(), "DROP DATABASE IF EXISTS "+name)
	})
	named := config.Clone()
	named.DBName = name
	return named.FormatDSN()
}

// Server is how to reach the server with an account that may do anything; no database is chosen.
func Server(t testing.TB) *mysql.Config {
	t.Helper()
	server.once.Do(start)
	if server.err != nil {
		t.Fatalf("these tests need a database server: %v", server.err)
	}
	return server.config
}

// Open opens a DSN for the length of the test.
func Open(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatalf("open the test database: %v", err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func start() {
	if dsn := os.Getenv(EnvDSN); dsn != "" {
		server.config, server.err = mysql.ParseDSN(dsn)
		if server.err == nil {
			settle(server.config)
		}
		return
	}
	dir, err := os.MkdirTemp("", "booking-testdb-")
	if err != nil {
		server.err = err
		return
	}
	running, err := mariadbd.Start(context.Background(), mariadbd.Options{Dir: dir, Flags: []string{
		// Nobody needs these rows after a power cut; everything else is as in production.
		"--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--innodb-log-file-size=32M", "--sync-binlog=0",
	}})
	if err != nil {
		_ = os.RemoveAll(dir)
		server.err = err
		return
	}
	server.stop = func() {
		running.Kill()
		_ = os.RemoveAll(dir)
	}
	server.config = mysql.NewConfig()
	server.config.User, server.config.Net, server.config.Addr = "root", "unix", running.Socket()
	settle(server.config)
}

func settle(c *mysql.Config) {
	c.ParseTime = true
	c.Collation = "utf8mb4_unicode_ci"
	c.InterpolateParams = true
}

func mustExec(t testing.TB, db *sql.DB, query string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func randomHex() string {
	b := make([]byte, 6)
	if _, err := rand.Read(b); err != nil {
		panic(fmt.Sprintf("no randomness: %v", err))
	}
	return hex.EncodeToString(b)
}
