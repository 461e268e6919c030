package migrations_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"booking/migrations"
	"booking/migrations/existing"
	"booking/shared/testdb"
)

// undisturbed is what the form looks like after a migration that nobody kills.
func undisturbed(t *testing.T, form existing.Form) map[string]string {
	t.Helper()
	db := open(t, testdb.New(t))
	existing.Create(t, db.DB, form)
	mustUp(t, db, all...)
	return definitions(t, db)
}

func TestKilledAtAnyStatementTheNextOneFinishes(t *testing.T) {
	t.Parallel()
	want := undisturbed(t, existing.Older)
	dsn := testdb.New(t)
	existing.Create(t, testdb.Open(t, dsn), existing.Older)
	cmd, said := startChild(t, dsn, 0)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	statements, err := strconv.Atoi(said.String())
	if err != nil || statements < 30 {
		t.Fatalf("an undisturbed migration said %q, not how many statements it made", said)
	}
	const together = 8 // their leases run out while the others are being killed
	for first := 1; first <= statements; first += together {
		t.Run(fmt.Sprintf("from statement %d", first), func(t *testing.T) {
			t.Parallel()
			var finish []func()
			for last := first; last < min(first+together, statements+1); last++ {
				finish = append(finish, killAt(t, last, want))
			}
			for _, f := range finish {
				f()
			}
		})
	}
}

// killAt kills a migration before its statement number last. The function it returns
// lets another one finish and compares.
func killAt(t *testing.T, last int, want map[string]string) (finish func()) {
	t.Helper()
	dsn := testdb.New(t)
	db := open(t, dsn)
	existing.Create(t, db.DB, existing.Older)
	before := existing.Take(t, db.DB)
	cmd, said := startChild(t, dsn, last)
	if err := cmd.Wait(); err == nil || cmd.ProcessState.Exited() {
		t.Errorf("statement %d: was not killed: %v: %s", last, err, said)
	}
	return func() {
		t.Helper()
		mustUp(t, db, all...)
		if diff := cmp.Diff(want, definitions(t, db)); diff != "" {
			t.Errorf("killed before statement %d (-undisturbed +got):\n%s", last, diff)
		}
		after := existing.Take(t, db.DB, ours...).Without("users", "bitrix24_user_id", "position")
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("killed before statement %d, rows:\n%s", last, diff)
		}
	}
}

func TestKilledAtAnyMomentTheNextOneFinishes(t *testing.T) {
	t.Parallel()
	want := undisturbed(t, existing.Older)
	for round := range 8 {
		dsn := testdb.New(t)
		db := open(t, dsn)
		existing.Create(t, db.DB, existing.Older)
		cmd, _ := startChild(t, dsn, 0)
		delay := rand.N(300 * time.Millisecond)
		timer := time.AfterFunc(delay, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		timer.Stop()
		mustUp(t, db, all...)
		if diff := cmp.Diff(want, definitions(t, db)); diff != "" {
			t.Errorf("round %d, killed after %s (-undisturbed +got):\n%s", round, delay, diff)
		}
	}
}

// The server goes on with the statement of a client that has died.
func TestAnOrphanedAlterOfTheDeadIsOutlived(t *testing.T) {
	t.Parallel()
	want := undisturbed(t, existing.Older)
	dsn := testdb.New(t)
	db := open(t, dsn)
	existing.Create(t, db.DB, existing.Older)
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(t.Context(), "SELECT COUNT(*) FROM users"); err != nil {
		t.Fatal(err)
	}
	cmd, _ := startChild(t, dsn, 0)
	waitFor(t, "the child's ALTER stands before the table", func() bool { return altering(t, db) > 0 })
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if got := states(t, db, migrations.Bitrix24)["0001_users_link"]; got != migrations.StateHalfApplied && got != migrations.StateRunning {
		t.Errorf("the step's state is %s", got)
	}
	waitFor(t, "its lease has run out", func() bool {
		return states(t, db, migrations.Bitrix24)["0001_users_link"] == migrations.StateHalfApplied
	})
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	mustUp(t, db, all...)
	if diff := cmp.Diff(want, definitions(t, db)); diff != "" {
		t.Errorf("(-undisturbed +got):\n%s", diff)
	}
}

func waitFor(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
