// Package host makes the host's tables. tenants and users are made in the shape of
// the server our people come from, and only where they are absent: on that server's
// database they are its own and are never touched here.
package host

import (
	"context"
	"embed"
	"fmt"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/migrate"

	"booking/migrations/internal/ddl"
	"booking/migrations/internal/schema"
)

// Tables are the set's tables.
var Tables = []string{"tenants", "users", "crm_connections", "crm_secrets", "booking_keys",
	"booking_sessions", "booking_recoveries", "booking_audit", "booking_mails", "crm_run_progress",
	"crm_schedules", "crm_slots", "crm_imports",
	"crm_run_attempts", "booking_mail_queue", "booking_notices",
	"booking_tokens", "crm_tenant_health",
	"booking_first_run", "booking_first_run_codes", "booking_people_turns",
	"crm_event_addresses", "crm_history"}

//go:embed *.sql
var files embed.FS

// Steps returns the set.
func Steps(p ddl.Patience) (*migrate.Migrations, error) {
	steps := migrate.NewMigrations()
	steps.Add(migrate.Migration{Name: "0001", Comment: "tenants_and_users", Up: func(ctx context.Context, m *migrate.Migrator, _ *migrate.Migration) error {
		return base(ctx, m.DB(), p)
	}})
	if err := steps.Discover(files); err != nil {
		return nil, err
	}
	steps.Add(migrate.Migration{Name: "0053", Comment: "booking_audit_subject", Up: func(ctx context.Context, m *migrate.Migrator, _ *migrate.Migration) error {
		return addIndex(ctx, m.DB(), p, "booking_audit", "ADD INDEX `booking_audit_tenant_id_subject_id_index` (`tenant_id`, `subject`, `id`)")
	}})
	steps.Add(migrate.Migration{Name: "0062", Comment: "remember_tenant_health", Up: func(ctx context.Context, m *migrate.Migrator, _ *migrate.Migration) error {
		return rememberHealth(ctx, m.DB())
	}})
	// Old slots are removed by it, whosever they are.
	steps.Add(migrate.Migration{Name: "0092", Comment: "crm_slots_slot_at", Up: func(ctx context.Context, m *migrate.Migrator, _ *migrate.Migration) error {
		return addIndex(ctx, m.DB(), p, "crm_slots", "ADD INDEX `crm_slots_slot_at_index` (`slot_at`)")
	}})
	return steps, nil
}

// addIndex is no .up.sql file because no statement of MySQL makes an index only where there
// is none, and a step may be repeated.
func addIndex(ctx context.Context, db *bun.DB, p ddl.Patience, table, change string) error {
	statement := "ALTER TABLE `" + table + "` " + change
	if err := ddl.Exec(ctx, db, p, statement+", ALGORITHM=INPLACE, LOCK=NONE", statement); err != nil && !ddl.IsDuplicate(err) {
		return fmt.Errorf("add an index to %s: %w", table, err)
	}
	return nil
}

// base makes those of the two tables that are absent. It is no .up.sql file because
// the foreign key of users locks an existing tenants table, which needs [ddl.Exec].
func base(ctx context.Context, db *bun.DB, p ddl.Patience) error {
	there, err := schema.Tables(ctx, db, "tenants", "users")
	if err != nil {
		return err
	}
	for _, table := range []string{"tenants", "users"} {
		if there[table] {
			continue
		}
		statement, err := files.ReadFile(table + ".sql")
		if err != nil {
			return err
		}
		if err := ddl.Exec(ctx, db, p, string(statement)); err != nil && !ddl.IsDuplicate(err) {
			return fmt.Errorf("make the table %s: %w", table, err)
		}
	}
	return nil
}
