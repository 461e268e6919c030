// Package store is the host's side of the database, through Bun: tenants, users,
// CRM connections (their secrets sealed) and runs.
//
// It works on the tables the host makes itself and beside the existing booking
// server on its tables: of those only the columns that facts/existing-booking-server.md
// names are relied on. The link column (external ids) is always a parameter.
//
// Errors that people meet are *problem.Error with a Kind of this package, or
// *crm.Error where the contract has a code (tenant_blocked, database).
package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"booking/shared/crm"
	"booking/shared/secret"
	"booking/shared/usersync"
)

// Patience is how long a database that is away is waited for where that is safe.
const Patience = 30 * time.Second

// Store is the database. It is safe for use by several goroutines.
type Store struct {
	db *bun.DB
	// Clock gives the times that rows carry; the wall clock unless a test says otherwise.
	Clock func() time.Time
	// Patience is the package's Patience unless a test is less patient.
	Patience time.Duration
	// Silence is usersync.Silence unless a test is less patient: a question that is not
	// answered for so long is given up.
	Silence time.Duration
	// Notice, when set, is told once that a database which is away is being waited for.
	Notice func(crm.Text)
}

// Open connects and waits up to Patience for a server that does not answer yet;
// notice (may be nil) is told that it waits. A server that answers with a refusal
// (account, privileges, no such database) is an error at once.
func Open(ctx context.Context, dsn secret.Text, notice func(crm.Text)) (*Store, error) {
	return open(ctx, dsn, notice, Patience)
}

func open(ctx context.Context, dsn secret.Text, notice func(crm.Text), patience time.Duration) (*Store, error) {
	var db *bun.DB
	w := waiting{patience: patience, notice: notice}
	err := w.do(ctx, "open the database", func(context.Context) (err error) {
		db, err = usersync.OpenDB(dsn)
		return err
	})
	if err != nil {
		return nil, err
	}
	s := New(db)
	s.Notice, s.Patience = notice, patience
	return s, nil
}

// New makes a Store of an open database.
func New(db *bun.DB) *Store {
	return &Store{db: db, Clock: time.Now, Patience: Patience, Silence: usersync.Silence}
}

// DB is the database itself, for migrations and the engine.
func (s *Store) DB() *bun.DB { return s.db }

// Close closes the connections.
func (s *Store) Close() error { return s.db.Close() }

// now is the time for a row, in the whole seconds of the existing server's columns.
func (s *Store) now() time.Time { return s.Clock().UTC().Truncate(time.Second) }

// read runs a query that may be asked again: a database that is away is waited for.
func (s *Store) read(ctx context.Context, doing string, query func(context.Context) error) error {
	w := waiting{patience: s.Patience, notice: s.Notice}
	return w.do(ctx, doing, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, s.Silence)
		defer cancel()
		return query(ctx)
	})
}

// ask sends a question once: a database that is away is an error, and so is one that
// does not answer at all.
func (s *Store) ask(ctx context.Context, doing string, query func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.Silence)
	defer cancel()
	return databaseError(doing, query(ctx))
}

// write runs change in one transaction and starts it afresh when the server undid
// it as a whole (deadlock) or a lock was not to be had, and when the server went away
// before COMMIT. A connection that is lost at COMMIT is an error: whether it was done,
// nobody knows.
func (s *Store) write(ctx context.Context, doing string, change func(context.Context, bun.Tx) error) error {
	return again(ctx, doing, Contended, func(ctx context.Context) error { return s.attempt(ctx, doing, change) })
}

// exec runs one autocommitted statement and returns how many rows it changed.
func (s *Store) exec(ctx context.Context, doing, query string, args ...any) (changed int64, err error) {
	err = s.send(ctx, doing, func(ctx context.Context) (sql.Result, error) { return s.db.NewRaw(query, args...).Exec(ctx) }, &changed)
	return changed, err
}

// send sends one autocommitted statement, again when the server undid it. A lock that was
// not to be had is an error at once: it was waited for, and others wait behind us.
func (s *Store) send(ctx context.Context, doing string, statement func(context.Context) (sql.Result, error), changed *int64) error {
	return s.statement(ctx, doing, undone, func(ctx context.Context) error {
		result, err := statement(ctx)
		if err != nil {
			return err
		}
		*changed, err = result.RowsAffected()
		return err
	})
}

// statement carries out one autocommitted statement, again while its error is a passing
// one.
func (s *Store) statement(ctx context.Context, doing string, passing func(error) bool, do func(context.Context) error) error {
	return again(ctx, doing, passing, func(ctx context.Context) error { return s.ask(ctx, doing, do) })
}

// again does work afresh while its error is a passing one, a few times.
func again(ctx context.Context, doing string, passing func(error) bool, work func(context.Context) error) error {
	const tries = 5
	for try := 1; ; try++ {
		err := work(ctx)
		if err == nil || !passing(err) || try == tries {
			return databaseError(doing, err)
		}
		if err := sleep(ctx, time.Duration(try)*20*time.Millisecond); err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
	}
}

// repeat carries out one autocommitted statement that does no harm when it is carried
// out twice: a database that is away is waited for, contention is tried again.
func (s *Store) repeat(ctx context.Context, doing string, statement func(context.Context) error) error {
	return again(ctx, doing, Contended, func(ctx context.Context) error { return s.read(ctx, doing, statement) })
}

// attempt waits for the database until COMMIT is sent, and for nothing after it.
func (s *Store) attempt(ctx context.Context, doing string, change func(context.Context, bun.Tx) error) error {
	var tx bun.Tx
	w, end := waiting{patience: s.Patience, notice: s.Notice}, func() {}
	defer func() { end() }() // with its context a transaction ends
	err := w.do(ctx, doing, func(ctx context.Context) (err error) {
		end()
		ctx, end = context.WithTimeout(ctx, s.Silence)
		if err = s.db.PingContext(ctx); err != nil {
			return err
		}
		if tx, err = s.db.BeginTx(ctx, nil); err != nil {
			return err
		}
		if err = change(ctx, tx); err != nil {
			_ = tx.Rollback()
		}
		return err
	})
	if err != nil {
		return err
	}
	return tx.Commit()
}
