// Package history removes the history of runs that is older than the operator wants to
// keep, a little at a time, while the host has nothing better to do.
package history

import (
	"context"
	"log/slog"
	"time"

	"booking/host/internal/store"
)

const (
	// lookPause is how often a host looks whether something is to be done, and turn how long
	// whoever does it keeps others from doing the same: less, so that its next look finds
	// it due.
	lookPause = 5 * time.Minute
	turn      = lookPause - 15*time.Second
	// statements is how many a turn sends at most: about six a minute, which an idle host
	// has left of its one a second. A statement is about 900 rows.
	statements = 30
	// rest is how long after a whole round the next one begins.
	rest = 6 * time.Hour
	// patience is how long history waits for a quiet moment. A host that has none for so
	// long is one whose history grows.
	patience = time.Hour
)

// Pruner removes history. Any number of them may work on one database: they take turns.
type Pruner struct {
	Store *store.Store
	// Days is how long runs are kept (BOOKING_HISTORY_DAYS); 0: for ever.
	Days int
	// Busy says that this host carries out runs now; nil: never.
	Busy func() bool
	// Clock says what time it is here; how old something is the database says.
	Clock func() time.Time
	Log   *slog.Logger

	// waiting is since when there was no quiet moment; zero: there was one at the last look.
	waiting time.Time
}

// Run looks again and again until ctx ends. A database that is away is tried again.
func (p *Pruner) Run(ctx context.Context) {
	if p.Days == 0 {
		return
	}
	look := time.NewTicker(lookPause)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		if p.busy() {
			continue
		}
		if err := p.Tick(ctx); err != nil && ctx.Err() == nil {
			p.Log.Debug("remove old history", "error", err.Error())
		}
	}
}

// Tick takes one turn, when one is due and nobody else has it.
func (p *Pruner) Tick(ctx context.Context) error {
	if p.Days == 0 {
		return nil
	}
	mine, err := p.Store.ClaimHistory(ctx, p.Days, turn)
	if err != nil || mine == nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, turn)
	defer cancel()
	over, err := mine.Work(ctx, statements)
	if removed := mine.Removed; removed != (store.HistoryRemoved{}) {
		p.Log.Debug("old history is removed", "days", p.Days, "runs", removed.Runs, "changes", removed.Changes, "slots", removed.Slots)
	}
	if err != nil || !over {
		return err
	}
	return mine.Rest(ctx, rest)
}

// busy reports whether it should wait for a quiet moment still.
func (p *Pruner) busy() bool {
	if p.Busy == nil || !p.Busy() {
		p.waiting = time.Time{}
		return false
	}
	now := p.Clock()
	if p.waiting.IsZero() {
		p.waiting = now
	}
	return now.Sub(p.waiting) < patience
}
