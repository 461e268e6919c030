package notice

import (
	"context"
	"fmt"

	"booking/host/internal/store"
)

// Readers is how many administrators of a tenant are written to at most.
const Readers = 50

// judge carries out the step that follows the end of a run.
func (w Writer) judge(ctx context.Context, step store.QueuedMail) error {
	administrators, err := w.Store.Administrators(ctx, step.TenantID, Readers)
	if err != nil {
		return err
	}
	return w.Store.JudgeRun(ctx, step, func(told store.Notices, run store.Run) (store.Notices, []store.QueuedMail) {
		next, news := Decide(told, run)
		if news == NoNews {
			return next, nil
		}
		mails := make([]store.QueuedMail, 0, len(administrators))
		for _, reader := range administrators {
			mails = append(mails, store.QueuedMail{
				Cause: fmt.Sprintf("run:%d:%d", run.ID, reader.ID), Kind: store.MailRun, Lane: store.LanePlain,
				TenantID: run.TenantID, UserID: reader.ID, RunID: run.ID, Recipient: reader.Email,
				Data: store.MailData{Trouble: next.Told, Before: told.Told},
			})
		}
		return next, mails
	})
}
