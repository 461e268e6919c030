// Package usersync makes the tables of the sync engine: runs and what they changed.
package usersync

import (
	"context"
	"embed"
	"strings"

	"github.com/uptrace/bun/migrate"

	"booking/migrations/internal/ddl"
)

// Tables are the set's tables.
var Tables = []string{"crm_runs", "crm_changes"}

//go:embed *.sql
var files embed.FS

// change is a step on a table that hosts are writing while it runs: its variants say
// the same, the cheapest first.
type change struct {
	name, comment string
	variants      []string
}

// queue is what crm_runs needs to be a queue. Every column has a default, so that the
// former release's INSERTs go on; it never names them, so each holds from what this
// release writes alone (host/internal/store/run_queue.go says how).
var queue = []change{
	{"0005", "crm_runs_queue", variants("ALTER TABLE `crm_runs`", []string{
		// Who and what is asked for: one person, or a preview that is to be applied as it is.
		"ADD COLUMN `person_id` VARCHAR(255) NOT NULL DEFAULT ''",
		"ADD COLUMN `plan_id` BIGINT UNSIGNED NULL",
		// What waits, while it waits: its unique key leaves one of each.
		"ADD COLUMN `queue_key` VARCHAR(320) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL",
		// The order of the queue. The default is the former release's: it comes first.
		"ADD COLUMN `queue_at` DATETIME(6) NOT NULL DEFAULT '2000-01-01 00:00:00'",
		"ADD COLUMN `not_before` DATETIME(6) NULL",
		// One of the places that a portal has, while the run goes on.
		"ADD COLUMN `active_portal` VARCHAR(280) NULL",
		// How often it lost its host; whose retry it is, and which.
		"ADD COLUMN `lost` INT UNSIGNED NOT NULL DEFAULT 0",
		"ADD COLUMN `retry_of` BIGINT UNSIGNED NULL",
		"ADD COLUMN `retry` INT UNSIGNED NOT NULL DEFAULT 0",
	}, "ALGORITHM=INSTANT")},
	{"0006", "crm_runs_queue_keys", variants("ALTER TABLE `crm_runs`", []string{
		"ADD UNIQUE KEY `crm_runs_queue_key_unique` (`queue_key`)",
		"ADD UNIQUE KEY `crm_runs_active_portal_unique` (`active_portal`)",
		"ADD KEY `crm_runs_status_queue_at_index` (`status`, `queue_at`)",
	}, "ALGORITHM=INPLACE, LOCK=NONE")},
}

func variants(head string, parts []string, cheapest string) []string {
	plain := head + " " + strings.Join(parts, ", ")
	return []string{plain + ", " + cheapest, plain}
}

// Steps returns the set.
func Steps(p ddl.Patience) (*migrate.Migrations, error) {
	steps := migrate.NewMigrations()
	if err := steps.Discover(files); err != nil {
		return nil, err
	}
	for _, c := range queue {
		steps.Add(migrate.Migration{Name: c.name, Comment: c.comment, Up: func(ctx context.Context, m *migrate.Migrator, _ *migrate.Migration) error {
			// One ALTER is there whole or not at all, so a duplicate is one that is done.
			if err := ddl.Exec(ctx, m.DB(), p, c.variants...); err != nil && !ddl.IsDuplicate(err) {
				return err
			}
			return nil
		}})
	}
	return steps, nil
}
