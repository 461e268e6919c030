// Package migrations brings a database up, in sets that know nothing of each other:
// the host's tables, the sync engine's, and what a CRM adds to users (the Bitrix24
// plugin by itself, a host for plugins without a database). Hosts, plugins and tests
// call it.
//
// DDL is not transactional, so no step trusts that the one before it ended well:
// each looks at what is there and does what is missing. A migration may be killed at
// any statement, and any number of machines may migrate at once (see lease.go).
package migrations

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/migrate"

	"booking/migrations/bitrix24"
	"booking/migrations/host"
	"booking/migrations/internal/ddl"
	"booking/migrations/link"
	"booking/migrations/usersync"
)

// DefaultLease is how long a dead migration keeps others waiting, unless the caller
// sets another Lease.
const DefaultLease = 30 * time.Second

// Set is one set of migrations. The values below are templates: copy one and set its
// Lease when the default does not do.
type Set struct {
	// Name is the set's folder.
	Name string
	// Lease is how long a lock is honoured after the last sign of life of its holder.
	Lease time.Duration

	patience ddl.Patience
	steps    func(ddl.Patience) (*migrate.Migrations, error)
	// inPlace looks at the schema alone: is everything there that the set is for?
	inPlace func(context.Context, *bun.DB) (bool, error)
	// shared: others make the same columns, so the schema alone decides and the books
	// are only a record. For the other sets both must agree.
	shared bool
}

// The sets that are always the same; see also [Link]. Bitrix24 needs the table users, which Host makes.
var (
	Host = Set{Name: "host", Lease: DefaultLease, patience: ddl.DefaultPatience,
		steps: host.Steps, inPlace: tablesExist(host.Tables)}
	Usersync = Set{Name: "usersync", Lease: DefaultLease, patience: ddl.DefaultPatience,
		steps:   usersync.Steps,
		inPlace: tablesExist(usersync.Tables)}
	Bitrix24 = linkSet("bitrix24", "0001", bitrix24.Column)
)

// Link is the set that gives users the link column of a plugin without a database.
// The column's shape has been checked (crm.Description.Validate). All of them share
// books and lock: they change one table.
func Link(column string) Set { return linkSet("link", column, link.Column(column)) }

func linkSet(name, step string, column link.Column) Set {
	return Set{Name: name, Lease: DefaultLease, patience: ddl.DefaultPatience,
		steps:   func(p ddl.Patience) (*migrate.Migrations, error) { return column.Steps(step, p) },
		inPlace: column.Check, shared: true}
}

// Up does what is missing and returns the names of the steps it ran, in order; none
// when nothing was missing, and then nothing at all was written. It waits for a
// migration of the same set that is going on elsewhere, as long as ctx allows:
// after its deadline the error has crm.CodeBusy.
//
// The database handle must be able to open two connections: one works, one says so.
// Other failures are crm.CodeDatabase and never carry a DSN.
func (s Set) Up(ctx context.Context, db *bun.DB) ([]string, error) {
	applied, err := s.up(ctx, db)
	return applied, s.explain(err)
}

// Satisfied reports whether Up has nothing to do. It only reads, needs no right but
// SELECT, and a yes of a set that changes users costs one statement. Something that Up
// would refuse (a column of an unusable type) is an error.
func (s Set) Satisfied(ctx context.Context, db *bun.DB) (bool, error) {
	satisfied, err := s.satisfied(ctx, db)
	return satisfied, s.explain(err)
}

func (s Set) satisfied(ctx context.Context, db *bun.DB) (bool, error) {
	there, err := s.inPlace(ctx, db)
	if err != nil || !there || s.shared {
		return there, err
	}
	steps, err := s.steps(s.patience)
	if err != nil {
		return false, err
	}
	marks, err := s.marks(ctx, db)
	if err != nil {
		return false, err
	}
	for _, step := range steps.Sorted() {
		if _, marked := marks[step.Name]; !marked {
			return false, nil
		}
	}
	return true, nil
}

// awayPatience is how long a database that is away is waited for before anything is begun.
const awayPatience, awayPause = 30 * time.Second, 250 * time.Millisecond

// look is the first look, by which most calls are done: it may be taken again when the
// connection is lost.
func (s Set) look(ctx context.Context, db *bun.DB) (bool, error) {
	for giveUp := time.Now().Add(awayPatience); ; {
		done, err := s.satisfied(ctx, db)
		if !ddl.IsAway(err) || time.Now().After(giveUp) {
			return done, err
		}
		select {
		case <-time.After(awayPause):
		case <-ctx.Done():
			return false, err
		}
	}
}

func (s Set) up(ctx context.Context, db *bun.DB) ([]string, error) {
	if done, err := s.look(ctx, db); err != nil || done {
		return nil, err
	}
	if db.Stats().MaxOpenConnections == 1 {
		return nil, errors.New("the database handle allows a single connection, a migration needs two")
	}
	if err := makeBooks(ctx, db, s); err != nil {
		return nil, err
	}
	held, err := acquire(ctx, db, s)
	if err != nil {
		return nil, err
	}
	defer held.release()
	applied, err := s.work(held, db)
	if err != nil {
		// A lost lease ends everything that is going on with "context canceled".
		if lost := context.Cause(held.ctx); lost != nil && ctx.Err() == nil {
			return applied, lost
		}
		return applied, err
	}
	return applied, nil
}

// work runs what is missing, and everything once more when the books say that it was
// done but the schema says otherwise: a table restored from an old dump.
func (s Set) work(held *lease, db *bun.DB) ([]string, error) {
	var applied []string
	for range 3 { // what is pending, then (forgetting the books between) what has gone
		// Whoever held the lock before us may have done it all.
		if done, err := s.satisfied(held.ctx, db); err != nil || done {
			return applied, err
		}
		migrator, err := s.migrator(held, db, &applied)
		if err != nil {
			return applied, err
		}
		group, err := migrator.Migrate(held.ctx)
		if err != nil {
			return applied, err
		}
		if group.IsZero() {
			if err := s.forget(held.ctx, db); err != nil {
				return applied, err
			}
		}
	}
	if done, err := s.satisfied(held.ctx, db); err != nil || done {
		return applied, err
	}
	return applied, errors.New("every step was run and the schema is still not as it should be")
}

// migrator is bun's, over steps that tell the lease what is being worked on and
// applied what was done.
func (s Set) migrator(held *lease, db *bun.DB, applied *[]string) (*migrate.Migrator, error) {
	steps, err := s.steps(s.patience)
	if err != nil {
		return nil, err
	}
	noted := migrate.NewMigrations()
	for _, step := range steps.Sorted() {
		name, run := stepName(step), step.Up
		step.Up = func(ctx context.Context, m *migrate.Migrator, self *migrate.Migration) error {
			if err := held.note(ctx, name); err != nil {
				return err
			}
			if err := run(ctx, m, self); err != nil {
				return err
			}
			*applied = append(*applied, name)
			return held.note(ctx, "")
		}
		noted.Add(step)
	}
	// bun marks before it runs unless told otherwise, and one mark per name is enough
	// for two migrators of which one has lost its lease without knowing it yet.
	return migrate.NewMigrator(db, noted, migrate.WithTableName(s.books()),
		migrate.WithMarkAppliedOnSuccess(true), migrate.WithUpsert(true)), nil
}

func stepName(m migrate.Migration) string { return fmt.Sprintf("%s_%s", m.Name, m.Comment) }
