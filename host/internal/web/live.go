package web

import (
	"context"

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
}

// Over reports whether the run has come to its end.
func (l liveRun) Over() bool { return l.Run.Over() }

// readLive reads where a run stands. Of the changes it reads only those that came
// after the ones in before (nil: all).
func readLive(ctx context.Context, s *store.Store, id int64, before *liveRun) (liveRun, error) {
	run, err := s.LiveRun(ctx, id)
	if err != nil {
		return liveRun{}, err
	}
	now := liveRun{Run: run, Counts: map[crm.Action]int{}}
	if now.Progress, err = s.RunProgress(ctx, id); err != nil || now.Over() {
		return now, err
	}
	if before != nil {
		now.last, now.Newest = before.last, before.Newest
		for action, count := range before.Counts {
			now.Counts[action] = count
		}
	}
	return now, now.addChanges(ctx, s)
}

func (l *liveRun) addChanges(ctx context.Context, s *store.Store) error {
	const together = 5000
	for {
		changes, err := s.ChangePage(ctx, store.ChangeFilter{RunID: l.Run.ID, After: l.last, Limit: together})
		if err != nil {
			return err
		}
		newest := make([]changeView, 0, newestShown)
		for i := len(changes) - 1; i >= 0; i-- {
			l.Counts[changes[i].Action]++
			if len(newest) < newestShown {
				newest = append(newest, newChangeView(changes[i], l.Run.Mode == crm.ModePreview))
			}
		}
		l.Newest = append(newest, l.Newest...)
		l.Newest = l.Newest[:min(len(l.Newest), newestShown)]
		if len(changes) > 0 {
			l.last = changes[len(changes)-1].ID
		}
		if len(changes) < together {
			return nil
		}
	}
}
