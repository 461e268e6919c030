package runs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"booking/host/internal/secrets"
	"booking/host/internal/store"
	"booking/shared/crm"
	"booking/shared/secret"
	"booking/shared/usersync"
)

// The test binary is a host of its own when hostDSN is set: it works on the queue with
// a plugin that writes a row every few milliseconds, and ends when a chunk is refused.
const (
	hostDSN  = "RUNS_TEST_HOST_DSN"
	hostData = "RUNS_TEST_HOST_DATA"
)

const shortLease = 2 * time.Second

var errRefused = errors.New("the chunk was refused: another fence")

// chunk writes one row the way the engine does: the fence first, in one transaction.
func chunk(ctx context.Context, db *bun.DB, r crm.SyncRequest) error {
	return db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		result, err := tx.NewRaw("UPDATE crm_runs SET chunks = chunks + 1 WHERE id = ? AND fence = ? AND status = 'running'", r.RunID, r.Fence).Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n != 1 {
			return errors.Join(errRefused, err)
		}
		_, err = tx.NewRaw("INSERT INTO writes (run, fence) VALUES (?, ?)", r.RunID, r.Fence).Exec(ctx)
		return err
	})
}

// asHost is the other process. Its lease is renewed by its own goroutine, so the
// script ignores the end of its context: only the database may stop it.
func asHost() int {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	db, err := usersync.OpenDB(secret.New(os.Getenv(hostDSN)))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	box, err := secrets.Unlock(ctx, db, secrets.Options{DataDir: os.Getenv(hostData)})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	poison := os.Getenv(hostPoison)
	plugin := &scripted{run: func(_ context.Context, r crm.SyncRequest, _ crm.Events) (crm.SyncResult, error) {
		switch poison {
		case "":
		case strconv.FormatInt(r.Tenant.ID, 10):
			os.Exit(137)
		default:
			time.Sleep(200 * time.Millisecond) // its work, in the middle of which its host may die
			return crm.SyncResult{}, nil
		}
		for ctx.Err() == nil {
			if err := chunk(ctx, db, r); errors.Is(err, errRefused) {
				stop()
				return crm.SyncResult{}, err
			}
			time.Sleep(5 * time.Millisecond) // the pace of its writing
		}
		return crm.SyncResult{}, ctx.Err()
	}}
	host := &Service{Store: store.New(db), Box: box, Plugins: plugin, Log: slog.New(slog.DiscardHandler), Lease: shortLease, Host: "sleeper", Locale: "en"}
	host.Work(ctx)
	return 0
}

// startHost starts the other process and waits until it writes.
func (f *fixture) startHost() *exec.Cmd {
	f.t.Helper()
	if _, err := f.Store.DB().Exec("CREATE TABLE writes (id BIGINT AUTO_INCREMENT PRIMARY KEY, run BIGINT NOT NULL, fence BIGINT NOT NULL)"); err != nil {
		f.t.Fatal(err)
	}
	host := exec.Command(os.Args[0])
	host.Env = append(os.Environ(), hostDSN+"="+f.dsn, hostData+"="+f.data)
	host.Stderr = os.Stderr
	if err := host.Start(); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = host.Process.Kill() })
	f.wait("the other host writes", func() bool { return f.number("SELECT COUNT(*) FROM writes") > 0 })
	return host
}

// putToSleep stops a host between two chunks. (In the middle of one its transaction
// holds the run's row until it wakes up: then nobody can write, and nobody take over.)
func (f *fixture) putToSleep(host *os.Process, run int64) {
	f.t.Helper()
	free := func() bool {
		var ids []int64
		err := f.Store.DB().RunInTx(f.t.Context(), nil, func(ctx context.Context, tx bun.Tx) error {
			return tx.NewRaw("SELECT id FROM crm_runs WHERE id = ? FOR UPDATE SKIP LOCKED", run).Scan(ctx, &ids)
		})
		if err != nil {
			f.t.Fatal(err)
		}
		return len(ids) == 1
	}
	f.wait("the host sleeps between two chunks", func() bool {
		if err := host.Signal(syscall.SIGSTOP); err != nil {
			f.t.Fatal(err)
		}
		f.wait("the host has stopped", func() bool {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", host.Pid))
			return err == nil && bytes.Contains(stat, []byte(") T "))
		})
		// A statement that was sent before the stop may still be worked on, or not be read
		// yet by a server that has much to do.
		calm, before := 0, f.number("SELECT COUNT(*) FROM writes")
		for calm < 20 && free() && before == f.number("SELECT COUNT(*) FROM writes") {
			calm++
		}
		if calm == 20 {
			return true
		}
		if err := host.Signal(syscall.SIGCONT); err != nil {
			f.t.Fatal(err)
		}
		return false
	})
}

func (f *fixture) wait(what string, done func() bool) {
	f.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			f.t.Fatalf("not within 30 s: %s", what)
		}
	}
}

func (f *fixture) number(query string) int {
	f.t.Helper()
	var n int
	if err := f.Store.DB().NewRaw(query).Scan(f.t.Context(), &n); err != nil {
		f.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// writer is the script of the second host: a few chunks and an end.
func (f *fixture) writer() func(context.Context, crm.SyncRequest, crm.Events) (crm.SyncResult, error) {
	return func(ctx context.Context, r crm.SyncRequest, _ crm.Events) (crm.SyncResult, error) {
		for range 5 {
			if err := chunk(ctx, f.Store.DB(), r); err != nil {
				return crm.SyncResult{}, err
			}
		}
		return crm.SyncResult{}, nil
	}
}

func TestAHostThatWasOnlyAsleepCannotWriteAnyMore(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.plugin.run, f.Lease = f.writer(), shortLease
	run := f.queue(f.tenant("x"), "schedule")
	sleeper := f.startHost()
	f.putToSleep(sleeper.Process, run.ID)
	f.work(1)
	end := f.until(run.ID, store.StatusSucceeded)
	if end.Attempt != 2 || end.Host != "test" {
		t.Errorf("the end: attempt %d on %s", end.Attempt, end.Host)
	}
	written := f.number("SELECT COUNT(*) FROM writes")
	if err := sleeper.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := sleeper.Wait(); err != nil { // it ends when its chunk is refused
		t.Errorf("the host that was asleep: %v", err)
	}
	if now := f.number("SELECT COUNT(*) FROM writes"); now != written {
		t.Errorf("it wrote %d rows after it woke up", now-written)
	}
	if n := f.number("SELECT COUNT(DISTINCT fence) FROM writes WHERE run = " + strconv.FormatInt(run.ID, 10)); n != 2 {
		t.Errorf("%d writers, want two", n)
	}
	if mixed := f.number("SELECT COUNT(*) FROM writes AS a JOIN writes AS b ON b.id > a.id AND b.fence < a.fence"); mixed != 0 {
		t.Error("the two wrote at the same time")
	}
	if last := f.until(run.ID, store.StatusSucceeded); last.Attempt != 2 || !last.FinishedAt.Equal(end.FinishedAt) {
		t.Errorf("the row after it woke up: %+v", last)
	}
}

func TestAKilledHostsRunIsContinued(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.plugin.run, f.Lease = f.writer(), shortLease
	run := f.queue(f.tenant("x"), "schedule")
	if err := f.startHost().Process.Kill(); err != nil {
		t.Fatal(err)
	}
	f.work(1)
	if end := f.until(run.ID, store.StatusSucceeded); end.Attempt != 2 {
		t.Errorf("attempt %d", end.Attempt)
	}
	if n := f.number("SELECT COUNT(*) FROM crm_runs"); n != 1 {
		t.Errorf("%d runs", n)
	}
}
