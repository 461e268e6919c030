package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"booking/shared/crm"
)

// linkColumn is the shape that the contract demands of an external-id column.
var linkColumn = regexp.MustCompile(`^[a-z][a-z0-9]*_user_id$`)

// LinkColumns lists the external-id columns that users has, by name: one for each
// CRM that was ever connected.
func (s *Store) LinkColumns(ctx context.Context) ([]string, error) {
	var columns []string
	err := s.read(ctx, "read the columns of users", func(ctx context.Context) error {
		columns = nil
		return usersColumns(s.db).ColumnExpr("column_name AS column_name").Order("column_name").Scan(ctx, &columns)
	})
	return slices.DeleteFunc(columns, func(name string) bool { return !linkColumn.MatchString(name) }), err
}

// usersColumns asks for the columns of users. (MySQL heads the answer COLUMN_NAME unless
// it is named by whoever picks it.)
func usersColumns(db *bun.DB) *bun.SelectQuery {
	return db.NewSelect().TableExpr("information_schema.columns").
		Where("table_schema = DATABASE()").Where("table_name = 'users'")
}

// LinkCount counts the tenant's rows with a link. Where the column is not there
// yet, there are none.
func (s *Store) LinkCount(ctx context.Context, tenantID int64, column string) (int, error) {
	there, err := s.userColumns(ctx, column)
	if err != nil || !there[column] {
		return 0, err
	}
	var count int
	err = s.read(ctx, "count links", func(ctx context.Context) error {
		return s.db.NewSelect().Table("users").ColumnExpr("COUNT(*)").
			Where("tenant_id = ?", tenantID).Where("? <> ''", bun.Ident(column)).Scan(ctx, &count)
	})
	return count, err
}

// DropLinks empties the link of every row of the tenant and returns how many had
// one. People stay; the next sync finds them by their addresses.
func (s *Store) DropLinks(ctx context.Context, tenantID int64, column string) (int, error) {
	there, err := s.userColumns(ctx, column)
	if err != nil || !there[column] {
		return 0, err
	}
	var dropped int
	err = s.write(ctx, "drop links", func(ctx context.Context, tx bun.Tx) (err error) {
		dropped, err = s.dropLinks(ctx, tx, tenantID, column)
		return err
	})
	return dropped, err
}

func (s *Store) dropLinks(ctx context.Context, tx bun.Tx, tenantID int64, column string) (int, error) {
	// The column's own default: NULL, or '' where an older server wants no NULL.
	result, err := tx.NewUpdate().Table("users").Set("? = DEFAULT", bun.Ident(column)).Set("updated_at = ?", s.now()).
		Where("tenant_id = ?", tenantID).Where("? <> ''", bun.Ident(column)).Exec(ctx)
	if err != nil {
		return 0, err
	}
	affected, err := result.RowsAffected()
	return int(affected), err
}

// userColumns tells which of the named columns users has.
func (s *Store) userColumns(ctx context.Context, names ...string) (map[string]bool, error) {
	there := map[string]bool{}
	for _, name := range names {
		if name != "" && name != "phone" && name != "position" && !linkColumn.MatchString(name) {
			return nil, fmt.Errorf("%q is no name of an external-id column", name)
		}
	}
	var found []string
	err := s.read(ctx, "read the columns of users", func(ctx context.Context) error {
		found = nil
		return usersColumns(s.db).ColumnExpr("column_name AS column_name").Where("column_name IN (?)", bun.List(names)).Scan(ctx, &found)
	})
	for _, name := range found {
		there[name] = true
	}
	return there, err
}

// orEmpty is a column as text, ” for NULL and for a column that is not there.
func orEmpty(column string, there map[string]bool) schema.QueryAppender {
	if !there[column] {
		return bun.SafeQuery("''")
	}
	return bun.SafeQuery("COALESCE(?, '')", bun.Ident(column))
}

// lastPortal is the portal whose people the plugin's runs wrote last for the
// tenant: a tenant that comes back to a CRM after another one still has its links,
// and they mean that portal's people.
func lastPortal(ctx context.Context, tx bun.Tx, tenantID int64, plugin string) (string, error) {
	var portal string
	err := tx.NewSelect().Model((*Run)(nil)).Column("portal").
		Where("tenant_id = ?", tenantID).Where("plugin = ?", plugin).Where("mode <> ?", string(crm.ModePreview)).
		Where("(chunks > 0 OR status IN (?))", bun.List([]Status{StatusSucceeded, StatusPartial})).
		OrderBy("id", bun.OrderDesc).Limit(1).Scan(ctx, &portal)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return portal, err
}
