package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"booking/shared/crm"
)

// Notices is a row of booking_notices: what the administrators of a tenant know about
// its runs, and whether they want to know.
type Notices struct {
	bun.BaseModel `bun:"table:booking_notices,alias:n"`

	TenantID int64 `bun:"tenant_id,pk"`
	Enabled  bool  `bun:"enabled"`
	// Told is the trouble they were told of last, "" when all is well; ToldRun is the
	// run that was told of.
	Told    string `bun:"told"`
	ToldRun int64  `bun:"told_run,nullzero"`
	// SeenAt is the end of the newest run that was judged.
	SeenAt    time.Time `bun:"seen_at,nullzero"`
	UpdatedAt time.Time `bun:"updated_at"`
}

// Notices reads what a tenant's administrators know; nothing, and they want to, where
// nobody has said otherwise.
func (s *Store) Notices(ctx context.Context, tenant int64) (Notices, error) {
	row := Notices{TenantID: tenant}
	err := s.read(ctx, "read what was told", func(ctx context.Context) error {
		return s.db.NewSelect().Model(&row).WherePK().Scan(ctx)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Notices{TenantID: tenant, Enabled: true}, nil
	}
	return row, err
}

// SwitchNotices switches the mails about runs on or off. Switched off, nothing counts
// as told: what is wrong when they are switched on again is told then.
func (s *Store) SwitchNotices(ctx context.Context, tenant int64, on bool) error {
	if _, err := s.Tenant(ctx, tenant); err != nil {
		return err
	}
	return s.repeat(ctx, "switch notices", func(ctx context.Context) error {
		_, err := s.db.NewRaw(`INSERT INTO booking_notices (tenant_id, enabled, updated_at) VALUES (?, ?, UTC_TIMESTAMP(6))
			ON DUPLICATE KEY UPDATE told = IF(VALUES(enabled), told, ''), enabled = VALUES(enabled), updated_at = VALUES(updated_at)`, tenant, on).Exec(ctx)
		return err
	})
}

// noteRunEnd queues, in the transaction that ends a run, the steps that find out what
// has to be told about it: so that a host may die right after.
func noteRunEnd(ctx context.Context, tx bun.Tx, run Run) error {
	if run.Mode == crm.ModePreview {
		return nil
	}
	var steps []QueuedMail
	step := func(kind MailKind, cause string) {
		steps = append(steps, QueuedMail{Kind: kind, Cause: cause, Lane: LaneSteps, TenantID: run.TenantID, RunID: run.ID})
	}
	if run.Updated > 0 {
		step(StepAddresses, causeOf("addresses", run.ID))
	}
	worth, err := worthJudging(ctx, tx, run)
	if err != nil {
		return err
	}
	if worth {
		step(StepRunEnded, causeOf("run-ended", run.ID))
	}
	return queueMails(ctx, tx, steps...)
}

// worthJudging: a run that ended well is news only where the last news was bad.
func worthJudging(ctx context.Context, tx bun.Tx, run Run) (bool, error) {
	if run.Held || (run.Status != StatusSucceeded && run.Status != StatusPartial) {
		return true, nil
	}
	var told string
	err := tx.NewSelect().Model((*Notices)(nil)).Column("told").Where("n.tenant_id = ?", run.TenantID).Scan(ctx, &told)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return told != "", err
}

// JudgeRun carries out a claimed StepRunEnded: judge is given what was told so far and
// the run, and returns what counts as told from now on and the mails that tell it. All
// of it, and the end of the step, is one transaction: each run is judged once.
func (s *Store) JudgeRun(ctx context.Context, step QueuedMail, judge func(Notices, Run) (Notices, []QueuedMail)) error {
	run, err := s.Run(ctx, step.RunID)
	if errors.Is(err, ErrNotFound) {
		return s.ForgetMail(ctx, step)
	}
	if err != nil {
		return err
	}
	return s.write(ctx, "judge the end of a run", func(ctx context.Context, tx bun.Tx) error {
		mine, err := deleteMail(ctx, tx, step)
		if err != nil || !mine {
			return err
		}
		// The row first: to lock what is not there would lock its neighbours.
		_, err = tx.NewRaw(`INSERT INTO booking_notices (tenant_id, updated_at) VALUES (?, UTC_TIMESTAMP(6)) ON DUPLICATE KEY UPDATE tenant_id = VALUES(tenant_id)`, run.TenantID).Exec(ctx)
		if err != nil {
			return err
		}
		told := Notices{TenantID: run.TenantID}
		if err := tx.NewSelect().Model(&told).WherePK().For("UPDATE").Scan(ctx); err != nil {
			return err
		}
		next, mails := judge(told, run)
		_, err = tx.NewUpdate().Model(&next).Column("told", "told_run", "seen_at").Set("updated_at = UTC_TIMESTAMP(6)").WherePK().Exec(ctx)
		if err != nil {
			return err
		}
		return queueMails(ctx, tx, mails...)
	})
}

// FromQueue reports whether the run came out of the queue: nobody has to be looking at it.
func (r Run) FromQueue() bool { return r.queuedOnce() }
