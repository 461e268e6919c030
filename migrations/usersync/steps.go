// Package usersync makes the tables of the sync engine: runs and what they changed.
package usersync

import (
	"embed"

	"github.com/uptrace/bun/migrate"
)

// Tables are the set's tables.
var Tables = []string{"crm_runs", "crm_changes"}

//go:embed *.sql
var files embed.FS

// Steps returns the set.
func Steps() (*migrate.Migrations, error) {
	steps := migrate.NewMigrations()
	if err := steps.Discover(files); err != nil {
		return nil, err
	}
	return steps, nil
}
