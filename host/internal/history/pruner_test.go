package history

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/uptrace/bun"

	"booking/host/internal/hosttest"
	"booking/host/internal/store"
	"booking/shared/secret"
	"booking/shared/testdb"
	"booking/shared/usersync"
)

func TestMain(m *testing.M) { os.Exit(testdb.Main(m)) }

// lab is a database with so many runs of long ago.
type lab struct {
	t   *testing.T
	dsn string
	db  *bun.DB
}

func newLab(t *testing.T, runs int) *lab {
	t.Helper()
	l := &lab{t: t, dsn: testdb.New(t)}
	l.db = hosttest.Database(t, l.dsn)
	rows := make([]string, runs)
	for i := range rows {
		rows[i] = fmt.Sprintf("(%d, 'acme', 'preview', 'button', 'succeeded', '2020-01-01', '2020-01-01')", 1+i%10)
	}
	l.exec("INSERT INTO crm_runs (tenant_id, plugin, mode, started_by, status, requested_at, finished_at) VALUES " + strings.Join(rows, ", "))
	l.exec("INSERT INTO crm_changes (run_id, tenant_id, external_id, action, created_at) SELECT id, tenant_id, '7', 'updated', requested_at FROM crm_runs")
	return l
}

func (l *lab) exec(query string) {
	l.t.Helper()
	if _, err := l.db.Exec(query); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) runs() (n int) {
	l.t.Helper()
	if err := l.db.NewRaw("SELECT COUNT(*) FROM crm_runs").Scan(context.Background(), &n); err != nil {
		l.t.Fatal(err)
	}
	return n
}

// during runs a pruner through virtual time, in which the turn falls due before each look:
// the database's clock does not leap with ours. pass lets time go by, and returns what was
// sent meanwhile.
func (l *lab) during(days int, busy func() bool, test func(pass func(time.Duration) []string)) {
	synctest.Test(l.t, func(t *testing.T) {
		mine, theirs := l.dialed(t), l.dialed(t)
		sent := &hosttest.Statements{}
		p := &Pruner{Store: store.New(mine.WithQueryHook(sent)), Days: days, Busy: busy, Clock: time.Now, Log: slog.New(slog.DiscardHandler)}
		ctx, cancel := context.WithCancel(t.Context())
		var working sync.WaitGroup
		working.Go(func() { p.Run(ctx) })
		working.Go(func() {
			for due := time.NewTicker(time.Minute); ctx.Err() == nil; {
				select {
				case <-due.C:
					_, _ = theirs.Exec("UPDATE crm_history SET due_at = '2020-01-01' WHERE passed > 0 OR reached = 0")
				case <-ctx.Done():
				}
			}
		})
		time.Sleep(lookPause / 2) // the test never looks in the instant in which the pruner does
		test(func(d time.Duration) []string {
			sent.Take()
			time.Sleep(d)
			return sent.Take()
		})
		cancel()
		working.Wait()
	})
}

func (l *lab) dialed(t *testing.T) *bun.DB {
	t.Helper()
	db, err := usersync.OpenDB(secret.New(l.dsn))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// An idle host sends 3180 statements an hour for its queue and its schedule, of 3600 that
// it may (schedule: TestAnIdleHostCostsAtMostOneStatementASecond).
func TestRemovingHistoryFitsIntoWhatAnIdleHostMaySend(t *testing.T) {
	t.Parallel()
	const runs, tenants = 20_000, 10
	l := newLab(t, runs)
	l.during(400, nil, func(pass func(time.Duration) []string) {
		pass(10 * time.Minute)
		if n := len(pass(30 * time.Minute)); n > 420/2 || n < 420/3 {
			t.Errorf("%d statements in half an hour", n)
		}
		for hours := 0; l.runs() > tenants; hours++ {
			if hours == 4 {
				t.Fatalf("%d runs are left", l.runs())
			}
			pass(time.Hour)
		}
		pass(time.Hour)
		if n := len(pass(time.Hour)); n != int(time.Hour/lookPause) {
			t.Errorf("%d statements in an hour when all is done", n)
		}
	})
}

func TestHistoryWaitsForAQuietMomentButNotForEver(t *testing.T) {
	t.Parallel()
	l := newLab(t, 20_000)
	var busy atomic.Bool
	busy.Store(true)
	l.during(400, busy.Load, func(pass func(time.Duration) []string) {
		if sent := pass(time.Hour); len(sent) != 0 {
			t.Errorf("busy, it sent %d statements", len(sent))
		}
		if sent := pass(30 * time.Minute); len(sent) < 3*statements/2 {
			t.Errorf("busy for long, it sent %d statements", len(sent))
		}
		busy.Store(false)
		pass(lookPause)
		busy.Store(true)
		if sent := pass(30 * time.Minute); len(sent) != 0 {
			t.Errorf("busy again, it sent %d statements", len(sent))
		}
	})
}

func TestHistoryIsKeptForEver(t *testing.T) {
	t.Parallel()
	l := newLab(t, 100)
	l.during(0, nil, func(pass func(time.Duration) []string) {
		if sent := pass(24 * time.Hour); len(sent) != 0 || l.runs() != 100 {
			t.Errorf("%d statements, %d runs", len(sent), l.runs())
		}
	})
	p := &Pruner{Store: store.New(l.db), Clock: time.Now, Log: slog.New(slog.DiscardHandler)}
	if err := p.Tick(t.Context()); err != nil || l.runs() != 100 {
		t.Errorf("%d runs, error %v", l.runs(), err)
	}
}
