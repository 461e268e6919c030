package testdb

import (
	"context"
	"database/sql"
	"strings"
)

// Querier is a *sql.DB, *sql.Conn or *sql.Tx.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Lines returns the rows of a query as lines, columns divided by tabs, NULL as a word.
func Lines(ctx context.Context, db Querier, query string, args ...any) ([]string, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	lines := []string{}
	for rows.Next() {
		values, targets := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		cells := make([]string, len(values))
		for i, value := range values {
			cells[i] = "NULL"
			if value.Valid {
				cells[i] = value.String
			}
		}
		lines = append(lines, strings.Join(cells, "\t"))
	}
	return lines, rows.Err()
}
