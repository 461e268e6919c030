package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"
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
// an index, however many tenants there are. Now may be a little ahead, to see what comes.
func (s *Store) DueSchedules(ctx context.Context, now time.Time, limit int) ([]DueSchedule, error) {
	var due []DueSchedule
	err := s.ask(ctx, "look for schedules that are due", func(ctx context.Context) error {
		return s.db.NewSelect().Model(&due).ModelTableExpr("crm_schedules AS s").
			Join("LEFT JOIN crm_connections AS c ON c.tenant_id = s.tenant_id").
			Join("LEFT JOIN tenants AS t ON t.id = s.tenant_id").
			ColumnExpr("s.*, COALESCE(c.plugin, '') AS plugin, COALESCE(c.portal, '') AS portal").
			ColumnExpr(connected+" AS connected").
			Where("s.enabled = 1").Where("s.next_at <= ?", now.UTC()).OrderExpr("s.next_at").Limit(int64(limit)).Scan(ctx)
	})
	return due, err
}

// UnplannedSchedules lists the schedules that nobody has planned yet, at most limit:
// those of tenants with an enabled connection that never chose one (no row), and
// rows without a next start.
func (s *Store) UnplannedSchedules(ctx context.Context, limit int) ([]Schedule, error) {
	var rows []Schedule
	err := s.ask(ctx, "look for schedules without a plan", func(ctx context.Context) error {
		return s.db.NewRaw(`(SELECT c.tenant_id, '' AS rule, '' AS zone, '' AS quiet, 0 AS revision
				FROM crm_connections AS c LEFT JOIN crm_schedules AS s ON s.tenant_id = c.tenant_id
				WHERE c.enabled = 1 AND s.tenant_id IS NULL LIMIT ?)
			UNION ALL
			(SELECT tenant_id, rule, zone, quiet, revision FROM crm_schedules WHERE enabled = 1 AND next_at IS NULL LIMIT ?)`, limit, limit).Scan(ctx, &rows)
	})
	return rows, err
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
	var planned int64
	return s.send(ctx, "plan schedules", func(ctx context.Context) (sql.Result, error) {
		return s.db.NewInsert().Model(&rows).On("DUPLICATE KEY UPDATE").
			Set("slot_at = IF(next_at IS NULL AND enabled = 1 AND revision = VALUES(revision), VALUES(slot_at), slot_at)").
			Set("next_at = IF(next_at IS NULL AND enabled = 1 AND revision = VALUES(revision), VALUES(next_at), next_at)").Exec(ctx)
	}, &planned)
}

// StillDue leaves of schedules those that nobody has moved or changed since they were
// read: another host may have dealt with the others meanwhile.
func (s *Store) StillDue(ctx context.Context, due []DueSchedule) ([]DueSchedule, error) {
	tenants := make([]int64, len(due))
	for i, one := range due {
		tenants[i] = one.TenantID
	}
	var rows []Schedule
	err := s.ask(ctx, "look again at schedules that are due", func(ctx context.Context) error {
		return s.db.NewSelect().Model(&rows).Column("tenant_id", "revision", "next_at").Where("tenant_id IN (?)", bun.List(tenants)).Scan(ctx)
	})
	if err != nil {
		return nil, err
	}
	now := make(map[int64]Schedule, len(rows))
	for _, row := range rows {
		now[row.TenantID] = row
	}
	return slices.DeleteFunc(slices.Clone(due), func(one DueSchedule) bool {
		row := now[one.TenantID]
		return row.Revision != one.Revision || !row.NextAt.Equal(one.NextAt)
	}), nil
}

// Move is what a schedule is to say next.
type Move struct {
	// From is the row as it was read.
	From Schedule
	// SlotAt is the next slot and NextAt its start.
	SlotAt, NextAt time.Time
}

// MoveSchedules moves schedules on, but for those that another host or a person has
// changed since they were read: one autocommitted conditional UPDATE, which may be sent
// again. (Each move of a revision has another next_at.)
func (s *Store) MoveSchedules(ctx context.Context, moves []Move) error {
	for part := range slices.Chunk(moves, rowsAtOnce) {
		var rows []string
		var args []any
		for _, m := range part {
			rows = append(rows, "SELECT ? AS tenant_id, ? AS revision, CAST(? AS DATETIME(6)) AS was, CAST(? AS DATETIME(6)) AS slot_at, CAST(? AS DATETIME(6)) AS next_at")
			args = append(args, m.From.TenantID, m.From.Revision, m.From.NextAt.UTC(), m.SlotAt.UTC(), m.NextAt.UTC())
		}
		_, err := s.exec(ctx, "move schedules on", `UPDATE crm_schedules AS s JOIN (`+strings.Join(rows, " UNION ALL ")+`) AS m ON m.tenant_id = s.tenant_id
			SET s.slot_at = m.slot_at, s.next_at = m.next_at WHERE s.revision = m.revision AND s.next_at = m.was`, args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// SeveralScheduled reports whether more than one connected tenant has a schedule: a
// single one needs no spread.
func (s *Store) SeveralScheduled(ctx context.Context) (bool, error) {
	var tenants int
	err := s.ask(ctx, "count the scheduled tenants", func(ctx context.Context) error {
		return s.db.NewRaw(`SELECT COUNT(*) FROM (SELECT c.tenant_id FROM crm_connections AS c LEFT JOIN crm_schedules AS s ON s.tenant_id = c.tenant_id
			WHERE c.enabled = 1 AND COALESCE(s.enabled, 1) = 1 LIMIT 2) AS scheduled`).Scan(ctx, &tenants)
	})
	return tenants > 1, err
}
