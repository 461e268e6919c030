package migrations_test

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"

	"booking/migrations"
	"booking/shared/testdb"
)

// ours are the tables that the migrations make beside tenants and users.
var ours = []string{
	"booking_migrations_host", "booking_migrations_usersync", "booking_migrations_bitrix24", "booking_migration_locks",
	"crm_connections", "crm_secrets", "booking_keys", "crm_runs", "crm_changes",
	"booking_sessions", "booking_recoveries", "booking_audit", "booking_mails", "crm_run_progress",
	"crm_schedules", "crm_slots", "crm_imports",
	"crm_run_attempts", "booking_mail_queue", "booking_notices",
	"booking_tokens", "crm_tenant_health",
	"booking_first_run", "booking_first_run_codes", "booking_people_turns",
	"crm_event_addresses", "crm_history",
}

var hostSteps = []string{
	"0001_tenants_and_users", "0002_crm_connections", "0003_crm_secrets", "0004_booking_keys",
	"0010_booking_sessions", "0011_booking_recoveries", "0012_booking_audit", "0013_booking_mails", "0014_crm_run_progress",
	"0020_crm_schedules", "0021_crm_slots",
	"0030_crm_run_attempts",
	"0040_booking_mail_queue", "0041_booking_notices",
	"0050_booking_first_run", "0051_booking_first_run_codes", "0052_booking_people_turns", "0053_booking_audit_subject",
	"0060_booking_tokens", "0061_crm_tenant_health", "0062_remember_tenant_health", "0070_crm_imports",
	"0090_crm_event_addresses", "0091_crm_history", "0092_crm_slots_slot_at",
}

var usersyncSteps = []string{"0001_crm_runs", "0002_crm_changes", "0005_crm_runs_queue", "0006_crm_runs_queue_keys"}

var all = []migrations.Set{migrations.Host, migrations.Usersync, migrations.Bitrix24}

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(child())
	}
	os.Exit(testdb.Main(m))
}

// open is a pool of its own: what one machine has.
func open(t testing.TB, dsn string, hooks ...bun.QueryHook) *bun.DB {
	t.Helper()
	return bun.NewDB(testdb.Open(t, dsn), mysqldialect.New()).WithQueryHook(chain(hooks))
}

type chain []bun.QueryHook

func (c chain) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	for _, hook := range c {
		ctx = hook.BeforeQuery(ctx, e)
	}
	return ctx
}

func (c chain) AfterQuery(ctx context.Context, e *bun.QueryEvent) {
	for _, hook := range c {
		hook.AfterQuery(ctx, e)
	}
}

// recorder writes down the statements that changed a schema, and how they ended.
type recorder struct {
	mu         sync.Mutex
	statements []string
}

