package migrations_test

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"booking/migrations"
	"booking/migrations/existing"
	"booking/shared/crm"
	"booking/shared/testdb"
)

// altering counts the ALTERs of users in this test's database that the server is at. (On MySQL
// a query of information_schema.processlist fails while the statement of any session
// has an emoji, error 3854; SHOW does not.)
func altering(t testing.TB, db *bun.DB) (n int) {
	t.Helper()
	var name string
	if err := db.QueryRowContext(context.Background(), "SELECT DATABASE()").Scan(&name); err != nil {
		t.Fatal(err)
	}
	rows, err := db.QueryContext(context.Background(), "SHOW FULL PROCESSLIST")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, targets := make([]sql.NullString, len(names)), make([]any, len(names))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		// Id, User, Host, db, Command, Time, State, Info, ...
		if values[3].String == name && strings.HasPrefix(values[7].String, "ALTER TABLE `users`") {
			n++
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return n
}

// hold opens a transaction that has read users: every ALTER waits for its end.
func hold(t testing.TB, db *bun.DB) (letGo func()) {
	t.Helper()
	tx, err := db.BeginTx(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(context.Background(), "SELECT COUNT(*) FROM users"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback() })
	return func() { _ = tx.Rollback() }
}

// ending is how an Up in the background ended.
type ending struct {
	applied []string
	err     error
}

func upLater(t testing.TB, db *bun.DB, set migrations.Set) <-chan ending {
	ended := make(chan ending, 1)
	go func() {
		applied, err := set.Up(t.Context(), db)
		ended <- ending{applied, err}
	}()
	return ended
}

func wait(t testing.TB, ended <-chan ending) ending {
	t.Helper()
	select {
	case e := <-ended:
		return e
	case <-time.After(time.Minute):
		t.Fatal("the migration does not end")
		return ending{}
	}
}

func TestManyAtOnceDoEveryStepOnce(t *testing.T) {
	t.Parallel()
	want := undisturbed(t, existing.Older)
	for range 5 {
		dsn := testdb.New(t)
		existing.Create(t, testdb.Open(t, dsn), existing.Older)
		var group sync.WaitGroup
		var mu sync.Mutex
		var applied []string
		for range 4 {
			db := open(t, dsn)
			group.Go(func() {
				for _, set := range all {
					steps, err := set.Up(t.Context(), db)
					if err != nil {
						t.Errorf("%s: %v", set.Name, err)
					}
					mu.Lock()
					for _, step := range steps {
						applied = append(applied, set.Name+" "+step)
					}
					mu.Unlock()
				}
			})
		}
		group.Wait()
		slices.Sort(applied)
		each := []string{"bitrix24 0001_users_link"}
		for _, step := range hostSteps {
			each = append(each, "host "+step)
		}
		for _, step := range usersyncSteps {
			each = append(each, "usersync "+step)
		}
		slices.Sort(each)
		if diff := cmp.Diff(each, applied); diff != "" {
			t.Errorf("steps done by all of them together (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, definitions(t, open(t, dsn))); diff != "" {
			t.Errorf("(-undisturbed +got):\n%s", diff)
		}
	}
}

func TestALivingSlowMigrationKeepsItsLease(t *testing.T) {
	t.Parallel()
	dsn := testdb.New(t)
	slow, other := open(t, dsn), open(t, dsn)
	existing.Create(t, slow.DB, existing.Older)
	letGo := hold(t, other)
	set := shortly(migrations.Bitrix24)
	ended := upLater(t, slow, set)
	waitFor(t, "the slow one works", func() bool { return altering(t, other) > 0 })
	holder := owner(t, other)

	ctx, cancel := context.WithTimeout(t.Context(), 3*shortLease)
	defer cancel()
	_, err := set.Up(ctx, other)
	if crm.CodeOf(err) != crm.CodeBusy {
		t.Errorf("the second one ended with %v", err)
	}
	if now := owner(t, other); now != holder {
		t.Errorf("the lock went from %q to %q", holder, now)
	}
	if got := states(t, other, set)["0001_users_link"]; got != migrations.StateRunning {
		t.Errorf("state %s", got)
	}
	letGo()
	if e := wait(t, ended); e.err != nil || len(e.applied) != 1 {
		t.Errorf("the slow one: %v, error %v", e.applied, e.err)
	}
}

func owner(t testing.TB, db *bun.DB) string {
	t.Helper()
	var name string
	if err := db.NewRaw("SELECT owner FROM booking_migration_locks WHERE set_name = 'bitrix24'").Scan(t.Context(), &name); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestTheLeaseOfTheDeadRunsOut(t *testing.T) {
	t.Parallel()
	db := open(t, testdb.New(t))
	mustUp(t, db, all...)
	mustExec(t, db, "ALTER TABLE users DROP COLUMN position",
		"UPDATE booking_migration_locks SET owner = 'somebody dead', lease_until = TIMESTAMPADD(MICROSECOND, 1500000, UTC_TIMESTAMP(6))")
	began := time.Now()
	mustUp(t, db, migrations.Bitrix24)
	if waited := time.Since(began); waited < time.Second {
		t.Errorf("the lease was good for 1.5 s and was taken after %s", waited)
	}
}

func TestUnlockFreesTheLockByHand(t *testing.T) {
	t.Parallel()
	db := open(t, testdb.New(t))
	mustUp(t, db, all...)
	mustExec(t, db, "ALTER TABLE users DROP COLUMN position",
		"UPDATE booking_migration_locks SET owner = 'somebody dead', lease_until = TIMESTAMPADD(HOUR, 1, UTC_TIMESTAMP(6))")
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if _, err := migrations.Bitrix24.Up(ctx, db); crm.CodeOf(err) != crm.CodeBusy {
		t.Errorf("locked, and Up ended with %v", err)
	}
	if err := migrations.Bitrix24.Unlock(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	mustUp(t, db, migrations.Bitrix24)
}

func TestAHolderWhoseLockWasTakenStops(t *testing.T) {
	t.Parallel()
	dsn := testdb.New(t)
	db, other := open(t, dsn), open(t, dsn)
	existing.Create(t, db.DB, existing.Older)
	letGo := hold(t, other)
	set := shortly(migrations.Bitrix24)
	ended := upLater(t, db, set)
	waitFor(t, "it works", func() bool { return altering(t, other) > 0 })
	if err := set.Unlock(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	e := wait(t, ended)
	wantDatabaseError(t, e.err, "lock was lost")
	letGo()
	mustUp(t, other, migrations.Bitrix24)
}
