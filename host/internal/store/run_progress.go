package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"booking/shared/crm"
)

// RunProgress is where a run stands, as its host last said, and who asked for what.
// It has a table of its own: the run's row is locked by each chunk that is written.
type RunProgress struct {
	bun.BaseModel `bun:"table:crm_run_progress,alias:p"`

	RunID int64 `bun:"run_id,pk"`
	// RequestedBy is the person who pressed the button; 0 for other triggers.
	RequestedBy     int64     `bun:"requested_by,nullzero"`
	CancelRequested bool      `bun:"cancel_requested"`
	Stage           crm.Stage `bun:"stage"`
	Done            int       `bun:"done"`
	Total           int       `bun:"total"`
	Requests        int       `bun:"requests"`
	LimitedUntil    time.Time `bun:"limited_until,nullzero"`
}

// RunProgress reads where a run stands; the zero value when nobody has said so yet.
func (s *Store) RunProgress(ctx context.Context, run int64) (RunProgress, error) {
	p := RunProgress{RunID: run}
	err := s.ask(ctx, "read where a run stands", func(ctx context.Context) error { return s.db.NewSelect().Model(&p).WherePK().Scan(ctx) })
	if errors.Is(err, sql.ErrNoRows) {
		return RunProgress{RunID: run}, nil
	}
	return p, err
}

// NoteProgress says where a run stands.
func (s *Store) NoteProgress(ctx context.Context, run int64, p crm.Progress) error {
	row := RunProgress{RunID: run, Stage: p.Stage, Done: p.Done, Total: p.Total, Requests: p.Requests, LimitedUntil: p.LimitedUntil}
	return s.ask(ctx, "note where a run stands", func(ctx context.Context) error {
		_, err := s.db.NewInsert().Model(&row).On("DUPLICATE KEY UPDATE").
			Set("stage = VALUES(stage)").Set("done = VALUES(done)").Set("total = VALUES(total)").
			Set("requests = VALUES(requests)").Set("limited_until = VALUES(limited_until)").Exec(ctx)
		return err
	})
}

// NoteRequester remembers who pressed the button. The first one stays.
func (s *Store) NoteRequester(ctx context.Context, run, userID int64) error {
	row := RunProgress{RunID: run, RequestedBy: userID}
	_, err := s.db.NewInsert().Model(&row).On("DUPLICATE KEY UPDATE").
		Set("requested_by = COALESCE(requested_by, VALUES(requested_by))").Exec(ctx)
	return databaseError("note who asked for a run", err)
}

// Requesters returns the names of those who asked for some runs, by run; of a run that
// nobody here asked for, or somebody who is gone, there is none.
func (s *Store) Requesters(ctx context.Context, runs []int64) (map[int64]string, error) {
	names := map[int64]string{}
	if len(runs) == 0 {
		return names, nil
	}
	var rows []struct {
		RunID int64
		Name  string
	}
	err := s.db.NewSelect().TableExpr("crm_run_progress AS p").Join("JOIN users AS u ON u.id = p.requested_by").
		ColumnExpr("p.run_id, u.name").Where("p.run_id IN (?)", bun.List(runs)).Scan(ctx, &rows)
	for _, row := range rows {
		names[row.RunID] = row.Name
	}
	return names, databaseError("read who asked for runs", err)
}

// RequestCancel asks the run's host, whichever it is, to stop between two chunks; a
// run that still waits in the queue ends at once. One that is over stays as it is.
func (s *Store) RequestCancel(ctx context.Context, run int64) error {
	row := RunProgress{RunID: run, CancelRequested: true}
	_, err := s.db.NewInsert().Model(&row).On("DUPLICATE KEY UPDATE").Set("cancel_requested = 1").Exec(ctx)
	if err != nil {
		return databaseError("ask a run to stop", err)
	}
	_, err = s.exec(ctx, "take a run out of the queue", `UPDATE crm_runs SET status = 'cancelled', queue_key = NULL, active_portal = NULL,
		finished_at = UTC_TIMESTAMP(6) WHERE id = ? AND `+waits, run)
	return err
}

// CancelRequested reports whether somebody asked the run to stop.
func (s *Store) CancelRequested(ctx context.Context, run int64) (bool, error) {
	p, err := s.RunProgress(ctx, run)
	return p.CancelRequested, err
}

// ActiveRun returns the tenant's run that goes on or waits in the queue, the one
// that goes on first; ErrNotFound when there is none. A retry that waits for its time
// is none: nobody who asks for a run is to wait for it.
func (s *Store) ActiveRun(ctx context.Context, tenantID int64) (Run, error) {
	if err := s.interruptExpired(ctx, tenantID); err != nil {
		return Run{}, err
	}
	var runs []Run
	// By two keys: a tenant's history may be long.
	waiting := s.db.NewSelect().Model((*Run)(nil)).Where("r.queue_key LIKE ?", fmt.Sprintf("%d/%%", tenantID)).
		Where("r." + waits).Where("(r.not_before IS NULL OR r.not_before <= UTC_TIMESTAMP(6))").OrderExpr("r.queue_at, r.id").Limit(1)
	err := s.ask(ctx, "look for the run that goes on", func(ctx context.Context) error {
		return s.db.NewSelect().Model(&runs).Where("r.active_tenant = ?", tenantID).UnionAll(waiting).Scan(ctx)
	})
	if err != nil {
		return Run{}, err
	}
	if len(runs) == 0 {
		return Run{}, notFound("Сейчас ничего не выполняется", "Nothing is going on")
	}
	return slices.MinFunc(runs, byTurn), nil
}
