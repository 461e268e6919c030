package secrets

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"booking/shared/secret"
	"booking/shared/usersync"
)

// rotateChild makes the test binary a host that rotates until it is killed; it
// holds the file of the DSN and the data directory.
const rotateChild = "BOOKING_TEST_ROTATE"

const secretCount = 40

// rotateForEver rotates the key of the database again and again, and says when.
func rotateForEver() int {
	dsnFile, dir, _ := strings.Cut(os.Getenv(rotateChild), "|")
	dsn, err := os.ReadFile(dsnFile)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	db, err := usersync.OpenDB(secret.New(string(dsn)))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("ready")
	for {
		if _, err := Rotate(context.Background(), db, Options{DataDir: dir}, secret.Text{}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
}

func TestARotationSealsEverythingWithANewKey(t *testing.T) {
	t.Parallel()
	db, _ := migrated(t)
	file, given, next := t.TempDir(), givenKey(t), givenKey(t)
	for name, c := range map[string]struct {
		before, after Options
		next          secret.Text
	}{
		"generated key":          {Options{DataDir: file}, Options{DataDir: file}, secret.Text{}},
		"key given for a file":   {Options{DataDir: file}, Options{DataDir: file}, next},
		"key of the environment": {Options{Key: given}, Options{Key: next}, next},
	} {
		for _, table := range []string{"booking_keys", "crm_secrets"} {
			if _, err := db.NewRaw("DELETE FROM " + table).Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		old := unlock(t, db, c.before)
		keep(t.Context(), t, db, old, Place{1, "acme", "webhook"}, "one")
		keep(t.Context(), t, db, old, Place{2, "acme", "webhook"}, "two")
		n, err := Rotate(t.Context(), db, c.before, c.next)
		if n != 2 || err != nil {
			t.Fatalf("%s: %d secrets, error %v", name, n, err)
		}
		if got := strings.Join(kept(t, db, unlock(t, db, c.after)), " "); got != "one two" {
			t.Errorf("%s: %s", name, got)
		}
		var row sealedRow
		if err := db.NewSelect().Model(&row).Limit(1).Scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := old.Open(row.place(), row.Sealed); err == nil {
			t.Errorf("%s: the former key still opens", name)
		}
	}
}

func TestARotationOfAGivenKeyNeedsTheNewOne(t *testing.T) {
	t.Parallel()
	db, _ := migrated(t)
	key := givenKey(t)
	unlock(t, db, Options{Key: key})
	if _, err := Rotate(t.Context(), db, Options{Key: key}, secret.Text{}); !errors.Is(err, ErrNextKey) {
		t.Errorf("error %v", err)
	}
	if _, err := Rotate(t.Context(), db, Options{Key: key}, secret.New("short")); !errors.Is(err, ErrKeyShape) {
		t.Errorf("error %v", err)
	}
	if _, err := Rotate(t.Context(), db, Options{Key: givenKey(t)}, givenKey(t)); !errors.Is(err, ErrWrongKey) {
		t.Errorf("error %v", err)
	}
	unlock(t, db, Options{Key: key})
}

func TestARotationThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	db, _ := migrated(t)
	dir := t.TempDir()
	box := unlock(t, db, Options{DataDir: dir})
	keep(t.Context(), t, db, box, Place{1, "acme", "webhook"}, "one")
	keep(t.Context(), t, db, newBox(t), Place{2, "acme", "webhook"}, "sealed by nobody we know")
	if _, err := Rotate(t.Context(), db, Options{DataDir: dir}, secret.Text{}); !errors.Is(err, ErrDoesNotOpen) {
		t.Fatalf("error %v", err)
	}
	if _, err := db.NewRaw("DELETE FROM crm_secrets WHERE tenant_id = 2").Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(kept(t, db, unlock(t, db, Options{DataDir: dir})), " "); got != "one" {
		t.Errorf("%s", got)
	}
}

func TestARotationMayBeKilledAtAnyTime(t *testing.T) {
	t.Parallel()
	db, dsn := migrated(t)
	dir := t.TempDir()
	box := unlock(t, db, Options{DataDir: dir})
	for i := range secretCount {
		keep(t.Context(), t, db, box, Place{int64(i + 1), "acme", "webhook"}, fmt.Sprint(i))
	}
	dsnFile := filepath.Join(t.TempDir(), "dsn")
	if err := os.WriteFile(dsnFile, []byte(dsn), 0o600); err != nil {
		t.Fatal(err)
	}
	beside := 0
	for range 25 {
		killWhileRotating(t, dsnFile, dir)
		if _, err := os.Stat(filepath.Join(dir, nextFile)); err == nil {
			beside++
		}
		if got := kept(t, db, unlock(t, db, Options{DataDir: dir})); len(got) != secretCount {
			t.Fatalf("%d secrets", len(got))
		}
	}
	t.Logf("a new key lay beside the old one after %d of 25 kills", beside)
	if beside == 0 {
		t.Error("no kill fell into a rotation: the test shows nothing")
	}
}

func killWhileRotating(t *testing.T, dsnFile, dir string) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), rotateChild+"="+dsnFile+"|"+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("the child said %q, error %v", line, err)
	}
	// A random moment of its work: this is the fault, not a synchronisation.
	time.Sleep(time.Duration(rand.IntN(60_000)) * time.Microsecond)
	_ = child.Process.Kill()
	_ = child.Wait()
}
