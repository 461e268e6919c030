package usersync

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// newcomer is an entry that creates a row.
type newcomer struct {
	entry
	password string
}

// insert creates the newcomers (rule 5).
func (c *chunk) insert(ctx context.Context) error {
	var now any = c.timestamp()
	columns := []columnOf[newcomer]{
		{name: "tenant_id", sql: strconv.FormatInt(c.request.Tenant.ID, 10)},
		{name: "role", sql: "'employee'"},
		{name: "is_active", sql: "1"},
		{name: "created_at", value: func(*newcomer) any { return now }},
		{name: "updated_at", value: func(*newcomer) any { return now }},
		{name: "name", value: func(n *newcomer) any { return *n.Set.Name }},
		{name: "email", value: func(n *newcomer) any { return *n.Set.Email }},
		{name: c.column, value: func(n *newcomer) any { return n.Person.ExternalID }},
		{name: "password", value: func(n *newcomer) any { return n.password }},
		{name: "phone", rare: true, value: func(n *newcomer) any { return orNull(n.Set.Phone) }},
		{name: "position", rare: true, value: func(n *newcomer) any { return orNull(n.Set.Position) }},
	}
	for _, part := range pieces(c.entries(entry.creates)) {
		newcomers := make([]newcomer, len(part))
		for i, e := range part {
			password, err := UnmatchablePassword(c.Random)
			if err != nil {
				return err
			}
			newcomers[i] = newcomer{e, password}
		}
		if err := insertInto("users", newcomers, columns).execute(ctx, c); err != nil {
			return fmt.Errorf("insert newcomers: %w", err)
		}
	}
	return nil
}

// orNull is NULL for nil.
func orNull(value *string) any {
	if value == nil {
		return nil
	}
	return *value
}

// timestamp is the clock as the columns hold it: in whole seconds. MySQL would round
// half a second up, into the future.
func (c *chunk) timestamp() string { return c.now.Truncate(time.Second).Format(time.DateTime) }
