package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"booking/shared/crm"
)

// StaleAfter is how long a connected tenant may be without a successful sync before
// that is a problem: a nightly run, and half a day to mend what kept it.
const StaleAfter = 36 * time.Hour

// TenantHealth is a row of crm_tenant_health: what became of the tenant's last sync.
// Previews and runs for one person do not count.
type TenantHealth struct {
	bun.BaseModel `bun:"table:crm_tenant_health,alias:h"`

	TenantID int64 `bun:"tenant_id,pk"`
	// RunID is 0 while no sync of the tenant has ended yet.
	RunID      int64     `bun:"run_id"`
	Status     Status    `bun:"status"`
	ErrorCode  crm.Code  `bun:"error_code"`
	FinishedAt time.Time `bun:"finished_at,nullzero"`
	// Failures counts the runs that failed or lost their host since the last success.
	Failures int `bun:"failures"`
	// SuccessAt is zero when no sync has ever succeeded.
	SuccessAt time.Time `bun:"success_at,nullzero"`
	// Held, Conflicts and Skipped are those of the last success.
	Held      bool `bun:"held"`
	Conflicts int  `bun:"conflicts"`
	Skipped   int  `bun:"skipped"`
	// Since is when the tenant was connected (in lists only).
	Since time.Time `bun:"since,scanonly,nullzero"`
}

// noteHealth writes what a run that has just ended means for its tenant, in the
// transaction that ends it. A run that somebody stopped is neither good nor bad, nor is
// one whose preview was out of date.
func noteHealth(ctx context.Context, tx bun.Tx, run int64) error {
	// failures and success_at before status: MySQL assigns from left to right.
	_, err := tx.NewRaw(`INSERT INTO crm_tenant_health (tenant_id, run_id, status, error_code, finished_at, failures, success_at, held, conflicts, skipped)
		SELECT tenant_id, id, status, COALESCE(error_code, ''), finished_at, status IN ('failed', 'interrupted'),
			IF(status IN ('succeeded', 'partial'), finished_at, NULL), held, IF(status IN ('succeeded', 'partial'), conflicts, 0), IF(status IN ('succeeded', 'partial'), skipped, 0)
		FROM crm_runs WHERE id = ? AND mode = 'apply' AND finished_at IS NOT NULL
			AND NOT (plan_id IS NOT NULL AND status = 'failed' AND COALESCE(error_code, '') = 'internal') -- [Run.Outdated]
		ON DUPLICATE KEY UPDATE
			failures = IF(VALUES(success_at) IS NULL, crm_tenant_health.failures + VALUES(failures), 0),
			held = IF(VALUES(success_at) IS NULL, crm_tenant_health.held, VALUES(held)),
			conflicts = IF(VALUES(success_at) IS NULL, crm_tenant_health.conflicts, VALUES(conflicts)),
			skipped = IF(VALUES(success_at) IS NULL, crm_tenant_health.skipped, VALUES(skipped)),
			success_at = COALESCE(VALUES(success_at), crm_tenant_health.success_at),
			run_id = VALUES(run_id), status = VALUES(status), error_code = VALUES(error_code), finished_at = VALUES(finished_at)`, run).Exec(ctx)
	return err
}

