package hosttest

import (
	"testing"

	"github.com/uptrace/bun"

	"booking/host/internal/secrets"
	"booking/migrations"
	"booking/shared/secret"
	"booking/shared/usersync"
)

// Database opens what testdb.New made and brings up the host's own tables, and those of
// further sets.
func Database(t testing.TB, dsn string, further ...migrations.Set) *bun.DB {
	t.Helper()
	db, err := usersync.OpenDB(secret.New(dsn))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	for _, set := range append([]migrations.Set{migrations.Host, migrations.Usersync}, further...) {
		if _, err := set.Up(t.Context(), db); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// Box unlocks the database's secrets with a key of the test's own.
func Box(t testing.TB, db *bun.DB) *secrets.Box {
	t.Helper()
	box, err := secrets.Unlock(t.Context(), db, secrets.Options{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return box
}
