package secrets

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/uptrace/bun"

	"booking/host/internal/problem"
	"booking/migrations"
	"booking/shared/secret"
	"booking/shared/testdb"
	"booking/shared/usersync"
)

func TestMain(m *testing.M) {
	if os.Getenv(rotateChild) != "" {
		os.Exit(rotateForEver())
	}
	os.Exit(testdb.Main(m))
}

func openDB(t *testing.T, dsn string) *bun.DB {
	t.Helper()
	db, err := usersync.OpenDB(secret.New(dsn))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func migrated(t *testing.T) (*bun.DB, string) {
	t.Helper()
	dsn := testdb.New(t)
	db := openDB(t, dsn)
	if _, err := migrations.Host.Up(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	return db, dsn
}

func unlock(t *testing.T, db *bun.DB, o Options) *Box {
	t.Helper()
	box, err := Unlock(t.Context(), db, o)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func givenKey(t *testing.T) secret.Text {
	t.Helper()
	key, err := NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key.Text()
}

// keep seals a secret into crm_secrets.
func keep(ctx context.Context, t *testing.T, db *bun.DB, box *Box, place Place, plain string) {
	t.Helper()
	sealed, err := box.Seal(place, secret.New(plain))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.NewRaw("INSERT INTO crm_secrets VALUES (?, ?, ?, ?, NOW())", place.TenantID, place.Plugin, place.Field, sealed).Exec(ctx)
	if err != nil {
		t.Fatal(err)
	}
}

func kept(t *testing.T, db *bun.DB, box *Box) []string {
	t.Helper()
	var rows []sealedRow
	if err := db.NewSelect().Model(&rows).Order("tenant_id", "field").Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	var plain []string
	for _, row := range rows {
		text, err := box.Open(row.place(), row.Sealed)
		if err != nil {
			t.Fatalf("tenant %d: %v", row.TenantID, err)
		}
		plain = append(plain, text.Reveal())
	}
	return plain
}

func TestAKeyIsGeneratedOnceForOneAccountOnly(t *testing.T) {
	t.Parallel()
	db, _ := migrated(t)
	dir := filepath.Join(t.TempDir(), "var")
	box := unlock(t, db, Options{DataDir: dir})
	keep(t.Context(), t, db, box, Place{1, "acme", "webhook"}, "hidden")
	for path, mode := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, keyFile): 0o600} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, error %v", path, info.Mode(), err)
		}
	}
	again := unlock(t, db, Options{DataDir: dir})
	if got := kept(t, db, again); len(got) != 1 || got[0] != "hidden" {
		t.Errorf("%v", got)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) != 2 {
		t.Errorf("left behind: %v", files)
	}
}

func TestAWrongKeyIsRefused(t *testing.T) {
	t.Parallel()
	db, _ := migrated(t)
	dir := t.TempDir()
	unlock(t, db, Options{DataDir: dir})
	empty := filepath.Join(t.TempDir(), "empty")
	other := t.TempDir()
	otherDB, _ := migrated(t)
	unlock(t, otherDB, Options{DataDir: other})
	for name, c := range map[string]struct {
		o      Options
		ru, en string
	}{
		"another given key":        {Options{DataDir: dir, Key: givenKey(t)}, "BOOKING_SECRET_KEY не подходит", "BOOKING_SECRET_KEY does not fit"},
		"an empty directory":       {Options{DataDir: empty}, empty, empty},
		"another host's directory": {Options{DataDir: other}, "BOOKING_DATA_DIR", "BOOKING_DATA_DIR"},
	} {
		_, err := Unlock(t.Context(), db, c.o)
		if !errors.Is(err, ErrWrongKey) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		text := problem.TextOf(err)
		if !strings.Contains(text.RU, c.ru) || !strings.Contains(text.EN, c.en) {
			t.Errorf("%s: %+v", name, text)
		}
		if key := c.o.Key.Reveal(); key != "" && strings.Contains(err.Error()+text.RU+text.EN, key) {
			t.Errorf("%s: the key is shown", name)
		}
	}
	if _, err := os.Stat(filepath.Join(empty, keyFile)); err == nil {
		t.Error("a key that cannot fit was generated")
	}
	unlock(t, db, Options{DataDir: dir}) // the right one still fits
}

