// Package ddl changes a table that a running site is using.
//
// An ALTER waits for every open transaction that has read the table, and all new
// queries queue behind the waiting ALTER. So it waits a second at most, lets the
// queue go, and comes back: the site stutters, it does not stand.
package ddl

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// Patience is how a statement waits for the transactions in its way.
type Patience struct {
	// LockWait is how long one try may make others queue, in whole seconds (at least one).
	LockWait time.Duration
	// Pause is between two tries; the queue behind us drains in it.
	Pause time.Duration
	// Total is how long all tries together may take; a try that is running is not cut off.
	Total time.Duration
}

// DefaultPatience is for people who wait in front of a terminal.
var DefaultPatience = Patience{LockWait: time.Second, Pause: 2 * time.Second, Total: time.Minute}

// Exec runs the first of the variants that the server is able to run: they say
// the same, the cheapest first, the one every server understands last. It gives
// up with [BlockedError] when other transactions do not let go of the table.
//
// The session is its own and is thrown away: its short lock wait and its mild
// treatment of zero dates in old columns must not reach anybody's next query.
func Exec(ctx context.Context, db *bun.DB, p Patience, variants ...string) error {
	giveUp := time.Now().Add(p.Total)
	for {
		err := tryAll(ctx, db, p, variants)
		if !IsTransient(err) {
			return err
		}
		if time.Now().Add(p.Pause).After(giveUp) {
			if IsLockWait(err) {
				return &BlockedError{Waited: p.Total, Err: err}
			}
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(p.Pause):
		}
	}
}

// BlockedError says that the table was in use by long transactions all the time.
type BlockedError struct {
	Waited time.Duration
	Err    error
}

// Error implements error.
func (e *BlockedError) Error() string {
	return fmt.Sprintf("other transactions held the table for %s: %v", e.Waited, e.Err)
}

// Unwrap returns the server's last answer.
func (e *BlockedError) Unwrap() error { return e.Err }

func tryAll(ctx context.Context, db *bun.DB, p Patience, variants []string) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("get a connection: %w", err)
	}
	defer func() {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
		_ = conn.Close()
	}()
	// Strict, but without NO_ZERO_DATE: an old table may have DEFAULT '0000-00-00 00:00:00'
	// in a column that is none of our business, and every ALTER would fail on it (1067).
	seconds := max(1, int(p.LockWait/time.Second))
	if _, err := conn.ExecContext(ctx, "SET SESSION lock_wait_timeout = ?, sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'", seconds); err != nil {
		return fmt.Errorf("prepare the session: %w", err)
	}
	for _, variant := range variants {
		_, err = conn.ExecContext(ctx, variant)
		if err == nil || !unsupported(err) && !tooLong(err) {
			break
		}
	}
	return err
}
