package migrations_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"

	"booking/migrations"
	"booking/shared/testdb"
)

func TestMain(m *testing.M) { os.Exit(testdb.Main(m)) }

// open is a pool of its own: what one machine has.
func open(t testing.TB, dsn string) *bun.DB {
	t.Helper()
	return bun.NewDB(testdb.Open(t, dsn), mysqldialect.New())
}

func TestAnEmptyDatabaseGetsEverything(t *testing.T) {
	t.Parallel()
	db := open(t, testdb.New(t))
	for _, c := range []struct {
		set  migrations.Set
		want []string
	}{
		{migrations.Host, []string{"0001_tenants_and_users", "0002_crm_connections", "0003_crm_secrets", "0004_booking_keys"}},
		{migrations.Usersync, []string{"0001_crm_runs", "0002_crm_changes"}},
		{migrations.Bitrix24, []string{"0001_users_link"}},
	} {
		applied, err := c.set.Up(t.Context(), db)
		if diff := cmp.Diff(c.want, applied); err != nil || diff != "" {
			t.Fatalf("%s: error %v, applied (-want +got):\n%s", c.set.Name, err, diff)
		}
		if again, err := c.set.Up(t.Context(), db); err != nil || again != nil {
			t.Errorf("%s a second time: %v, error %v", c.set.Name, again, err)
		}
		steps, err := c.set.Status(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range steps {
			if step.State != migrations.StateApplied || step.AppliedAt.IsZero() {
				t.Errorf("status says %+v", step)
			}
		}
	}
}
