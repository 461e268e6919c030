package web

import (
	"context"

	"booking/host/internal/runs"
	"booking/host/internal/store"
	"booking/shared/crm"
)

// newestShown is how many of the newest changes a run shows while it goes on.
const newestShown = 12

// liveRun is a run at one moment, as the database tells it: the run may go on in any
// process.
type liveRun struct {
	Run      store.Run
	Progress store.RunProgress
	// Counts are people by what has become of them so far.
	Counts map[crm.Action]int
	// Newest are the last changes, the newest first.
	Newest []changeView
	last   int64
	// Waiting is what stands before a run that is queued, and Full says that its portal
	// has all the runs it may have.
	Waiting store.Waiting
	Full    bool
}

// Over reports whether the run has come to its end.
func (l liveRun) Over() bool { return l.Run.Over() }

// same reports whether a reader of both would see no difference.
func (l liveRun) same(other liveRun) bool {
	return l.Run.Status == other.Run.Status && l.Progress == other.Progress && l.last == other.last && l.Waiting == other.Waiting
}

// Postponed reports whether it is a retry that waits for its time.
func (l liveRun) Postponed() bool {
	return l.Run.Status == store.StatusQueued && !l.Run.NotBefore.IsZero()
}

// liveReader reads where runs stand.
type liveReader struct {
	store  *store.Store
	limits runs.Limits
}

// read reads where a run stands. Of the changes it has only those counted that came after
// the ones in before, all of them from nothing (nil).
func (r liveReader) read(ctx context.Context, id int64, before *liveRun) (liveRun, error) {
	run, err := r.store.LiveRun(ctx, id)
	if err != nil {
		return liveRun{}, err
	}
	now := liveRun{Run: run}
	if now.Progress, err = r.store.RunProgress(ctx, id); err != nil {
		return now, err
	}
	if now.Over() { // what it did is told by its row; the last progress came before its end
		now.Progress.Requests = run.Requests
		now.Counts = map[crm.Action]int{crm.ActionCreated: run.Created, crm.ActionUpdated: run.Updated, crm.ActionSkipped: run.Skipped, crm.ActionConflict: run.Conflicts}
		return now, nil
	}
	if run.Status == store.StatusQueued {
		now.Waiting, err = r.store.Waiting(ctx, run)
		now.Full = r.limits.Full(run, now.Waiting.AtPortal)
	}
	if err != nil {
		return now, err
	}
	if before != nil {
		now.last, now.Newest, now.Counts = before.last, before.Newest, before.Counts
	}
	return now, now.addChanges(ctx, r.store)
}

// liveRun is where a run stands: as its feed knows it, when somebody watches.
func (s *Server) liveRun(ctx context.Context, run int64) (liveRun, error) {
	if now, watched := s.feeds.peek(run); watched {
		return now, nil
	}
	return liveReader{s.Store, s.Limits}.read(ctx, run, nil)
}

// addChanges adds what came after the last change that was seen: the database counts, and
// only the newest are read.
func (l *liveRun) addChanges(ctx context.Context, s *store.Store) error {
	newest, err := s.NewestChanges(ctx, l.Run.ID, newestShown)
	if err != nil || len(newest) == 0 || newest[0].ID == l.last {
		return err
	}
	counts, err := s.ActionCounts(ctx, l.Run.ID, l.last, newest[0].ID)
	if err != nil {
		return err
	}
	for action, before := range l.Counts {
		counts[action] += before
	}
	l.last, l.Newest, l.Counts = newest[0].ID, l.views(newest), counts
	return nil
}

func (l *liveRun) views(changes []store.Change) (views []changeView) {
	for _, change := range changes {
		views = append(views, newChangeView(change, l.Run.Mode == crm.ModePreview))
	}
	return views
}
