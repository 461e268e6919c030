package store

import (
	"context"
	"time"
)

// MailsListed is how many rows of the queue a list shows, the newest first.
const MailsListed = 200

// MailQueue lists the mails that wait, that failed or were not needed any more, the
// newest first; of the last two only those of the last week. Steps are no mail.
func (s *Store) MailQueue(ctx context.Context) ([]QueuedMail, error) {
	var mails []QueuedMail
	err := s.read(ctx, "list the mail queue", func(ctx context.Context) error {
		mails = nil
		return s.db.NewSelect().Model(&mails).Where("m.status IN ('waiting', 'failed', 'dropped')").
			Where("m.lane <> ?", LaneSteps).
			Where("(m.status = 'waiting' OR m.finished_at > UTC_TIMESTAMP(6) - INTERVAL 7 DAY)").
			Order("m.id DESC").Limit(MailsListed).Scan(ctx)
	})
	return mails, err
}

// sweepMailQueue removes what has been over for long enough, in small steps.
func (s *Store) sweepMailQueue(ctx context.Context) error {
	const together = 1000
	for _, status := range []string{MailSent, MailFailed, MailDropped} {
		for _, lane := range []int{LaneUrgent, LanePlain} { // a step that is over is gone
			for {
				result, err := s.db.NewRaw(`DELETE FROM booking_mail_queue WHERE status = ? AND lane = ? AND due_at < UTC_TIMESTAMP(6) ORDER BY due_at LIMIT ?`,
					status, lane, together).Exec(ctx)
				if err != nil {
					return databaseError("remove old mail from the queue", err)
				}
				if n, err := result.RowsAffected(); err != nil || n < together {
					break
				}
				if err := sleep(ctx, 50*time.Millisecond); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