func (r *recorder) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (r *recorder) AfterQuery(_ context.Context, e *bun.QueryEvent) {
	if !strings.HasPrefix(e.Query, "ALTER") {
		return
	}
	line := e.Query
	if e.Err != nil {
		line += " -- " + e.Err.Error()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.statements = append(r.statements, line)
}

func mustExec(t testing.TB, db *bun.DB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := db.DB.ExecContext(context.Background(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func mustUp(t testing.TB, db *bun.DB, sets ...migrations.Set) {
	t.Helper()
	for _, set := range sets {
		if _, err := set.Up(t.Context(), db); err != nil {
			t.Fatalf("migrate %s: %v", set.Name, err)
		}
	}
}

// definitions are the SHOW CREATE TABLE of all tables, without what counts rows.
func definitions(t testing.TB, db *bun.DB) map[string]string {
	t.Helper()
	var names []string
	if err := db.NewRaw("SELECT table_name AS table_name FROM information_schema.tables WHERE table_schema = DATABASE()").Scan(t.Context(), &names); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, name := range names {
		var table, definition string
		if err := db.QueryRowContext(t.Context(), "SHOW CREATE TABLE ?", bun.Ident(name)).Scan(&table, &definition); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(definition, "\n")
		if i := len(lines) - 1; strings.Contains(lines[i], " AUTO_INCREMENT=") {
			before, after, _ := strings.Cut(lines[i], " AUTO_INCREMENT=")
			_, rest, _ := strings.Cut(after, " ")
			lines[i] = before + " " + rest
		}
		found[name] = strings.Join(lines, "\n")
	}
	return found
}

func states(t testing.TB, db *bun.DB, set migrations.Set) map[string]migrations.State {
	t.Helper()
	steps, err := set.Status(t.Context(), db)
	if err != nil {
		t.Fatalf("status of %s: %v", set.Name, err)
	}
	found := map[string]migrations.State{}
	for _, step := range steps {
		found[step.Name] = step.State
		done := step.State == migrations.StateApplied || step.State == migrations.StateMissing
		if done == step.AppliedAt.IsZero() {
			t.Errorf("%s is %s and was applied at %v", step.Name, step.State, step.AppliedAt)
		}
	}
	return found
}

func TestAnEmptyDatabaseGetsEverything(t *testing.T) {
	t.Parallel()
	db := open(t, testdb.New(t))
	for _, c := range []struct {
		set  migrations.Set
		want []string
	}{
		{migrations.Host, hostSteps},
		{migrations.Usersync, usersyncSteps},
		{migrations.Bitrix24, []string{"0001_users_link"}},
	} {
		applied, err := c.set.Up(t.Context(), db)
		if diff := cmp.Diff(c.want, applied); err != nil || diff != "" {
			t.Fatalf("%s: error %v, applied (-want +got):\n%s", c.set.Name, err, diff)
		}
		for name, state := range states(t, db, c.set) {
			if state != migrations.StateApplied {
				t.Errorf("%s %s is %s", c.set.Name, name, state)
			}
		}
	}
	before := definitions(t, db)
	for _, set := range all {
		if again, err := set.Up(t.Context(), db); err != nil || again != nil {
			t.Errorf("%s a second time: %v, error %v", set.Name, again, err)
		}
	}
	if diff := cmp.Diff(before, definitions(t, db)); diff != "" {
		t.Errorf("the second time changed something:\n%s", diff)
	}
	for _, name := range append(ours, "tenants", "users") {
		if !strings.Contains(before[name], "COLLATE=utf8mb4_unicode_ci") || !strings.Contains(before[name], "ENGINE=InnoDB") {
			t.Errorf("table %s: %s", name, before[name])
		}
	}
}

func TestThePluginsSetWaitsForTheHosts(t *testing.T) {
	t.Parallel()
	db := open(t, testdb.New(t))
	_, err := migrations.Bitrix24.Up(t.Context(), db)
	wantDatabaseError(t, err, "no table users", "нет таблицы users")
	if len(definitions(t, db)) != 0 {
		t.Error("something was made all the same")
	}
}

func TestATableThatIsGoneIsMadeAgain(t *testing.T) {
	t.Parallel()
	db := open(t, testdb.New(t))
	mustUp(t, db, all...)
	want := definitions(t, db)
	mustExec(t, db, "DROP TABLE crm_secrets", "ALTER TABLE users DROP COLUMN position")
	if got := states(t, db, migrations.Bitrix24)["0001_users_link"]; got != migrations.StateMissing {
		t.Errorf("the link's state is %s", got)
	}
	mustUp(t, db, all...)
	if diff := cmp.Diff(want, definitions(t, db)); diff != "" {
		t.Errorf("after making it again (-want +got):\n%s", diff)
	}
}

func TestStatusOfADatabaseThatWasNeverMigrated(t *testing.T) {
	t.Parallel()
	db := open(t, testdb.New(t))
	if got := states(t, db, migrations.Host)["0003_crm_secrets"]; got != migrations.StatePending {
		t.Errorf("state %s", got)
	}
	if err := migrations.Host.Unlock(t.Context(), db); err != nil {
		t.Errorf("unlock where nothing is locked: %v", err)
	}
	if len(definitions(t, db)) != 0 {
		t.Error("looking made tables")
	}
}
