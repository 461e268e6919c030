package link

import (
	"context"
	"errors"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/migrate"

	"booking/migrations/internal/ddl"
	"booking/migrations/internal/schema"
)

// Steps returns the set, one step of this name.
func (c Column) Steps(name string, p ddl.Patience) (*migrate.Migrations, error) {
	steps := migrate.NewMigrations()
	steps.Add(migrate.Migration{Name: name, Comment: "users_link", Up: func(ctx context.Context, m *migrate.Migrator, _ *migrate.Migration) error {
		return c.up(ctx, m.DB(), p)
	}})
	return steps, nil
}

// Check reports whether nothing is missing; when that is so, with one statement that
// only reads. A table that cannot be used is an error.
func (c Column) Check(ctx context.Context, db *bun.DB) (bool, error) {
	t, err := schema.Glance(ctx, db, table)
	if err == nil && t != nil && c.refuse(t) == nil && c.next(t) == nil {
		return true, nil
	}
	t, err = schema.Read(ctx, db, table)
	if err != nil {
		return false, err
	}
	if err := c.refuse(t); err != nil {
		return false, err
	}
	return c.next(t) == nil, nil
}

// up looks and does what is missing until nothing is. Who is killed in between
// leaves a table that the next one goes on with; a statement of theirs that is still
// running on the server shows up as a duplicate, which is a reason to look again.
func (c Column) up(ctx context.Context, db *bun.DB, p ddl.Patience) error {
	const enough = 10 // two statements are needed; each may be overtaken
	for range enough {
		t, err := schema.Read(ctx, db, table)
		if err != nil {
			return err
		}
		if err := c.refuse(t); err != nil {
			return err
		}
		variants := c.next(t)
		if variants == nil {
			return nil
		}
		if err := ddl.Exec(ctx, db, p, variants...); err != nil && !ddl.IsDuplicate(err) {
			return err
		}
	}
	return errors.New("the table users is being changed by somebody else at the same time")
}
