package usersync

import (
	"context"
	"fmt"
	"time"
)

// insert creates the newcomers (rule 5).
func (c *chunk) insert(ctx context.Context) error {
	columns := []string{"tenant_id", "role", "is_active", "created_at", "updated_at", "name", "email", c.column, "password"}
	same := fmt.Sprintf("%d, 'employee', 1, %s, %[2]s", c.request.Tenant.ID, c.timestamp())
	if c.request.Options.Phone {
		columns = append(columns, "phone")
	}
	if c.request.Options.Position {
		columns = append(columns, "position")
	}
	for _, part := range pieces(c.entries(entry.creates)) {
		rows := c.insertInto("users", columns...)
		for _, e := range part {
			password, err := UnmatchablePassword(c.Random)
			if err != nil {
				return err
			}
			rows.row()
			rows.sql(same)
			rows.stringOrNull(e.Set.Name)
			rows.stringOrNull(e.Set.Email)
			rows.string(e.Person.ExternalID)
			rows.string(password)
			if c.request.Options.Phone {
				rows.stringOrNull(e.Set.Phone)
			}
			if c.request.Options.Position {
				rows.stringOrNull(e.Set.Position)
			}
		}
		if err := rows.execute(ctx, c); err != nil {
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
