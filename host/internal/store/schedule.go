package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"
)

// Schedule is a row of crm_schedules: when a tenant's people are synced, as written.
// What the texts mean is for package schedule to say.
type Schedule struct {
	bun.BaseModel `bun:"table:crm_schedules,alias:s"`

	TenantID int64 `bun:"tenant_id,pk"`
	// Rule, Zone and Quiet are "" where the host's default is meant.
	Rule    string `bun:"rule"`
	Zone    string `bun:"zone"`
	Quiet   string `bun:"quiet"`
	Enabled bool   `bun:"enabled"`
	// Revision counts the changes by people; a plan holds for one of them.
	Revision int `bun:"revision"`
	// SlotAt is the next slot, NextAt when its run starts: both in UTC, both zero
	// while nobody has planned it or it is off.
	SlotAt    time.Time `bun:"slot_at,nullzero"`
	NextAt    time.Time `bun:"next_at,nullzero"`
	UpdatedAt time.Time `bun:"updated_at"`
}

// ScheduledTenant is a tenant with its schedule and what became of its last slot.
type ScheduledTenant struct {
	Schedule

	// Connected: its connection is enabled and complete and the tenant may work.
	Connected bool `bun:"connected"`
	// Known: there is a row; otherwise the defaults hold.
	Known bool `bun:"known"`
}

// connected is true of a tenant t with the connection c for which a run can begin.
const connected = `COALESCE(c.enabled = 1 AND c.portal <> '' AND t.deleted_at IS NULL AND COALESCE(t.subscription_status, '') <> 'blocked', 0)`

// ScheduledTenants lists the tenants that have a schedule or an enabled connection,
// or (tenant > 0) just that one, whatever it has. Deleted tenants are left out of the list.
func (s *Store) ScheduledTenants(ctx context.Context, tenant int64) ([]ScheduledTenant, error) {
	var all []ScheduledTenant
	err := s.read(ctx, "list schedules", func(ctx context.Context) error {
		all = nil
		query := s.db.NewSelect().Model(&all).ModelTableExpr("tenants AS t").
			Join("LEFT JOIN crm_schedules AS s ON s.tenant_id = t.id").
			Join("LEFT JOIN crm_connections AS c ON c.tenant_id = t.id").
			ColumnExpr("t.id AS tenant_id, COALESCE(s.rule, '') AS rule, COALESCE(s.zone, '') AS zone, COALESCE(s.quiet, '') AS quiet").
			ColumnExpr("COALESCE(s.enabled, 1) AS enabled, COALESCE(s.revision, 0) AS revision, s.slot_at, s.next_at").
			ColumnExpr(connected + " AS connected, s.tenant_id IS NOT NULL AS known").OrderExpr("t.id")
		if tenant > 0 {
			return query.Where("t.id = ?", tenant).Scan(ctx)
		}
		return query.Where("t.deleted_at IS NULL").Where("s.tenant_id IS NOT NULL OR c.enabled = 1").Scan(ctx)
	})
	return all, err
}

// Schedule reads a tenant's schedule; the default one (enabled, no texts) when it
// has none. The tenant must exist.
func (s *Store) Schedule(ctx context.Context, tenant int64) (Schedule, error) {
	if _, err := s.Tenant(ctx, tenant); err != nil {
		return Schedule{}, err
	}
	row := Schedule{TenantID: tenant}
	err := s.read(ctx, "read a schedule", func(ctx context.Context) error {
		return s.db.NewSelect().Model(&row).WherePK().Scan(ctx)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Schedule{TenantID: tenant, Enabled: true}, nil
	}
	return row, err
}

// SaveSchedule stores what a person has set, as a new revision.
func (s *Store) SaveSchedule(ctx context.Context, row Schedule) error {
	row.UpdatedAt = s.now()
	return s.write(ctx, "save a schedule", func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewInsert().Model(&row).Value("revision", "1").On("DUPLICATE KEY UPDATE").
			Set("rule = VALUES(rule)").Set("zone = VALUES(zone)").Set("quiet = VALUES(quiet)").Set("enabled = VALUES(enabled)").
			Set("revision = revision + 1").Set("slot_at = VALUES(slot_at)").Set("next_at = VALUES(next_at)").
			Set("updated_at = VALUES(updated_at)").Exec(ctx)
		return err
	})
}
