package mail

import (
	"context"
	"errors"

	"booking/host/internal/store"
)

// handle does what a claimed row is there for and says what became of it.
func (r *Room) handle(ctx context.Context, m store.QueuedMail) {
	var err error
	switch {
	case m.Expired:
		err = r.Store.EndMail(ctx, m, store.MailDropped, ReasonExpired)
	case m.Kind.IsStep():
		if err = r.Writer.Step(ctx, m, claimLease); err != nil {
			err = r.putOff(ctx, m, err)
		}
		r.Wake() // what it has queued may be sent now
	default:
		err = r.deliver(ctx, m)
	}
	if err != nil {
		r.Log.Error("what became of a mail could not be written down", "mail", m.ID, "kind", string(m.Kind), "error", err.Error())
	}
}

// deliver has a mail written and sends it.
func (r *Room) deliver(ctx context.Context, m store.QueuedMail) error {
	message, err := r.Writer.Write(ctx, m)
	var dropped *DroppedError
	switch {
	case errors.Is(err, ErrNobody):
		return r.Store.ForgetMail(ctx, m)
	case errors.As(err, &dropped):
		return r.Store.EndMail(ctx, m, store.MailDropped, dropped.Reason)
	case err != nil:
		return r.putOff(ctx, m, err)
	}
	err = r.Sender.Send(ctx, message)
	var failure *Failure
	if err != nil && !errors.As(err, &failure) {
		return r.putOff(ctx, m, err)
	}
	r.noteServer(failure)
	// What was sent must be written down, however long the sending took.
	ctx = context.WithoutCancel(ctx)
	switch {
	case failure == nil:
		return r.Store.EndMail(ctx, m, store.MailSent, "")
	case failure.Final:
		r.Log.Warn("a mail will never arrive", "mail", m.ID, "kind", string(m.Kind), "tenant", m.TenantID, "user_id", m.UserID, "reason", failure.Reason)
		return r.Store.EndMail(ctx, m, store.MailFailed, failure.Reason)
	}
	return r.Store.DeferMail(ctx, m, pauseAfter(m.Attempt, m.Lane == store.LaneUrgent), failure.Reason)
}

// putOff is for what is wrong here: the database is away, a page of history is gone.
func (r *Room) putOff(ctx context.Context, m store.QueuedMail, cause error) error {
	r.Log.Warn("a mail has to wait", "mail", m.ID, "kind", string(m.Kind), "tenant", m.TenantID, "error", cause.Error())
	return r.Store.DeferMail(context.WithoutCancel(ctx), m, pauseAfter(m.Attempt, m.Lane == store.LaneUrgent), ReasonInternal)
}

// noteServer tells once that the mail server has gone, and once that it is back.
func (r *Room) noteServer(failure *Failure) {
	away := failure != nil && failure.Away
	was := false
	r.change(func(s *state) { was, s.away = s.away, away })
	switch {
	case away && !was:
		r.Log.Warn("the mail server takes no mail; what is to be sent waits", "reason", failure.Reason)
	case was && !away:
		r.Log.Info("the mail server takes mail again")
		r.Wake()
	}
}
