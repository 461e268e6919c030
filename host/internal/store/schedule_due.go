package store

import (
	"context"
	"time"
)

// DueSchedule is a schedule whose next start has come.
type DueSchedule struct {
	Schedule

	Plugin string `bun:"plugin"`
	Portal string `bun:"portal"`
	// Connected: a run can begin; otherwise the slot is passed over.
	Connected bool `bun:"connected"`
}

// DueSchedules lists the schedules that are to start at now or before, the longest
// due first, at most limit. It is the one statement of an idle scheduler and reads
// an index, however many tenants there are.
func (s *Store) DueSchedules(ctx context.Context, now time.Time, limit int) ([]DueSchedule, error) {
	var due []DueSchedule
	err := s.db.NewSelect().Model(&due).ModelTableExpr("crm_schedules AS s").
		Join("LEFT JOIN crm_connections AS c ON c.tenant_id = s.tenant_id").
		Join("LEFT JOIN tenants AS t ON t.id = s.tenant_id").
		ColumnExpr("s.*, COALESCE(c.plugin, '') AS plugin, COALESCE(c.portal, '') AS portal").
		ColumnExpr(connected+" AS connected").
		Where("s.enabled = 1").Where("s.next_at <= ?", now.UTC()).OrderExpr("s.next_at").Limit(int64(limit)).Scan(ctx)
	if err != nil {
		return nil, databaseError("look for schedules that are due", err)
	}
	return due, nil
}

// UnplannedSchedules lists the schedules that nobody has planned yet, at most limit:
// those of tenants with an enabled connection that never chose one (no row), and
// rows without a next start.
func (s *Store) UnplannedSchedules(ctx context.Context, limit int) ([]Schedule, error) {
	var rows []Schedule
	err := s.db.NewRaw(`(SELECT c.tenant_id, '' AS rule, '' AS zone, '' AS quiet, 0 AS revision
			FROM crm_connections AS c LEFT JOIN crm_schedules AS s ON s.tenant_id = c.tenant_id
			WHERE c.enabled = 1 AND s.tenant_id IS NULL LIMIT ?)
		UNION ALL
		(SELECT tenant_id, rule, zone, quiet, revision FROM crm_schedules WHERE enabled = 1 AND next_at IS NULL LIMIT ?)`, limit, limit).Scan(ctx, &rows)
	if err != nil {
		return nil, databaseError("look for schedules without a plan", err)
	}
	return rows, nil
}

// PlanSchedules stores the first plan of schedules that have none. Whoever was
// faster is right.
func (s *Store) PlanSchedules(ctx context.Context, rows []Schedule) error {
	if len(rows) == 0 {
		return nil
	}
	for i := range rows {
		rows[i].Enabled, rows[i].UpdatedAt = true, s.now()
	}
	// slot_at first: the assignments are done from left to right, and next_at decides.
	_, err := s.db.NewInsert().Model(&rows).On("DUPLICATE KEY UPDATE").
		Set("slot_at = IF(next_at IS NULL AND enabled = 1 AND revision = VALUES(revision), VALUES(slot_at), slot_at)").
		Set("next_at = IF(next_at IS NULL AND enabled = 1 AND revision = VALUES(revision), VALUES(next_at), next_at)").Exec(ctx)
	return databaseError("plan schedules", err)
}

// MoveSchedule sets the next slot and its start, unless another host or a person has
// changed the row since it was read: one autocommitted conditional UPDATE. (Each
// move of a revision has another next_at.)
func (s *Store) MoveSchedule(ctx context.Context, row Schedule, slot, next time.Time) error {
	_, err := s.db.NewRaw(`UPDATE crm_schedules SET slot_at = ?, next_at = ? WHERE tenant_id = ? AND revision = ? AND next_at = ?`,
		slot.UTC(), next.UTC(), row.TenantID, row.Revision, row.NextAt.UTC()).Exec(ctx)
	return databaseError("move a schedule on", err)
}

// SeveralScheduled reports whether more than one connected tenant has a schedule: a
// single one needs no spread.
func (s *Store) SeveralScheduled(ctx context.Context) (bool, error) {
	var tenants int
	err := s.db.NewRaw(`SELECT COUNT(*) FROM (SELECT c.tenant_id FROM crm_connections AS c LEFT JOIN crm_schedules AS s ON s.tenant_id = c.tenant_id
		WHERE c.enabled = 1 AND COALESCE(s.enabled, 1) = 1 LIMIT 2) AS scheduled`).Scan(ctx, &tenants)
	return tenants > 1, databaseError("count the scheduled tenants", err)
}
