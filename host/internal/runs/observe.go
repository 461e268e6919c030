package runs

import (
	"booking/host/internal/store"
	"booking/shared/crm"
)

// Observer is told what the runs of this process do, so that somebody can count them.
// Its methods are called from several goroutines and must not block.
type Observer interface {
	// RunBegan: this process has claimed the run and carries it out.
	RunBegan(store.Run)
	RunProgress(store.Run, crm.Progress)
	// RunLeft: this process has done with it, whatever became of it; so many requests
	// went to the portal.
	RunLeft(run store.Run, requests int)
	// RunEnded: the run is over and its row says how. One that goes back into the queue
	// does not end.
	RunEnded(store.Run)
}

// observed lets the observer, if there is one, see what the watcher sees; left must be
// called when the work is done.
func (s *Service) observed(run store.Run, watcher Watcher) (w Watcher, left func(requests int)) {
	if s.Observer == nil {
		return watcher, func(int) {}
	}
	s.Observer.RunBegan(run)
	return observing{watcher, s.Observer, run}, func(requests int) { s.Observer.RunLeft(run, requests) }
}

// ended tells the observer of a run that is over.
func (s *Service) ended(run store.Run) {
	if s.Observer != nil && run.ID != 0 && run.Over() {
		s.Observer.RunEnded(run)
	}
}

type observing struct {
	Watcher
	observer Observer
	run      store.Run
}

// Progress implements Watcher.
func (o observing) Progress(p crm.Progress) {
	o.observer.RunProgress(o.run, p)
	o.Watcher.Progress(p)
}
