package usersync

import (
	"context"
	"database/sql"
	"strings"
)

// insertion is an INSERT of many rows. Its text depends on the columns and on the
// number of rows only: the statement of a full chunk is prepared once and then
// executed for every further one, because a server takes as long to parse 1,000 rows
// of literals as it takes to write a third of them (measured: MariaDB 10.11; MySQL
// 9.7 does not care).
type insertion struct {
	text string
	rows int
	args []any
}

// columnOf is a column of an INSERT: the same SQL for every row, or the value that a
// row has, nil, a string or an int64.
type columnOf[T any] struct {
	name  string
	sql   string
	value func(*T) any
	// rare: most statements have nobody with a value and leave the column to its default.
	rare bool
}

// insertInto makes the INSERT of some rows.
func insertInto[T any](table string, rows []T, columns []columnOf[T]) insertion {
	var names, row []string
	var values []func(*T) any
	for _, c := range columns {
		if c.rare && !hasValue(rows, c.value) {
			continue
		}
		if c.value != nil {
			values, c.sql = append(values, c.value), "?"
		}
		names, row = append(names, c.name), append(row, c.sql)
	}
	one := "(" + strings.Join(row, ", ") + ")"
	i := insertion{
		text: "INSERT INTO " + quoted(table) + " (" + list(names...) + ") VALUES " + one + strings.Repeat(", "+one, len(rows)-1),
		rows: len(rows), args: make([]any, 0, len(rows)*len(values)),
	}
	for n := range rows {
		for _, value := range values {
			i.args = append(i.args, value(&rows[n]))
		}
	}
	return i
}

func hasValue[T any](rows []T, value func(*T) any) bool {
	for n := range rows {
		if v := value(&rows[n]); v != nil && v != "" {
			return true
		}
	}
	return false
}

// execute writes the rows, past bun, which would look at every argument by reflection.
func (i insertion) execute(ctx context.Context, c *chunk) error {
	statement, known := c.prepared[i.text]
	if statement != nil {
		err := i.executePrepared(ctx, c, statement)
		if number := serverError(err); number != tooManyStatements && number != cannotPrepareAgain {
			return err
		}
	} else if !known && i.rows == c.chunkRows {
		c.prepared[i.text] = nil
	}
	_, err := c.tx.Tx.ExecContext(ctx, i.text, i.args...)
	return err
}

// Reasons of a server not to execute a prepared statement that it would execute as
// text: it holds max_prepared_stmt_count of them and the transaction is on another
// connection than before; its cache of table definitions is too small.
const (
	tooManyStatements  = 1461
	cannotPrepareAgain = 1615
)

// executePrepared prepares the statement anew where the transaction has another connection.
func (i insertion) executePrepared(ctx context.Context, c *chunk, statement *sql.Stmt) error {
	bound := c.tx.StmtContext(ctx, statement)
	defer func() { _ = bound.Close() }() // the statement itself stays
	_, err := bound.ExecContext(ctx, i.args...)
	return err
}

// prepare has the server prepare what was executed as text before, outside of a
// transaction and its connection. What cannot be prepared stays text.
func (r *run) prepare(ctx context.Context) {
	for text, statement := range r.prepared {
		if statement != nil {
			continue
		}
		if statement, err := r.DB.DB.PrepareContext(ctx, text); err == nil { //nolint:sqlclosecheck // forget closes it
			r.prepared[text] = statement
		}
	}
}

// forget lets go of the prepared statements.
func (r *run) forget() {
	for _, statement := range r.prepared {
		if statement != nil {
			_ = statement.Close()
		}
	}
}
