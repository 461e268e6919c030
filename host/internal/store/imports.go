package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"
)

// importRow is a row of crm_imports.
type importRow struct {
	bun.BaseModel `bun:"table:crm_imports"`

	TenantID int64     `bun:"tenant_id,pk"`
	Plugin   string    `bun:"plugin"`
	SavedAt  time.Time `bun:"saved_at"`
}

// AsImported reports whether the tenant's connection is as an import left it: nobody has
// saved it here since.
func (s *Store) AsImported(ctx context.Context, tenantID int64) (as bool, err error) {
	err = s.read(ctx, "read whether a connection was imported", func(ctx context.Context) (err error) {
		as, err = asImported(ctx, s.db, tenantID)
		return err
	})
	return as, err
}

// asImported compares the times as well: a host of a former release that runs beside
// this one saves a connection without taking the mark away.
func asImported(ctx context.Context, db bun.IDB, tenantID int64) (bool, error) {
	return db.NewSelect().Model((*importRow)(nil)).
		Join("JOIN crm_connections AS c ON c.tenant_id = import_row.tenant_id AND c.plugin = import_row.plugin AND c.updated_at = import_row.saved_at").
		Where("import_row.tenant_id = ?", tenantID).Exists(ctx)
}

// markImport sets the mark together with what an import saves; whatever else is saved
// takes it away.
func markImport(ctx context.Context, tx bun.Tx, e *ConnectionEdit, savedAt time.Time) error {
	if !e.Imported {
		_, err := tx.NewDelete().Model((*importRow)(nil)).Where("tenant_id = ?", e.TenantID).Exec(ctx)
		return err
	}
	row := importRow{TenantID: e.TenantID, Plugin: e.Plugin, SavedAt: savedAt}
	_, err := tx.NewInsert().Model(&row).On("DUPLICATE KEY UPDATE").Set("plugin = VALUES(plugin)").Set("saved_at = VALUES(saved_at)").Exec(ctx)
	return err
}
