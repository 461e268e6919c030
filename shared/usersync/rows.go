package usersync

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/uptrace/bun"
)

// selected lists the columns of a [Row] that this run looks at, in the order of
// scanRow. Phone and position may be absent from the table when nobody wants them.
func (r *run) selected() string {
	columns := "`id`, `name`, `email`, `role`, " + quoted(r.column)
	if r.request.Options.Phone {
		columns += ", `phone`"
	}
	if r.request.Options.Position {
		columns += ", `position`"
	}
	return columns
}

// readRows streams the rows of the tenant, and of nobody else (rule 1).
func (r *run) readRows(ctx context.Context, tx bun.Tx) ([]Row, error) {
	found, err := tx.QueryContext(ctx, "SELECT "+r.selected()+" FROM `users` WHERE `tenant_id` = ?", r.request.Tenant.ID)
	if err != nil {
		return nil, fmt.Errorf("read tenant rows: %w", err)
	}
	rows, err := r.scanRows(found, nil)
	if err != nil {
		return nil, fmt.Errorf("read tenant rows: %w", err)
	}
	return rows, nil
}

// scanRows appends what a query of selected() found, and closes it.
func (r *run) scanRows(found *sql.Rows, rows []Row) ([]Row, error) {
	defer found.Close()
	var id int64
	var name, email, role, link, phone, position sql.RawBytes
	targets := []any{&id, &name, &email, &role, &link}
	if r.request.Options.Phone {
		targets = append(targets, &phone)
	}
	if r.request.Options.Position {
		targets = append(targets, &position)
	}
	for found.Next() {
		if err := found.Scan(targets...); err != nil {
			return nil, err
		}
		rows = append(rows, Row{
			ID: id, Name: string(name), Email: string(email), Link: string(link),
			Role: roleName(role), Phone: string(phone), Position: string(position),
		})
	}
	return rows, found.Err()
}

// roleName spares an allocation for each of the roles there are.
func roleName(b []byte) string {
	for _, known := range [...]string{"employee", "manager", "admin", "super_admin"} {
		if string(b) == known {
			return known
		}
	}
	return string(b)
}
