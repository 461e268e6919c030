package testdb_test

import (
	"os"
	"testing"

	"booking/shared/testdb"
)

func TestMain(m *testing.M) { os.Exit(testdb.Main(m)) }

func TestEachTestHasADatabaseOfItsOwn(t *testing.T) {
	first, second := testdb.Open(t, testdb.New(t)), testdb.Open(t, testdb.New(t))
	if _, err := first.Exec("CREATE TABLE only_here (id INT PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Exec("SELECT id FROM only_here"); err == nil {
		t.Error("the second database sees the first one's table")
	}
	var collation string
	if err := first.QueryRow("SELECT @@collation_database").Scan(&collation); err != nil || collation != "utf8mb4_unicode_ci" {
		t.Errorf("collation %q, error %v", collation, err)
	}
}
