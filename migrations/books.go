package migrations

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"booking/migrations/internal/ddl"
	"booking/migrations/internal/schema"
)

// lockTable has one row per set, for all sets.
const lockTable = "booking_migration_locks"

// books is the table in which a set's finished steps are written down. The old
// server's own is called migrations.
func (s Set) books() string { return "booking_migrations_" + s.Name }

// The columns are bun's, the unique key is ours: bun's Init would make the table in
// the database's default collation.
const booksTable = `CREATE TABLE IF NOT EXISTS ? (
  id BIGINT NOT NULL AUTO_INCREMENT,
  name VARCHAR(64) NOT NULL,
  group_id BIGINT NOT NULL,
  migrated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  UNIQUE KEY booking_migrations_name_unique (name)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`

// step is what the holder is working on; it stays when the work was cut off.
const locksTable = `CREATE TABLE IF NOT EXISTS ? (
  set_name VARCHAR(64) NOT NULL,
  owner VARCHAR(255) NOT NULL DEFAULT '',
  lease_until DATETIME(6) NOT NULL,
  step VARCHAR(255) NOT NULL DEFAULT '',
  PRIMARY KEY (set_name)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`

// makeBooks makes the two bookkeeping tables where they are absent. It asks first:
// CREATE TABLE IF NOT EXISTS wants the right to create even when it exists.
func makeBooks(ctx context.Context, db *bun.DB, s Set) error {
	there, err := schema.Tables(ctx, db, s.books(), lockTable)
	if err != nil {
		return err
	}
	for table, statement := range map[string]string{s.books(): booksTable, lockTable: locksTable} {
		if there[table] {
			continue
		}
		if _, err := db.ExecContext(ctx, statement, bun.Ident(table)); err != nil {
			return fmt.Errorf("make the table %s: %w", table, err)
		}
	}
	return nil
}

// marks returns when each finished step was finished, by its number; none when there
// are no books yet.
func (s Set) marks(ctx context.Context, db *bun.DB) (map[string]time.Time, error) {
	var rows []struct {
		Name       string
		MigratedAt time.Time
	}
	err := db.NewSelect().TableExpr("?", bun.Ident(s.books())).Column("name", "migrated_at").Scan(ctx, &rows)
	if err != nil && !ddl.IsMissingTable(err) {
		return nil, fmt.Errorf("read the finished steps: %w", err)
	}
	marks := make(map[string]time.Time, len(rows))
	for _, row := range rows {
		marks[row.Name] = row.MigratedAt
	}
	return marks, nil
}

// forget unmarks the steps of this set, and only those: link columns share their books.
func (s Set) forget(ctx context.Context, db *bun.DB) error {
	steps, err := s.steps(s.patience)
	if err != nil {
		return err
	}
	var names []string
	for _, step := range steps.Sorted() {
		names = append(names, step.Name)
	}
	if _, err := db.ExecContext(ctx, "DELETE FROM ? WHERE name IN (?)", bun.Ident(s.books()), bun.List(names)); err != nil {
		return fmt.Errorf("forget the finished steps: %w", err)
	}
	return nil
}

// tablesExist is the inPlace of a set that only makes tables.
func tablesExist(names []string) func(context.Context, *bun.DB) (bool, error) {
	return func(ctx context.Context, db *bun.DB) (bool, error) {
		there, err := schema.Tables(ctx, db, names...)
		return len(there) == len(names), err
	}
}
