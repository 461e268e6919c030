package migrations_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"

	"booking/migrations"
)

// childEnv makes the test binary a migrating process; its value is the number of the
// statement before which it kills itself (0: none, and then it says how many it made).
// The DSN comes on standard input.
const childEnv = "MIGRATIONS_TEST_CHILD"

// shortLease is what a busy test machine just manages to extend in time.
const shortLease = time.Second

// shortly is the set with a lease that those who come after a kill do not wait long for.
func shortly(set migrations.Set) migrations.Set {
	return set.Impatient(shortLease, 100*time.Millisecond, time.Minute)
}

func child() int {
	last, _ := strconv.ParseInt(os.Getenv(childEnv), 10, 64)
	dsn, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	pool, err := sql.Open("mysql", strings.TrimSpace(dsn))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	statements := &killer{last: last}
	db := bun.NewDB(pool, mysqldialect.New()).WithQueryHook(statements)
	for _, set := range all {
		if _, err := shortly(set).Up(context.Background(), db); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	fmt.Fprint(os.Stderr, statements.seen.Load())
	return 0
}

// killer kills the process, as kill -9 does, before its statement number last. The
// heartbeat comes when it comes and is not counted.
type killer struct {
	last int64
	seen atomic.Int64
}

func (k *killer) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	if strings.Contains(e.Query, "SET lease_until") {
		return ctx
	}
	if k.seen.Add(1) == k.last {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the statement must not go out while the signal is on its way
	}
	return ctx
}

func (k *killer) AfterQuery(context.Context, *bun.QueryEvent) {}

// startChild starts a process that migrates everything.
func startChild(t testing.TB, dsn string, last int) (*exec.Cmd, *strings.Builder) {
	t.Helper()
	cmd, said := exec.Command(os.Args[0]), &strings.Builder{}
	cmd.Env = append(os.Environ(), childEnv+"="+strconv.Itoa(last))
	cmd.Stdin, cmd.Stderr = strings.NewReader(dsn+"\n"), said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd, said
}