// Health reads how a tenant's syncs are; the zero value, with the tenant's number,
// while none has ended.
func (s *Store) Health(ctx context.Context, tenantID int64) (TenantHealth, error) {
	h := TenantHealth{TenantID: tenantID}
	err := s.read(ctx, "read a tenant's health", func(ctx context.Context) error {
		return s.db.NewSelect().Model(&h).WherePK().Scan(ctx)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return TenantHealth{TenantID: tenantID}, nil
	}
	return h, err
}

// HealthTotals is how all tenants are, and the queue, at one moment.
type HealthTotals struct {
	// Now is the database's clock: ages are judged by it.
	Now time.Time `bun:"now_utc"`
	// Connected tenants can be synced; each is one of Failing (the last runs failed),
	// Held (leavers were held back), New (nothing has ended yet) and OK.
	Connected int `bun:"connected"`
	Failing   int `bun:"failing"`
	Held      int `bun:"held"`
	New       int `bun:"new_tenants"`
	OK        int `bun:"ok"`
	// OldestSuccess is the longest time since a success, or since the connection where
	// there was none; zero without tenants.
	OldestSuccess time.Time `bun:"oldest_success,nullzero"`
	Conflicts     int       `bun:"conflicts"`
	// Queued runs wait, Running ones go on, on whatever host; OldestQueued was asked
	// for first. Retries that wait for their time are none of them.
	Queued       int       `bun:"queued"`
	Running      int       `bun:"running"`
	OldestQueued time.Time `bun:"oldest_queued,nullzero"`
}

// ofConnected joins the tenants that can be synced with what is known of their syncs.
const ofConnected = `FROM crm_connections AS c JOIN tenants AS t ON t.id = c.tenant_id LEFT JOIN crm_tenant_health AS h ON h.tenant_id = c.tenant_id
	WHERE ` + connected

// HealthTotals reads them with one statement, which costs one row for each connected
// tenant and each run that waits; the history is not read.
func (s *Store) HealthTotals(ctx context.Context) (HealthTotals, error) {
	var totals HealthTotals
	err := s.db.NewRaw(`SELECT UTC_TIMESTAMP(6) AS now_utc, n.connected, n.failing, n.held, n.new_tenants, n.connected - n.failing - n.held - n.new_tenants AS ok,
			n.oldest_success, n.conflicts, q.queued, q.oldest_queued,
			(SELECT COUNT(*) FROM crm_runs WHERE active_tenant IS NOT NULL) AS running
		FROM (SELECT COUNT(*) AS connected, COALESCE(SUM(COALESCE(h.failures, 0) > 0), 0) AS failing,
				COALESCE(SUM(h.failures = 0 AND h.held = 1), 0) AS held, COALESCE(SUM(h.tenant_id IS NULL), 0) AS new_tenants,
				MIN(COALESCE(h.success_at, c.created_at)) AS oldest_success, COALESCE(SUM(h.conflicts), 0) AS conflicts `+ofConnected+`) AS n,
			(SELECT COUNT(*) AS queued, MIN(requested_at) AS oldest_queued FROM crm_runs WHERE `+waits+` AND NOT `+postponed+`) AS q`).Scan(ctx, &totals)
	return totals, databaseError("read how the tenants are", err)
}

// HealthList lists connected tenants, the worst first, at most limit: the most
// failures, then leavers held back, then the oldest success. Of problems only those
// are listed that fail, hold back, or have not succeeded for [StaleAfter].
func (s *Store) HealthList(ctx context.Context, limit int, problems bool) ([]TenantHealth, error) {
	var list []TenantHealth
	only := ""
	if problems {
		only = ` AND (h.failures > 0 OR h.held = 1 OR COALESCE(h.success_at, c.created_at) < UTC_TIMESTAMP(6) - INTERVAL ? SECOND)`
	}
	query := `SELECT c.tenant_id, COALESCE(h.run_id, 0) AS run_id, COALESCE(h.status, '') AS status, COALESCE(h.error_code, '') AS error_code, h.finished_at,
			COALESCE(h.failures, 0) AS failures, h.success_at, COALESCE(h.held, 0) AS held, COALESCE(h.conflicts, 0) AS conflicts,
			COALESCE(h.skipped, 0) AS skipped, c.created_at AS since ` + ofConnected + only + `
		ORDER BY failures DESC, held DESC, COALESCE(h.success_at, c.created_at), c.tenant_id LIMIT ?`
	args := []any{limit}
	if problems {
		args = []any{int(StaleAfter.Seconds()), limit}
	}
	err := s.db.NewRaw(query, args...).Scan(ctx, &list)
	return list, databaseError("list how the tenants are", err)
}

// PeopleCount is how many people a tenant has, with and without a link.
type PeopleCount struct {
	TenantID int64 `bun:"tenant_id"`
	Linked   int   `bun:"linked"`
	Unlinked int   `bun:"unlinked"`
}

// CountPeople counts the people of some tenants with one statement. columns are the
// link columns there are ([Store.LinkColumns]); with a single one only its index is read.
func (s *Store) CountPeople(ctx context.Context, columns []string, tenants []int64) ([]PeopleCount, error) {
	if len(tenants) == 0 {
		return nil, nil
	}
	linked := s.db.NewRaw("0")
	for i, column := range columns {
		if i == 0 {
			linked = s.db.NewRaw("COALESCE(?, '') <> ''", bun.Ident(column))
			continue
		}
		linked = s.db.NewRaw("? OR COALESCE(?, '') <> ''", linked, bun.Ident(column))
	}
	var counts []PeopleCount
	err := s.db.NewSelect().Table("users").Column("tenant_id").ColumnExpr("SUM(?) AS linked", linked).ColumnExpr("SUM(NOT (?)) AS unlinked", linked).
		Where("tenant_id IN (?)", bun.List(tenants)).Group("tenant_id").Scan(ctx, &counts)
	return counts, databaseError("count people", err)
}
