package runs

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"booking/host/internal/store"
	"booking/shared/crm"
)

// reportPause is how often a run says where it stands and looks whether somebody
// asked it to stop.
const reportPause = 500 * time.Millisecond

// errStopped ends a run that somebody asked to stop.
var errStopped = errors.New("somebody asked the run to stop")

// reporter keeps the newest progress for the database, where pages of any process
// read it, and passes everything on to the watcher beside the run.
type reporter struct {
	Watcher
	// heard is told that the run has said something, and until when its portal makes it wait.
	heard  func(limitedUntil time.Time)
	mu     sync.Mutex
	latest crm.Progress
	news   bool
}

// Progress implements Watcher.
func (r *reporter) Progress(p crm.Progress) {
	r.mu.Lock()
	r.latest, r.news = p, true
	r.mu.Unlock()
	r.heard(p.LimitedUntil)
	r.Watcher.Progress(p)
}

// Changes implements Watcher.
func (r *reporter) Changes(changes []crm.Change) {
	r.heard(time.Time{})
	r.Watcher.Changes(changes)
}

func (r *reporter) take() (crm.Progress, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	news := r.news
	r.news = false
	return r.latest, news
}

// report does so until ctx ends. What it cannot write is written the next time; a
// run does not suffer from it.
func (s *Service) report(ctx context.Context, stop context.CancelCauseFunc, run store.Run, r *reporter) {
	tick := time.NewTicker(reportPause)
	defer tick.Stop()
	for {
		if p, news := r.take(); news {
			if err := s.Store.NoteProgress(ctx, run.ID, p); err != nil && ctx.Err() == nil {
				s.Log.Debug("note where a run stands", "run", run.ID, "error", err.Error())
			}
		}
		if asked, err := s.Store.CancelRequested(ctx, run.ID); err == nil && asked {
			stop(errStopped)
			return
		}
		if s.places.settle(run.ID, time.Now(), cmp.Or(s.Silence, silence)) {
			s.wake()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
