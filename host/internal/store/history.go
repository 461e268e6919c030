package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// History is what is left of old runs.
type History struct {
	// Days is how long runs are kept, as the host that removed some last was told; 0: none
	// ever was.
	Days int `bun:"days"`
	// Reached: runs up to this number may have been removed.
	Reached int64 `bun:"reached"`
}

// History reads it; the zero value while nobody removes anything.
func (s *Store) History(ctx context.Context) (History, error) {
	var h History
	err := s.read(ctx, "read how long runs are kept", func(ctx context.Context) error {
		return s.db.NewRaw("SELECT days, reached FROM crm_history WHERE id = 1 AND reached > 0").Scan(ctx, &h)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return History{}, nil
	}
	return h, err
}

// NoRun is the ErrNotFound of a run: it says that there is none or, where one may have
// been, that its details were removed.
func (s *Store) NoRun(ctx context.Context, id int64) error {
	h, err := s.History(ctx)
	if err != nil {
		return err
	}
	if id > h.Reached {
		return notFound(fmt.Sprintf("Запуска %d нет", id), fmt.Sprintf("There is no run %d", id))
	}
	return notFound(
		fmt.Sprintf("Запуска %d в истории больше нет: подробности запусков хранятся %d дн. и потом удаляются", id, h.Days),
		fmt.Sprintf("Run %d is not in the history any more: the details of runs are removed after %d days", id, h.Days))
}

// ClaimHistory makes the removal of what is older than so many days the caller's for one
// turn of at most length. On any number of hosts one gets it, and none before it is due.
func (s *Store) ClaimHistory(ctx context.Context, days int, length time.Duration) (turn *HistoryTurn, err error) {
	var row struct {
		Due    bool  `bun:"due"`
		Passed int64 `bun:"passed"`
	}
	err = s.ask(ctx, "look whether old history is due", func(ctx context.Context) error {
		return s.db.NewRaw("SELECT due_at <= UTC_TIMESTAMP(6) AS due, passed FROM crm_history WHERE id = 1").Scan(ctx, &row)
	})
	if errors.Is(err, sql.ErrNoRows) {
		_, err = s.exec(ctx, "begin to remove old history", "INSERT INTO crm_history (id, due_at, days) VALUES (1, UTC_TIMESTAMP(6), ?) ON DUPLICATE KEY UPDATE id = id", days)
		return nil, err // the next time is soon enough
	}
	if err != nil {
		return nil, err
	}
	if !row.Due {
		return nil, nil
	}
	changed, err := s.exec(ctx, "take the turn to remove old history", `UPDATE crm_history SET due_at = UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND, days = ?
		WHERE id = 1 AND due_at <= UTC_TIMESTAMP(6)`, length.Microseconds(), days)
	if err != nil || changed == 0 {
		return nil, err
	}
	return &HistoryTurn{s: s, days: days, passed: row.Passed}, nil
}
