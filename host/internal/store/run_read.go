package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"booking/shared/crm"
)

// RunsListed is how many runs a list shows, the newest first.
const RunsListed = 200

// Change is a row of crm_changes: what became of one person in one run, and the
// values before and after.
type Change struct {
	bun.BaseModel `bun:"table:crm_changes,alias:c"`

	ID              int64           `bun:"id,pk,autoincrement"`
	RunID           int64           `bun:"run_id"`
	TenantID        int64           `bun:"tenant_id"`
	UserID          int64           `bun:"user_id,nullzero"`
	ExternalID      string          `bun:"external_id"`
	Action          crm.Action      `bun:"action"`
	Reason          crm.Reason      `bun:"reason"`
	Field           string          `bun:"field"`
	OtherExternalID string          `bun:"other_external_id"`
	OtherUserID     int64           `bun:"other_user_id,nullzero"`
	Name            string          `bun:"name"`
	Email           string          `bun:"email"`
	Before          json.RawMessage `bun:"before_values,nullzero"`
	After           json.RawMessage `bun:"after_values,nullzero"`
	CreatedAt       time.Time       `bun:"created_at"`
}

// Run returns one run, or ErrNotFound.
func (s *Store) Run(ctx context.Context, id int64) (Run, error) {
	run := Run{ID: id}
	err := s.ask(ctx, "read a run", func(ctx context.Context) error { return s.db.NewSelect().Model(&run).WherePK().Scan(ctx) })
	if errors.Is(err, sql.ErrNoRows) {
		return Run{}, s.NoRun(ctx, id)
	}
	if err != nil {
		return Run{}, err
	}
	return run, nil
}

// Runs returns the newest runs, of one tenant or (0) of all. A run whose host
// died is shown as interrupted (or queued again) from the moment its lease has run
// out, whoever looks first.
func (s *Store) Runs(ctx context.Context, tenant int64) ([]Run, error) {
	if err := s.interruptAllExpired(ctx); err != nil {
		return nil, err
	}
	runs := []Run{}
	query := s.db.NewSelect().Model(&runs).Where("r.status <> ?", StatusReserved).Order("r.id DESC").Limit(RunsListed)
	if tenant != 0 {
		query = query.Where("r.tenant_id = ?", tenant)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, databaseError("list runs", err)
	}
	return runs, nil
}

func (s *Store) interruptAllExpired(ctx context.Context) error {
	var tenants []int64
	err := s.db.NewRaw(`SELECT active_tenant AS t FROM crm_runs WHERE active_tenant IS NOT NULL AND lease_until < UTC_TIMESTAMP(6)`).Scan(ctx, &tenants)
	if err != nil {
		return databaseError("look for interrupted runs", err)
	}
	for _, tenant := range tenants {
		if err := s.interruptExpired(ctx, tenant); err != nil {
			return err
		}
	}
	return nil
}

// Changes hands a run's changes to each, in the order they were written.
func (s *Store) Changes(ctx context.Context, run int64, each func(Change) error) error {
	rows, err := s.db.NewSelect().Model((*Change)(nil)).Where("c.run_id = ?", run).Order("c.id").Rows(ctx)
	if err != nil {
		return databaseError("read a run's changes", err)
	}
	defer rows.Close()
	for rows.Next() {
		var change Change
		if err := s.db.ScanRow(ctx, rows, &change); err != nil {
			return databaseError("read a run's changes", err)
		}
		if err := each(change); err != nil {
			return err
		}
	}
	return databaseError("read a run's changes", rows.Err())
}
