package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"
)

// AuditEntry is a row of booking_audit: one thing that a person changed by hand.
type AuditEntry struct {
	bun.BaseModel `bun:"table:booking_audit"`

	ID       int64  `bun:"id,pk,autoincrement"`
	TenantID int64  `bun:"tenant_id,nullzero"`
	UserID   int64  `bun:"user_id,nullzero"`
	UserName string `bun:"user_name"`
	// Action is setting, secret, enabled, links, plugin, role, active, link,
	// token_added or token_revoked.
	Action string `bun:"action"`
	// Subject is the setting's key, the number of the person or the name of the token it
	// is about.
	Subject   string    `bun:"subject"`
	Old       string    `bun:"old_value,nullzero"`
	New       string    `bun:"new_value,nullzero"`
	CreatedAt time.Time `bun:"created_at"`
}

// AddAudit notes what was changed; a secret's old and new value must not be in it.
func (s *Store) AddAudit(ctx context.Context, entries ...AuditEntry) error {
	if len(entries) == 0 {
		return nil
	}
	for i := range entries {
		entries[i].CreatedAt = s.Clock().UTC()
	}
	_, err := s.db.NewInsert().Model(&entries).Exec(ctx)
	return databaseError("note a change", err)
}

// Audit lists a tenant's changes, the newest first.
func (s *Store) Audit(ctx context.Context, tenantID int64, limit int) ([]AuditEntry, error) {
	var entries []AuditEntry
	err := s.read(ctx, "list what was changed", func(ctx context.Context) error {
		entries = nil
		return s.db.NewSelect().Model(&entries).Where("tenant_id = ?", tenantID).Order("id DESC").Limit(int64(limit)).Scan(ctx)
	})
	return entries, err
}

// SecretsSetAt tells when each secret of a tenant's connection was set, by field.
func (s *Store) SecretsSetAt(ctx context.Context, tenantID int64, plugin string) (map[string]time.Time, error) {
	set := map[string]time.Time{}
	err := s.read(ctx, "read when secrets were set", func(ctx context.Context) error {
		var rows []secretRow
		err := s.db.NewSelect().Model(&rows).Column("field", "set_at").Where("tenant_id = ?", tenantID).Where("plugin = ?", plugin).Scan(ctx)
		for _, row := range rows {
			set[row.Field] = row.SetAt
		}
		return err
	})
	return set, err
}
