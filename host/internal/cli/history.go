package cli

import (
	"time"

	"booking/host/internal/history"
)

// pruner removes old history while this host is not busy.
func (a *app) pruner(busy func() bool) *history.Pruner {
	return &history.Pruner{Store: a.store, Days: int(a.config.HistoryDays), Busy: busy, Clock: time.Now, Log: a.log}
}
