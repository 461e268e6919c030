package host

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"booking/migrations/internal/schema"
)

// healthRow is a row of crm_tenant_health as the history tells it.
type healthRow struct {
	bun.BaseModel `bun:"table:crm_tenant_health"`

	TenantID   int64               `bun:"tenant_id"`
	RunID      int64               `bun:"run_id"`
	Status     string              `bun:"status"`
	ErrorCode  string              `bun:"error_code"`
	FinishedAt time.Time           `bun:"finished_at"`
	Failures   int                 `bun:"failures"`
	SuccessAt  sql.Null[time.Time] `bun:"success_at"`
	Held       bool                `bun:"held"`
	Conflicts  int                 `bun:"conflicts"`
	Skipped    int                 `bun:"skipped"`
}

// rowsAtOnce bounds one INSERT.
const rowsAtOnce = 500

// rememberHealth fills crm_tenant_health from the history of a database that has one:
// without it every tenant would look as if it had never been synced until its next
// run. It reads without locks, so that runs which go on are not held up, and leaves
// rows that are there as they are: a newer run has written them.
func rememberHealth(ctx context.Context, db *bun.DB) error {
	there, err := schema.Tables(ctx, db, "crm_runs")
	if err != nil || !there["crm_runs"] {
		return err
	}
	var rows []healthRow
	err = db.NewRaw(`SELECT r.tenant_id, r.id AS run_id, r.status, COALESCE(r.error_code, '') AS error_code, r.finished_at,
			r.status IN ('failed', 'interrupted') AS failures, g.success_at,
			IF(r.finished_at = g.success_at, r.held, 0) AS held, IF(r.finished_at = g.success_at, r.conflicts, 0) AS conflicts,
			IF(r.finished_at = g.success_at, r.skipped, 0) AS skipped
		FROM crm_runs AS r
		JOIN (SELECT MAX(id) AS id FROM crm_runs WHERE mode = 'apply' AND finished_at IS NOT NULL
			AND status IN ('succeeded', 'partial', 'failed', 'interrupted', 'cancelled') GROUP BY tenant_id) AS l ON l.id = r.id
		LEFT JOIN (SELECT tenant_id, MAX(finished_at) AS success_at FROM crm_runs WHERE mode = 'apply'
			AND status IN ('succeeded', 'partial') GROUP BY tenant_id) AS g ON g.tenant_id = r.tenant_id`).Scan(ctx, &rows)
	if err != nil {
		return fmt.Errorf("read the last runs: %w", err)
	}
	for len(rows) > 0 {
		some := rows[:min(len(rows), rowsAtOnce)]
		if _, err := db.NewInsert().Model(&some).On("DUPLICATE KEY UPDATE").Set("tenant_id = VALUES(tenant_id)").Exec(ctx); err != nil {
			return fmt.Errorf("remember the last runs: %w", err)
		}
		rows = rows[len(some):]
	}
	return nil
}
