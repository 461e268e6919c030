// Package schema reads what is there: the servers' information_schema, asked in
// the one way that MySQL and MariaDB both answer.
package schema

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"booking/migrations/internal/ddl"
)

// Table is a table as a migration has to know it.
type Table struct {
	Name string
	// Columns by name in lower case: the servers do not tell the two apart.
	Columns map[string]Column
	// Indexes by name in lower case.
	Indexes map[string]Index
}

// Column is one column.
type Column struct {
	Name string
	// DataType is the bare type ("varchar"), FullType the declared one ("varchar(255)").
	DataType, FullType string
	// Length in characters; 0 for types without one.
	Length   int64
	Nullable bool
	// HasDefault: an INSERT may leave the column out. EmptyDefault: it is '' then.
	HasDefault, EmptyDefault bool
	Generated                bool
}

// Index is one index. Parts[i] is what stands at position i; the name of a part that
// is an expression is empty.
type Index struct {
	Name  string
	Parts []Part
	// Usable: an ordered index that the optimizer may use (neither full-text nor
	// INVISIBLE or IGNORED).
	Usable bool
}

// Part is a column of an index. Prefix is the number of characters of it that the
// index holds, 0 for all.
type Part struct {
	Column string
	Prefix int64
}

// One statement for columns and indexes together, because a plugin asks it before
// every run. The names of s.* differ between the servers (IS_VISIBLE, IGNORED) and
// are read as they come; ours are aliased because MySQL answers in upper case.
const tableQuery = `SELECT c.column_name AS c_name, c.data_type AS c_data_type, c.column_type AS c_full_type,
 c.character_maximum_length AS c_length, c.is_nullable AS c_nullable, c.column_default AS c_default, c.extra AS c_extra, s.*
FROM information_schema.columns c
LEFT JOIN information_schema.statistics s
 ON s.table_schema = DATABASE() AND s.table_name = ? AND s.column_name = c.column_name
WHERE c.table_schema = DATABASE() AND c.table_name = ?`

// Read returns a table of the current database, nil when the account sees none of
// this name. Nobody can change the table while it is read.
//
// information_schema itself takes no lock on names: in the moment in which a copying
// ALTER of somebody else renames the table it shows neither the table nor, a little
// later, its indexes. So the table is held first, for the length of the question. A
// Galera node undoes whoever holds what an ALTER wants: then it is asked again, for
// as long as [ddl.DefaultPatience] allows, however many ALTERs follow each other.
func Read(ctx context.Context, db *bun.DB, name string) (*Table, error) {
	giveUp := time.Now().Add(ddl.DefaultPatience.Total)
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		t, err := hold(ctx, db, name)
		if !ddl.IsUndone(err) || time.Now().Add(pause).After(giveUp) {
			return t, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(pause):
		}
	}
}

// The pauses of Read: an ALTER takes some milliseconds, a row of them may take longer.
const firstPause, longestPause = 5 * time.Millisecond, 250 * time.Millisecond

// hold is one try of Read.
func hold(ctx context.Context, db *bun.DB, name string) (*Table, error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("read the columns of %s: %w", name, err)
	}
	defer func() { _ = tx.Rollback() }()
	if there, err := exists(ctx, tx, name); err != nil || !there {
		return nil, err
	}
	return Glance(ctx, tx, name)
}

// Glance is Read in one statement, without holding the table. What it shows is there;
// what it does not show may be there all the same.
func Glance(ctx context.Context, db bun.IDB, name string) (*Table, error) {
	records, err := query(ctx, db, tableQuery, name, name)
	if err != nil {
		return nil, fmt.Errorf("read the columns of %s: %w", name, err)
	}
	if len(records) == 0 {
		return nil, nil //nolint:nilnil // absence is an answer here, not an error
	}
	return assemble(name, records), nil
}

func assemble(name string, records []record) *Table {
	t := &Table{Name: name, Columns: map[string]Column{}, Indexes: map[string]Index{}}
	for _, r := range records {
		c := r.column()
		t.Columns[strings.ToLower(c.Name)] = c
		if index := r["index_name"]; index.Valid {
			key := strings.ToLower(index.String)
			t.Indexes[key] = r.addTo(t.Indexes[key])
		}
	}
	return t
}

// Tables returns which of the named tables exist in the current database. When all do
// it is one statement.
func Tables(ctx context.Context, db bun.IDB, names ...string) (map[string]bool, error) {
	records, err := query(ctx, db, `SELECT table_name AS t_name FROM information_schema.tables
WHERE table_schema = DATABASE() AND table_name IN (?)`, bun.List(names))
	if err != nil {
		return nil, fmt.Errorf("read the list of tables: %w", err)
	}
	found := make(map[string]bool, len(records))
	for _, r := range records {
		found[r["t_name"].String] = true
	}
	for _, name := range names {
		if found[name] {
			continue
		}
		there, err := exists(ctx, db, name)
		if err != nil {
			return nil, err
		}
		if there {
			found[name] = true
		}
	}
	return found, nil
}
