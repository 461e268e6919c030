package migrations

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/uptrace/bun"

	"booking/migrations/internal/ddl"
)

// errLeaseLost ends a migration whose lock somebody else may have by now.
var errLeaseLost = errors.New("the migration lock was lost: this process was silent for too long, or somebody ran unlock")

// patrol is how often a waiting migration looks whether the lock is free.
const patrol = 200 * time.Millisecond

// lease is the lock of one set: a row, good until a moment of the database's clock,
// which the holder keeps moving while it lives. Nobody has to clean up after a dead
// one. Rows and autocommit statements exclude each other on a single server and on a
// cluster alike; GET_LOCK and bun's own lock do not (facts/mysql.md 4).
type lease struct {
	db     *bun.DB
	set    string
	owner  string
	length time.Duration

	// ctx is done when the lease is lost (the cause is errLeaseLost) or the caller's is.
	ctx    context.Context //nolint:containedctx // it lives exactly as long as the lease does
	cancel context.CancelCauseFunc
	beats  chan struct{} // closed when the heart has stopped
}

// acquire waits for the lock and starts the heartbeat.
func acquire(ctx context.Context, db *bun.DB, s Set) (*lease, error) {
	l := &lease{db: db, set: s.Name, owner: ownerName(), length: s.Lease, beats: make(chan struct{})}
	for {
		won, err := l.claim(ctx)
		if won {
			break
		}
		if err != nil && !ddl.IsTransient(err) && ctx.Err() == nil {
			return nil, fmt.Errorf("take the migration lock: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil, &waitError{set: s.Name, cause: context.Cause(ctx)}
		case <-time.After(min(patrol, s.Lease)):
		}
	}
	l.ctx, l.cancel = context.WithCancelCause(ctx)
	go l.beat()
	return l, nil
}

// waitError says that somebody else's migration outlasted the caller's patience.
type waitError struct {
	set   string
	cause error
}

// Error implements error.
func (e *waitError) Error() string {
	return fmt.Sprintf("wait for another migration of %s: %v", e.set, e.cause)
}

// Unwrap returns why the waiting ended.
func (e *waitError) Unwrap() error { return e.cause }

// claim takes the lock when it is free or its lease has run out.
func (l *lease) claim(ctx context.Context) (bool, error) {
	result, err := l.db.ExecContext(ctx, `UPDATE ? SET owner = ?, lease_until = TIMESTAMPADD(MICROSECOND, ?, UTC_TIMESTAMP(6))
WHERE set_name = ? AND (owner = '' OR lease_until < UTC_TIMESTAMP(6))`,
		bun.Ident(lockTable), l.owner, l.length.Microseconds(), l.set)
	if err != nil {
		return false, err
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return n == 1, err
	}
	_, err = l.db.ExecContext(ctx, `INSERT INTO ? (set_name, owner, lease_until)
VALUES (?, ?, TIMESTAMPADD(MICROSECOND, ?, UTC_TIMESTAMP(6)))`, bun.Ident(lockTable), l.set, l.owner, l.length.Microseconds())
	if ddl.Number(err) == 1062 {
		return false, nil // the row is there and somebody lives
	}
	return err == nil, err
}

// beat moves the lease on, three times in its length, until the work is done.
func (l *lease) beat() {
	defer close(l.beats)
	ticker := time.NewTicker(l.length / 3)
	defer ticker.Stop()
	// The local clock only ever measures how long nothing has been heard.
	alive := time.Now()
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-ticker.C:
		}
		began := time.Now()
		mine, err := l.extend()
		switch {
		case err == nil && mine:
			alive = began
		case err == nil, time.Since(alive) >= l.length:
			l.cancel(errLeaseLost)
			return
		}
	}
}

func (l *lease) extend() (mine bool, err error) {
	ctx, cancel := context.WithTimeout(l.ctx, l.length/3)
	defer cancel()
	return l.update(ctx, "lease_until = TIMESTAMPADD(MICROSECOND, ?, UTC_TIMESTAMP(6))", l.length.Microseconds())
}

// note writes down the step that is being worked on, so that one which was cut off
// can be seen.
func (l *lease) note(ctx context.Context, step string) error {
	mine, err := l.update(ctx, "step = ?, lease_until = TIMESTAMPADD(MICROSECOND, ?, UTC_TIMESTAMP(6))", step, l.length.Microseconds())
	if err != nil {
		return fmt.Errorf("note the step: %w", err)
	}
	if !mine {
		return errLeaseLost
	}
	return nil
}

// release stops the heartbeat and frees the lock, also when the caller has gone.
func (l *lease) release() {
	l.cancel(nil)
	<-l.beats
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), 5*time.Second)
	defer cancel()
	// When this fails the lease runs out by itself.
	_, _ = l.update(ctx, "owner = '', lease_until = UTC_TIMESTAMP(6)")
}

// update changes our own row; mine is false when it is no longer ours.
func (l *lease) update(ctx context.Context, assignment string, args ...any) (mine bool, err error) {
	args = append([]any{bun.Ident(lockTable)}, args...)
	result, err := l.db.ExecContext(ctx, "UPDATE ? SET "+assignment+" WHERE set_name = ? AND owner = ?", append(args, l.set, l.owner)...)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// ownerName is different for every call and tells an operator where to look.
func ownerName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%.128s/%d/%s", host, os.Getpid(), rand.Text())
}
