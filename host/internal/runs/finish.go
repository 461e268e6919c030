package runs

import (
	"cmp"
	"context"
	"errors"
	"time"

	"booking/host/internal/logging"
	"booking/host/internal/store"
	"booking/shared/crm"
)

// finish writes the run's end. It does so when the caller's context has ended,
// too: a cancelled run must say what was written.
func (s *Service) finish(ctx context.Context, run store.Run, result crm.SyncResult, failure error) (Outcome, error) {
	end := run
	end.SetCounts(result.Counts)
	end.Held, end.PlanHash, end.Requests = result.Held, cmp.Or(result.PlanHash, run.PlanHash), result.Requests
	var message crm.Text
	switch {
	case failure == nil && result.Partial:
		end.Status = store.StatusPartial
	case failure == nil:
		end.Status = store.StatusSucceeded
	case ctx.Err() != nil, errors.Is(failure, errStopped):
		end.Status = store.StatusCancelled
		message = cancelledMessage
	default:
		end.Status = store.StatusFailed
		var code crm.Code
		code, message = explain(failure)
		end.SetError(code, message)
		end.PortalSaid = said(failure)
	}
	err := s.storeEnd(context.WithoutCancel(ctx), &end)
	if errors.Is(err, store.ErrLeaseLost) {
		// The row has been ended by somebody else; what it says now is what is true.
		if end, err = s.Store.Run(context.WithoutCancel(ctx), run.ID); err == nil {
			message = leaseLostMessage
		}
	}
	if err != nil {
		return Outcome{Run: end}, err
	}
	s.logEnd(end, result, message, failure)
	return Outcome{Run: end, Message: message}, nil
}

// storeEnd tries again while the database is away, for at most finishPatience.
func (s *Service) storeEnd(ctx context.Context, end *store.Run) error {
	ctx, cancel := context.WithTimeout(ctx, finishPatience)
	defer cancel()
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 3*time.Second) {
		err := s.Store.FinishRun(ctx, end)
		if err == nil || errors.Is(err, store.ErrLeaseLost) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// explain turns a failure into the run's code and the sentence people read. A run that was
// told that its lease is lost, and ends by itself all the same, was told so by a database
// that was behind.
func explain(failure error) (crm.Code, crm.Text) {
	if errors.Is(failure, store.ErrLeaseLost) {
		return crm.CodeDatabase, leaseLostMessage
	}
	var known *crm.Error
	if errors.As(failure, &known) {
		if known.Code == crm.CodeCancelled || known.Code == crm.CodeNotConfigured {
			return crm.CodeInternal, known.Message
		}
		return known.Code, known.Message
	}
	return crm.CodeInternal, internalMessage
}

// said is how long the portal wants to be left alone; 0 when it did not say.
func said(failure error) time.Duration {
	var known *crm.Error
	if !errors.As(failure, &known) || known.RetryAt.IsZero() {
		return 0
	}
	return max(0, time.Until(known.RetryAt))
}

func (s *Service) logEnd(run store.Run, result crm.SyncResult, message crm.Text, failure error) {
	s.ended(run)
	journal := logging.NewJournal(s.Log, s.Locale, "", run.TenantID, run.ID)
	switch run.Status {
	case store.StatusSucceeded, store.StatusPartial:
		journal.Finished(run.Mode, result, run.Duration(time.Now()))
		return
	case store.StatusCancelled:
		journal.Failed(crm.CodeCancelled, message)
	default:
		journal.Failed(run.ErrorCode, message)
	}
	if failure != nil {
		// The cause is for the developer; the sentence above is for everybody.
		s.Log.Debug("the run's failure", "tenant", run.TenantID, "run", run.ID, "error", failure.Error())
	}
}

// refused is the outcome of a run that was not started.
func refused(run store.Run, err *crm.Error) Outcome {
	run.Status = store.StatusFailed
	run.SetError(err.Code, err.Message)
	return Outcome{Run: run, Message: err.Message}
}

func notConfigured(run store.Run, message crm.Text) Outcome {
	run.Status = store.StatusNotConfigured
	return Outcome{Run: run, Message: message}
}

// logRefusal tells of a run that failed before it began; one that is not
// configured has not failed.
func (s *Service) logRefusal(outcome Outcome) {
	if outcome.Run.Status == store.StatusFailed {
		s.logEnd(outcome.Run, crm.SyncResult{}, outcome.Message, nil)
	}
}
