package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"
)

// Why an attempt ended before its run did.
const (
	// AttemptLost: its host did not renew the lease; it was dead, or cut off.
	AttemptLost = "lost"
	// AttemptReturned: its host was stopped and put the run back.
	AttemptReturned = "returned"
)

// Attempt is one host's work on a run.
type Attempt struct {
	bun.BaseModel `bun:"table:crm_run_attempts,alias:a"`

	RunID     int64     `bun:"run_id,pk"`
	Attempt   int       `bun:"attempt,pk"`
	Host      string    `bun:"host"`
	StartedAt time.Time `bun:"started_at,nullzero"`
	// EndedAt is, for a lost one, the last moment at which its host could write.
	EndedAt time.Time `bun:"ended_at,nullzero"`
	// Reason is AttemptLost, AttemptReturned, or the status the run has now.
	Reason string `bun:"reason"`
}

// noteAttempt writes down the attempt that ends while its run goes on.
func noteAttempt(ctx context.Context, tx bun.Tx, run Run, reason string) error {
	_, err := tx.NewRaw(`INSERT INTO crm_run_attempts (run_id, attempt, host, started_at, ended_at, reason)
		VALUES (?, ?, ?, ?, IF(?, ?, UTC_TIMESTAMP(6)), ?) ON DUPLICATE KEY UPDATE reason = VALUES(reason)`,
		run.ID, run.Attempt, run.Host, run.StartedAt, reason == AttemptLost, run.LeaseUntil, reason).Exec(ctx)
	return err
}

// Attempts lists what hosts did of a run, the first attempt first; none where there is
// nothing that the run's own row does not say: it has had one, or none. The last one is
// made from that row. An attempt that the former release ended is not known.
func (s *Store) Attempts(ctx context.Context, run Run) ([]Attempt, error) {
	var all []Attempt
	err := s.read(ctx, "list a run's attempts", func(ctx context.Context) error {
		all = nil
		return s.db.NewSelect().Model(&all).Where("a.run_id = ?", run.ID).Order("a.attempt").Scan(ctx)
	})
	n := len(all)
	if err != nil || (n == 0 && run.Attempt <= 1) || (n > 0 && all[n-1].Attempt == run.Attempt) {
		return all, err // the last case: handed back, and not claimed again
	}
	return append(all, Attempt{
		RunID: run.ID, Attempt: run.Attempt, Host: run.Host, StartedAt: run.StartedAt, EndedAt: run.FinishedAt, Reason: string(run.Status),
	}), nil
}
