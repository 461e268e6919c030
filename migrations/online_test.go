package migrations_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"booking/migrations"
	"booking/migrations/existing"
	"booking/shared/testdb"
)

func TestALongTransactionDoesNotMakeTheSiteStand(t *testing.T) {
	t.Parallel()
	dsn := testdb.New(t)
	db, site := open(t, dsn), open(t, dsn)
	existing.Create(t, db.DB, existing.Older)
	letGo := hold(t, open(t, dsn))
	ended := upLater(t, db, migrations.Bitrix24.Impatient(time.Minute, 500*time.Millisecond, 5*time.Minute))
	// Through three of its tries the readers, who queue behind the ALTER, get their turn.
	for range 3 {
		waitFor(t, "the ALTER stands before the table", func() bool { return altering(t, site) > 0 })
		began := time.Now()
		if _, err := site.ExecContext(t.Context(), "SELECT COUNT(*) FROM users"); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(began); waited > 10*time.Second {
			t.Errorf("a reader waited %s", waited)
		}
		waitFor(t, "the ALTER has let go", func() bool { return altering(t, site) == 0 })
	}
	letGo()
	if e := wait(t, ended); e.err != nil {
		t.Error(e.err)
	}
}

func TestATableThatIsNeverFreeIsAClearError(t *testing.T) {
	t.Parallel()
	dsn := testdb.New(t)
	db := open(t, dsn)
	existing.Create(t, db.DB, existing.Older)
	before := definitions(t, db)["users"]
	letGo := hold(t, open(t, dsn))
	set := migrations.Bitrix24.Impatient(time.Minute, 100*time.Millisecond, 500*time.Millisecond)
	_, err := set.Up(t.Context(), db)
	wantDatabaseError(t, err, "long transactions kept the table", "держат длинные транзакции")
	if now := definitions(t, db)["users"]; now != before {
		t.Error("users was changed all the same")
	}
	if got := states(t, db, set)["0001_users_link"]; got != migrations.StateHalfApplied {
		t.Errorf("state %s", got)
	}
	letGo()
	mustUp(t, db, set)
}

func TestManyRowsAreMigratedOnline(t *testing.T) {
	t.Parallel()
	dsn := testdb.New(t)
	watched := &recorder{}
	db := open(t, dsn, watched)
	existing.Create(t, db.DB, existing.Older)
	fill(t, dsn)
	mustUp(t, db, migrations.Bitrix24)
	want := []string{
		"ALTER TABLE `users` ADD COLUMN `bitrix24_user_id` VARCHAR(255) NULL, ADD COLUMN `position` VARCHAR(255) NULL, ALGORITHM=INSTANT",
		"ALTER TABLE `users` ADD INDEX `users_tenant_id_bitrix24_user_id_index` (`tenant_id`, `bitrix24_user_id`), ALGORITHM=INPLACE, LOCK=NONE",
	}
	if diff := cmp.Diff(want, watched.statements); diff != "" {
		t.Errorf("statements (-want +got):\n%s", diff)
	}
	var n int
	if err := db.NewRaw("SELECT COUNT(*) FROM users WHERE bitrix24_user_id IS NULL").Scan(t.Context(), &n); err != nil || n < 200_000 {
		t.Errorf("%d rows afterwards, error %v", n, err)
	}
}

// fill doubles the rows of users until there are 200,000.
func fill(t testing.TB, dsn string) {
	t.Helper()
	db := open(t, dsn)
	for n := 11; n < 200_000; n *= 2 {
		mustExec(t, db, "INSERT INTO users (tenant_id, name, email, password, role) SELECT tenant_id, name, CONCAT(UUID(), '@example.test'), password, role FROM users")
	}
}

func TestCompactRowsGetAnIndexThatFits(t *testing.T) {
	t.Parallel()
	db := open(t, testdb.New(t))
	existing.Create(t, db.DB, existing.Form{Name: "compact rows", Compact: true})
	mustUp(t, db, migrations.Bitrix24)
	if now := definitions(t, db)["users"]; !strings.Contains(now, "(`tenant_id`,`bitrix24_user_id`(64))") {
		t.Errorf("users: %s", now)
	}
}

// While a table is copied and renamed there is a moment in which information_schema
// does not know it. The existing server's own migrations do that, and so does the
// fallback of ours.
func TestATableThatIsBeingRebuiltIsStillThere(t *testing.T) {
	t.Parallel()
	dsn := testdb.New(t)
	db := open(t, dsn)
	mustUp(t, db, all...)
	rebuilt := make(chan error, 1)
	other := open(t, dsn)
	go func() {
		for range 60 {
			if _, err := other.ExecContext(t.Context(), "ALTER TABLE users COMMENT = 'rebuilt', ALGORITHM=COPY"); err != nil {
				rebuilt <- err
				return
			}
		}
		rebuilt <- nil
	}()
	for {
		for _, set := range all {
			if applied, err := set.Up(t.Context(), db); err != nil || applied != nil {
				t.Fatalf("%s: did %v, error %v", set.Name, applied, err)
			}
		}
		select {
		case err := <-rebuilt:
			if err != nil {
				t.Error(err)
			}
			return
		default:
		}
	}
}

// overtaker does every DDL statement a moment before its migration does.
type overtaker struct{ db *bun.DB }

func (o overtaker) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	if strings.HasPrefix(e.Query, "ALTER") || strings.HasPrefix(e.Query, "CREATE") {
		_, _ = o.db.DB.ExecContext(ctx, e.Query)
	}
	return ctx
}

func (o overtaker) AfterQuery(context.Context, *bun.QueryEvent) {}

func TestAnOvertakenStatementCountsAsDone(t *testing.T) {
	t.Parallel()
	want := undisturbedEmpty(t)
	dsn := testdb.New(t)
	db := open(t, dsn, overtaker{open(t, dsn)})
	mustUp(t, db, all...)
	if diff := cmp.Diff(want, definitions(t, db)); diff != "" {
		t.Errorf("(-undisturbed +got):\n%s", diff)
	}
}

func undisturbedEmpty(t *testing.T) map[string]string {
	t.Helper()
	db := open(t, testdb.New(t))
	mustUp(t, db, all...)
	return definitions(t, db)
}
