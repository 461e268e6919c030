package store

import (
	"context"

	"booking/shared/crm"
)

// Over reports whether the run has come to its end.
func (r Run) Over() bool { return r.Status != StatusQueued && r.Status != StatusRunning }

// RunFilter chooses a page of a tenant's runs, the newest first.
type RunFilter struct {
	TenantID int64
	// Status and Mode "" are all of them.
	Status Status
	Mode   crm.Mode
	// Before is the id of the last run of the page before; 0 begins.
	Before int64
	Limit  int
}

// RunPage returns one page of runs. A run whose host has died is settled first, as in
// [Store.Runs].
func (s *Store) RunPage(ctx context.Context, f RunFilter) ([]Run, error) {
	if err := s.interruptExpired(ctx, f.TenantID); err != nil {
		return nil, err
	}
	runs := []Run{}
	err := s.read(ctx, "list runs", func(ctx context.Context) error {
		runs = runs[:0]
		q := s.db.NewSelect().Model(&runs).Where("r.tenant_id = ?", f.TenantID).Where("r.status <> ?", StatusReserved).
			Order("r.id DESC").Limit(int64(f.Limit))
		switch f.Status {
		case "":
		case StatusQueued:
			q.Where("r." + waits)
		default:
			q.Where("r.status = ?", string(f.Status))
		}
		if f.Mode != "" {
			q.Where("r.mode = ?", string(f.Mode))
		}
		if f.Before > 0 {
			q.Where("r.id < ?", f.Before)
		}
		return q.Scan(ctx)
	})
	return runs, err
}
