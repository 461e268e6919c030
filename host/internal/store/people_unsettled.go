package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"

	"booking/shared/crm"
)

// Unsettled is somebody of the portal whom a run left in conflict or skipped.
type Unsettled struct {
	Change
	// PersonID is the row of the tenant it is about, with Role and Active of today; 0
	// where there is none, or none any more.
	PersonID int64
	Role     string
	Active   bool
}

// NewestSync is the tenant's newest run that reconciled everybody and came to its end;
// ErrNotFound while there is none.
func (s *Store) NewestSync(ctx context.Context, tenantID int64) (Run, error) {
	var run Run
	err := s.read(ctx, "read the newest sync", func(ctx context.Context) error {
		return s.db.NewSelect().Model(&run).Where("r.tenant_id = ?", tenantID).Where("r.mode = ?", string(crm.ModeApply)).
			Where("r.status IN (?)", bun.List([]Status{StatusSucceeded, StatusPartial})).OrderBy("r.id", bun.OrderDesc).Limit(1).Scan(ctx)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Run{}, notFound("Синхронизаций ещё не было", "Nothing was synced yet")
	}
	return run, err
}

// Unsettled returns one page of the people whom a run of the tenant left in conflict or
// skipped, in the order of the run. Of the filter Search, Role, Active and Limit count;
// after is the id of the last change of the page before.
func (s *Store) Unsettled(ctx context.Context, run, after int64, f PeopleFilter) ([]Unsettled, error) {
	var found []Unsettled
	err := s.read(ctx, "list the people in conflict", func(ctx context.Context) error {
		found = nil
		q := s.db.NewSelect().TableExpr("crm_changes AS c").Join("LEFT JOIN users AS u ON u.id = c.user_id AND u.tenant_id = c.tenant_id").
			ColumnExpr("c.*, COALESCE(u.id, 0) AS person_id, COALESCE(u.role, '') AS role, COALESCE(u.is_active, 0) AS active").
			Where("c.run_id = ?", run).Where("c.tenant_id = ?", f.TenantID).Where("c.id > ?", after).
			Where("c.action IN (?)", bun.List([]crm.Action{crm.ActionConflict, crm.ActionSkipped})).Order("c.id").Limit(int64(f.Limit))
		if f.Search != "" {
			part := "%" + escapeLike(f.Search) + "%"
			q.Where("(c.name LIKE ? OR c.email LIKE ? OR c.external_id = ?)", part, part, f.Search)
		}
		if f.Role != "" {
			q.Where("u.role = ?", f.Role)
		}
		if f.Active != nil {
			q.Where("u.is_active = ?", *f.Active)
		}
		return q.Scan(ctx, &found)
	})
	return found, err
}
