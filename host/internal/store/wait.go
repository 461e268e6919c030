package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-sql-driver/mysql"

	"booking/shared/crm"
	"booking/shared/usersync"
)

// pause is the time between two questions to a database that is away.
const pause = 250 * time.Millisecond

// waiting is patience with a database that is away.
type waiting struct {
	patience time.Duration
	notice   func(crm.Text)
}

// do repeats question until it is answered, for good or bad, or patience ends.
// The result is nil or explained (databaseError).
func (w waiting) do(ctx context.Context, doing string, question func(context.Context) error) error {
	deadline := time.Now().Add(w.patience)
	for told := false; ; told = true {
		err := question(ctx)
		if err == nil || !isAway(err) || ctx.Err() != nil || time.Now().After(deadline) {
			return databaseError(doing, err)
		}
		if !told && w.notice != nil {
			w.notice(crm.Text{
				RU: fmt.Sprintf("База данных не отвечает, жду до %s", w.patience),
				EN: fmt.Sprintf("The database does not answer, waiting up to %s", w.patience),
			})
		}
		if err := sleep(ctx, pause); err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
	}
}

// isAway reports whether the server did not answer at all, or only "not now".
func isAway(err error) bool { return usersync.IsWorthWaiting(err) }

// Contended reports whether err is about rows that somebody else was at, too, and not
// about the database as a whole.
func Contended(err error) bool { return usersync.IsContention(err) }

// undone reports whether the server took a statement back as a whole: a deadlock, or
// another node of a cluster was faster.
func undone(err error) bool { return Contended(err) && number(err) != lockWait }

// lockWait: a row was locked by somebody else for longer than it is waited for.
const lockWait = 1205

// number is the server's error number, 0 for any other error.
func number(err error) uint16 {
	var server *mysql.MySQLError
	if errors.As(err, &server) {
		return server.Number
	}
	return 0
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
