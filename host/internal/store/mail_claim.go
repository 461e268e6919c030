package store

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/uptrace/bun"
)

// DueMails lists what is due, at most so many of each lane (at least one of any), in
// the order of the lanes: the one statement of an idle host. A row whose host has died
// is due again when its claim is over.
func (s *Store) DueMails(ctx context.Context, limits [lanes]int) ([]QueuedMail, error) {
	var all *bun.SelectQuery
	for lane, limit := range limits {
		if limit <= 0 {
			continue
		}
		q := s.db.NewSelect().Model((*QueuedMail)(nil)).ColumnExpr("?TableColumns").
			ColumnExpr("COALESCE(m.expires_at < UTC_TIMESTAMP(6), 0) AS expired").
			Where("m.status = ?", MailWaiting).Where("m.lane = ?", lane).Where("m.due_at <= UTC_TIMESTAMP(6)").
			Order("m.due_at").Limit(int64(limit))
		if all != nil {
			q = all.UnionAll(q)
		}
		all = q
	}
	var due []QueuedMail
	err := all.Scan(ctx, &due)
	slices.SortStableFunc(due, func(a, b QueuedMail) int { return a.Lane - b.Lane })
	return due, databaseError("look for mail", err)
}

// ClaimMail makes a due row this process's for the length of the lease, with one
// autocommitted conditional UPDATE, and reports false when another host was faster.
func (s *Store) ClaimMail(ctx context.Context, m *QueuedMail, lease time.Duration) (bool, error) {
	result, err := s.db.NewRaw(`UPDATE booking_mail_queue SET due_at = UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND, fence = fence + 1, attempt = attempt + 1
		WHERE id = ? AND fence = ? AND status = 'waiting'`, lease.Microseconds(), m.ID, m.Fence).Exec(ctx)
	if Contended(err) {
		return false, nil // the other nodes of a cluster have seen another host's claim
	}
	if err != nil {
		return false, databaseError("claim a mail", err)
	}
	mine, err := changed(result)
	if mine {
		m.Fence++
		m.Attempt++
	}
	return mine, err
}

// EndMail says what became of a claimed row: MailSent, MailFailed or MailDropped, and
// why. A database that is away is waited for: what is not written down is sent again.
func (s *Store) EndMail(ctx context.Context, m QueuedMail, status, reason string) error {
	return s.settleMail(ctx, "end a mail", `UPDATE booking_mail_queue SET status = ?, reason = ?, finished_at = UTC_TIMESTAMP(6),
		due_at = UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND WHERE id = ? AND fence = ?`, status, cutReason(reason), mailKept.Microseconds(), m.ID, m.Fence)
}

// DeferMail lets a claimed row be tried again after a pause.
func (s *Store) DeferMail(ctx context.Context, m QueuedMail, pause time.Duration, reason string) error {
	return s.settleMail(ctx, "put a mail off", `UPDATE booking_mail_queue SET reason = ?, due_at = UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND
		WHERE id = ? AND fence = ?`, cutReason(reason), pause.Microseconds(), m.ID, m.Fence)
}

// ForgetMail removes a claimed row without a trace: whom it was for is nobody's business.
func (s *Store) ForgetMail(ctx context.Context, m QueuedMail) error {
	return s.settleMail(ctx, "forget a mail", `DELETE FROM booking_mail_queue WHERE id = ? AND fence = ?`, m.ID, m.Fence)
}

// settleMail carries out one autocommitted statement that may be carried out twice.
func (s *Store) settleMail(ctx context.Context, doing, query string, args ...any) error {
	return s.repeat(ctx, doing, func(ctx context.Context) error {
		_, err := s.db.NewRaw(query, args...).Exec(ctx)
		return err
	})
}

// holdMail keeps a claim alive inside a transaction, and the row locked until its end:
// false when the row is not this process's any more.
func holdMail(ctx context.Context, tx bun.Tx, m QueuedMail, lease time.Duration) (bool, error) {
	result, err := tx.NewRaw(`UPDATE booking_mail_queue SET due_at = UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND WHERE id = ? AND fence = ? AND status = 'waiting'`,
		lease.Microseconds(), m.ID, m.Fence).Exec(ctx)
	if err != nil {
		return false, err
	}
	return changed(result)
}

// deleteMail ends a step inside the transaction that does its work: false when the step
// is not this process's any more.
func deleteMail(ctx context.Context, tx bun.Tx, m QueuedMail) (bool, error) {
	result, err := tx.NewRaw(`DELETE FROM booking_mail_queue WHERE id = ? AND fence = ? AND status = 'waiting'`, m.ID, m.Fence).Exec(ctx)
	if err != nil {
		return false, err
	}
	return changed(result)
}

func changed(result sql.Result) (bool, error) {
	n, err := result.RowsAffected()
	return n == 1, err
}

// cutReason shortens a reason to what the column holds.
func cutReason(reason string) string {
	if letters := []rune(reason); len(letters) > maxText {
		return string(letters[:maxText])
	}
	return reason
}
