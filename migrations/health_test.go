package migrations_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"booking/migrations"
	"booking/shared/testdb"
)

// A database with a history: after the upgrade each tenant's health is what its runs
// say, as if it had been written all along.
func TestAnUpgradeRemembersTheTenantsHealth(t *testing.T) {
	t.Parallel()
	db := open(t, testdb.New(t))
	mustUp(t, db, all...)
	mustExec(t, db, "DROP TABLE crm_tenant_health", "DELETE FROM booking_migrations_host WHERE name IN ('0061', '0062')",
		`INSERT INTO crm_runs (id, tenant_id, plugin, mode, started_by, status, error_code, held, conflicts, skipped, requested_at, finished_at) VALUES
			(1, 1, 'p', 'apply', 'cli', 'succeeded', NULL, 0, 1, 0, '2026-01-01', '2026-01-01 00:01:00'),
			(2, 1, 'p', 'apply', 'cli', 'partial', NULL, 1, 7, 3, '2026-01-02', '2026-01-02 00:01:00'),
			(3, 1, 'p', 'preview', 'button', 'failed', 'database', 0, 0, 0, '2026-01-03', '2026-01-03 00:01:00'),
			(4, 2, 'p', 'apply', 'cli', 'succeeded', NULL, 1, 5, 4, '2026-01-01', '2026-01-01 00:01:00'),
			(5, 2, 'p', 'apply', 'schedule', 'failed', 'unauthorized', 0, 2, 0, '2026-01-02', '2026-01-02 00:01:00'),
			(6, 3, 'p', 'apply', 'cli', 'interrupted', NULL, 0, 0, 0, '2026-01-01', '2026-01-01 00:01:00'),
			(7, 4, 'p', 'preview', 'button', 'succeeded', NULL, 0, 0, 0, '2026-01-01', '2026-01-01 00:01:00'),
			(8, 5, 'p', 'apply', 'cli', 'running', NULL, 0, 0, 0, '2026-01-01', NULL)`)
	mustUp(t, db, migrations.Host)
	var rows []string
	err := db.NewRaw(`SELECT CONCAT_WS(' ', tenant_id, run_id, status, error_code, failures, COALESCE(DATE(success_at), '-'), held, conflicts, skipped)
		FROM crm_tenant_health ORDER BY tenant_id`).Scan(t.Context(), &rows)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"1 2 partial  0 2026-01-02 1 7 3", "2 5 failed unauthorized 1 2026-01-01 0 0 0", "3 6 interrupted  1 - 0 0 0"}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// What a newer run has written stays, should the step be run once more.
	mustExec(t, db, "UPDATE crm_tenant_health SET failures = 9", "DELETE FROM booking_migrations_host WHERE name = '0062'")
	mustUp(t, db, migrations.Host)
	var failures []string
	if err := db.NewRaw("SELECT failures FROM crm_tenant_health").Scan(t.Context(), &failures); err != nil || strings.Join(failures, "") != "999" {
		t.Errorf("failures %v (%v)", failures, err)
	}
}