func TestTheGivenKeyIsUsedAndNothingIsWritten(t *testing.T) {
	t.Parallel()
	db, _ := migrated(t)
	dir := filepath.Join(t.TempDir(), "var")
	key := givenKey(t)
	unlock(t, db, Options{DataDir: dir, Key: key})
	unlock(t, db, Options{Key: key})
	if _, err := os.Stat(dir); err == nil {
		t.Error("the data directory was made for a key that nobody keeps there")
	}
}

func TestALostCheckValueDoesNotLetAWrongKeyIn(t *testing.T) {
	t.Parallel()
	db, _ := migrated(t)
	dir := t.TempDir()
	keep(t.Context(), t, db, unlock(t, db, Options{DataDir: dir}), Place{1, "acme", "webhook"}, "hidden")
	if _, err := db.NewRaw("DELETE FROM booking_keys").Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := Unlock(t.Context(), db, Options{Key: givenKey(t)}); !errors.Is(err, ErrWrongKey) {
		t.Errorf("error %v", err)
	}
	unlock(t, db, Options{DataDir: dir})
}

func TestHostsThatStartAtOnceAgree(t *testing.T) {
	t.Parallel()
	for range 5 {
		db, dsn := migrated(t)
		dir := t.TempDir()
		boxes := make([]*Box, 6)
		var wait sync.WaitGroup
		for i := range boxes {
			own := openDB(t, dsn)
			wait.Go(func() {
				var err error
				if boxes[i], err = Unlock(t.Context(), own, Options{DataDir: dir}); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		keep(t.Context(), t, db, boxes[0], Place{1, "acme", "webhook"}, "hidden")
		for _, box := range boxes {
			if got := kept(t, db, box); len(got) != 1 {
				t.Errorf("%v", got)
			}
		}
	}
}

func TestOfHostsWithTwoKeysOneWins(t *testing.T) {
	t.Parallel()
	_, dsn := migrated(t)
	results := make([]error, 6)
	var wait sync.WaitGroup
	for i := range results {
		own, key := openDB(t, dsn), givenKey(t)
		wait.Go(func() { _, results[i] = Unlock(t.Context(), own, Options{Key: key}) })
	}
	wait.Wait()
	won := 0
	for _, err := range results {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, ErrWrongKey):
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d keys fit the database", won, len(results))
	}
}

func TestAKeyFileThatCannotBeUsedIsAClearError(t *testing.T) {
	t.Parallel()
	db, _ := migrated(t)
	for name, c := range map[string]struct {
		content string
		mode    os.FileMode
		en      string
	}{
		"open to others": {givenKey(t).Reveal(), 0o644, "chmod 600"},
		"cut":            {"abc", 0o600, "cannot be read"},
		"empty":          {"", 0o600, "cannot be read"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, keyFile), []byte(c.content), c.mode); err != nil {
			t.Fatal(err)
		}
		_, err := Unlock(t.Context(), db, Options{DataDir: dir})
		if err == nil || !strings.Contains(problem.TextOf(err).EN, c.en) || !strings.Contains(problem.TextOf(err).RU, dir) {
			t.Errorf("%s: %v", name, err)
		}
		if c.content != "" && strings.Contains(err.Error(), c.content) {
			t.Errorf("%s: the content is shown: %v", name, err)
		}
	}
	file := filepath.Join(t.TempDir(), "a file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Unlock(t.Context(), db, Options{DataDir: file})
	if text := problem.TextOf(err); !strings.Contains(text.EN, "BOOKING_DATA_DIR") || strings.Contains(text.EN, "\n") {
		t.Errorf("a file in the directory's place: %v", err)
	}
}
