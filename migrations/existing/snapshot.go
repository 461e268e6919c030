package existing

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
)

// Snapshot is what a database holds, table by table; compare two with go-cmp.
type Snapshot map[string]Table

// Table is one table of a snapshot.
type Table struct {
	// Columns maps names to definitions: type, character set, collation, null, default, comment.
	Columns map[string]string
	// Rows in the order of the first column. A value is the column's bytes as the
	// server keeps them (numbers and times as text); NULL is absent.
	Rows []map[string]string
}

// Take reads all tables of the database except those named.
func Take(t testing.TB, db *sql.DB, except ...string) Snapshot {
	t.Helper()
	skip := map[string]bool{}
	for _, table := range except {
		skip[table] = true
	}
	s := Snapshot{}
	for _, r := range read(t, db, "SELECT table_name AS n FROM information_schema.tables WHERE table_schema = DATABASE()") {
		if name := r["n"]; !skip[name] {
			s[name] = takeTable(t, db, name)
		}
	}
	return s
}

// Without forgets columns that were meant to change.
func (s Snapshot) Without(table string, columns ...string) Snapshot {
	for _, name := range columns {
		delete(s[table].Columns, name)
		for _, row := range s[table].Rows {
			delete(row, name)
		}
	}
	return s
}

func takeTable(t testing.TB, db *sql.DB, name string) Table {
	t.Helper()
	table := Table{Columns: map[string]string{}}
	var picks []string
	for _, r := range read(t, db, `SELECT column_name AS n, CONCAT_WS(' ', column_type, character_set_name, collation_name, is_nullable,
 IFNULL(CONCAT('default ', column_default), 'no default'), extra, column_comment) AS d
FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ? ORDER BY ordinal_position`, name) {
		table.Columns[r["n"]] = r["d"]
		picks = append(picks, fmt.Sprintf("CAST(`%s` AS BINARY) AS `%s`", r["n"], r["n"]))
	}
	first := strings.SplitN(picks[0], "`", 3)[1]
	table.Rows = read(t, db, fmt.Sprintf("SELECT %s FROM `%s` AS t ORDER BY t.`%s`", strings.Join(picks, ", "), name, first))
	return table
}

func read(t testing.TB, db *sql.DB, query string, args ...any) (records []map[string]string) {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), query, args...)
	if err != nil {
		t.Fatalf("take a snapshot: %v\n%s", err, query)
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, targets := make([]sql.NullString, len(names)), make([]any, len(names))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		record := map[string]string{}
		for i, value := range values {
			if value.Valid {
				record[names[i]] = value.String
			}
		}
		records = append(records, record)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return records
}
