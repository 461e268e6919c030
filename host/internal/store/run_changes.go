package store

import (
	"context"
	"strings"

	"github.com/uptrace/bun"

	"booking/shared/crm"
)

// ChangeFilter chooses a page of a run's changes, in the order they were written.
type ChangeFilter struct {
	RunID int64
	// Action "" is all of them.
	Action crm.Action
	// Search finds a part of the name or the address, or the whole external id.
	Search string
	// After is the id of the last change of the page before; 0 begins.
	After int64
	Limit int
}

// ChangePage returns one page of a run's changes.
func (s *Store) ChangePage(ctx context.Context, f ChangeFilter) ([]Change, error) {
	var changes []Change
	err := s.read(ctx, "read a run's changes", func(ctx context.Context) error {
		changes = nil
		q := s.db.NewSelect().Model(&changes).Where("c.run_id = ?", f.RunID).Where("c.id > ?", f.After).Order("c.id").Limit(int64(f.Limit))
		if f.Action != "" {
			q.Where("c.action = ?", string(f.Action))
		}
		if f.Search != "" {
			part := "%" + escapeLike(f.Search) + "%"
			q.Where("(c.name LIKE ? OR c.email LIKE ? OR c.external_id = ?)", part, part, f.Search)
		}
		return q.Scan(ctx)
	})
	return changes, err
}

// NewestChanges returns the last changes of a run, the newest first, at most limit.
func (s *Store) NewestChanges(ctx context.Context, run int64, limit int) ([]Change, error) {
	var changes []Change
	err := s.read(ctx, "read a run's newest changes", func(ctx context.Context) error {
		changes = nil
		return s.db.NewSelect().Model(&changes).Where("c.run_id = ?", run).OrderBy("c.id", bun.OrderDesc).Limit(int64(limit)).Scan(ctx)
	})
	return changes, err
}

// ActionCounts counts a run's changes by action: those that come after one and not after
// the last.
func (s *Store) ActionCounts(ctx context.Context, run, after, last int64) (map[crm.Action]int, error) {
	counts := map[crm.Action]int{}
	err := s.read(ctx, "count a run's changes", func(ctx context.Context) error {
		var rows []struct {
			Action crm.Action
			N      int
		}
		err := s.db.NewSelect().TableExpr("crm_changes").ColumnExpr("action AS action, COUNT(*) AS n").
			Where("run_id = ? AND id > ? AND id <= ?", run, after, last).Group("action").Scan(ctx, &rows)
		for _, row := range rows {
			counts[row.Action] = row.N
		}
		return err
	})
	return counts, err
}

// LiveRun is Run, after a run whose host has died was called interrupted.
func (s *Store) LiveRun(ctx context.Context, id int64) (Run, error) {
	run, err := s.Run(ctx, id)
	if err != nil || run.Status != StatusRunning {
		return run, err
	}
	if err := s.interruptExpired(ctx, run.TenantID); err != nil {
		return Run{}, err
	}
	return s.Run(ctx, id)
}

// escapeLike makes every character of a text stand for itself in LIKE.
func escapeLike(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text)
}
