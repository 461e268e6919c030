package usersync

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// insert creates the newcomers (rule 5).
func (c *chunk) insert(ctx context.Context) error {
	columns := []string{"tenant_id", "name", "email", c.column, "password", "role", "is_active", "created_at", "updated_at"}
	marks := "(?, ?, ?, ?, ?, 'employee', 1, " + c.timestamp() + ", " + c.timestamp()
	if c.request.Options.Phone {
		columns, marks = append(columns, "phone"), marks+", ?"
	}
	if c.request.Options.Position {
		columns, marks = append(columns, "position"), marks+", ?"
	}
	marks += ")"
	for _, part := range pieces(c.entries(entry.creates)) {
		args := make([]any, 0, 7*len(part))
		for _, e := range part {
			password, err := unmatchable(c.Random)
			if err != nil {
				return err
			}
			args = append(args, c.request.Tenant.ID, e.Set.Name, e.Set.Email, e.Person.ExternalID, password)
			if c.request.Options.Phone {
				args = append(args, e.Set.Phone)
			}
			if c.request.Options.Position {
				args = append(args, e.Set.Position)
			}
		}
		if _, err := c.tx.ExecContext(ctx, "INSERT INTO `users` ("+list(columns...)+") VALUES "+repeated(marks, len(part)), args...); err != nil {
			return fmt.Errorf("insert newcomers: %w", err)
		}
	}
	return nil
}

// timestamp is the clock as a literal. The columns hold whole seconds, and MySQL
// would round half a second up, into the future.
func (c *chunk) timestamp() string {
	return "'" + c.now.Truncate(time.Second).Format(time.DateTime) + "'"
}

func repeated(marks string, n int) string {
	return strings.TrimSuffix(strings.Repeat(marks+", ", n), ", ")
}
