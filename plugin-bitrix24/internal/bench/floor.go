package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// floor writes rows of users that are known already, with nothing around it: no
// portal, no plan, no history. Nobody can be faster.
type floor struct {
	lab     *lab
	rows    [][]any
	columns string
}

var floorColumns = []string{"tenant_id", "name", "email", linkColumn, "password", "role", "is_active", "created_at", "updated_at"}

// newFloor takes the rows that an import has just made.
func (l *lab) newFloor(ctx context.Context) (*floor, error) {
	f := &floor{lab: l, columns: strings.Join(floorColumns, ", ")}
	found, err := l.admin.QueryContext(ctx, "SELECT "+f.columns+" FROM users ORDER BY id")
	if err != nil {
		return nil, fmt.Errorf("take the rows: %w", err)
	}
	defer found.Close()
	for found.Next() {
		values := make([]string, len(floorColumns))
		targets, row := make([]any, len(values)), make([]any, len(values))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := found.Scan(targets...); err != nil {
			return nil, fmt.Errorf("take the rows: %w", err)
		}
		for i := range values {
			row[i] = strings.TrimSuffix(strings.Replace(values[i], "T", " ", 1), "Z")
			if i < len(values)-2 { // the last two are times
				row[i] = values[i]
			}
		}
		f.rows = append(f.rows, row)
	}
	return f, found.Err()
}

const loadName = "bench-rows"

// load is LOAD DATA LOCAL INFILE.
func (f *floor) load(ctx context.Context) (time.Duration, error) {
	var text bytes.Buffer
	escape := strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`)
	for _, row := range f.rows {
		for i, value := range row {
			if i > 0 {
				text.WriteByte('\t')
			}
			text.WriteString(escape.Replace(value.(string)))
		}
		text.WriteByte('\n')
	}
	mysql.RegisterReaderHandler(loadName, func() io.Reader { return bytes.NewReader(text.Bytes()) })
	defer mysql.DeregisterReaderHandler(loadName)
	return f.timed(ctx, func() error {
		_, err := f.lab.reference.DB.ExecContext(ctx, "LOAD DATA LOCAL INFILE 'Reader::"+loadName+"' INTO TABLE users CHARACTER SET utf8mb4 ("+f.columns+")")
		return err
	})
}

// insert is the fastest set-based way: statements of 1,000 rows in one transaction.
func (f *floor) insert(ctx context.Context) (time.Duration, error) {
	const perStatement = 1000
	marks := "(" + strings.TrimSuffix(strings.Repeat("?, ", len(floorColumns)), ", ") + ")"
	return f.timed(ctx, func() error {
		tx, err := f.lab.reference.DB.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		for rest := f.rows; len(rest) > 0; {
			part := rest[:min(perStatement, len(rest))]
			rest = rest[len(part):]
			args := make([]any, 0, len(part)*len(floorColumns))
			for _, row := range part {
				args = append(args, row...)
			}
			statement := "INSERT INTO users (" + f.columns + ") VALUES " + strings.TrimSuffix(strings.Repeat(marks+", ", len(part)), ", ")
			if _, err := tx.ExecContext(ctx, statement, args...); err != nil {
				return err
			}
		}
		return tx.Commit()
	})
}

func (f *floor) timed(ctx context.Context, write func() error) (time.Duration, error) {
	if err := f.lab.empty(ctx); err != nil {
		return 0, err
	}
	began := time.Now()
	if err := write(); err != nil {
		return 0, fmt.Errorf("the floor: %w", err)
	}
	took := time.Since(began)
	var rows int
	if err := f.lab.admin.NewRaw("SELECT COUNT(*) FROM users").Scan(ctx, &rows); err != nil {
		return 0, fmt.Errorf("the floor: %w", err)
	}
	if rows != len(f.rows) {
		return 0, fmt.Errorf("the floor: %d rows instead of %d", rows, len(f.rows))
	}
	return took, nil
}
