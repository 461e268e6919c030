package schema

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"booking/migrations/internal/ddl"
)

// exists asks the table itself: a SELECT waits until a rename has passed, and in a
// transaction it keeps the table as it is until the end of that. A table that the
// account may not read at all counts as absent.
func exists(ctx context.Context, db bun.IDB, name string) (bool, error) {
	_, err := db.ExecContext(ctx, "SELECT 1 FROM ? LIMIT 0", bun.Ident(name))
	if err == nil {
		return true, nil
	}
	if _, hidden := ddl.MissingRight(err); hidden || ddl.IsMissingTable(err) {
		return false, nil
	}
	return false, fmt.Errorf("look for the table %s: %w", name, err)
}
