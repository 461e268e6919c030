package schedule

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"booking/host/internal/hosttest"
	"booking/host/internal/runs"
	"booking/host/internal/store"
	"booking/shared/testdb"
)

// evening is 23 November 2026, 18:00 in Moscow.
var evening = time.Date(2026, time.November, 23, 15, 0, 0, 0, time.UTC)

// lab is a database with schedulers on it, whose time is what the test says.
type lab struct {
	t     *testing.T
	dsn   string
	store *store.Store
	mu    sync.Mutex
	now   time.Time
	// sent counts the statements.
	sent *hosttest.Statements
}

func newLab(t *testing.T, now time.Time) *lab {
	t.Helper()
	dsn := testdb.New(t)
	plain := hosttest.Database(t, dsn)
	sent := &hosttest.Statements{}
	return &lab{t: t, dsn: dsn, now: now, store: store.New(plain.WithQueryHook(sent)), sent: sent}
}

func (l *lab) exec(query string, args ...any) {
	l.t.Helper()
	if _, err := l.store.DB().NewRaw(query, args...).Exec(l.t.Context()); err != nil {
		l.t.Fatalf("%s: %v", query, err)
	}
}

// connect makes tenants with an enabled connection.
func (l *lab) connect(tenants int) {
	l.t.Helper()
	for first := 1; first <= tenants; first += 1000 {
		var names, connections []string
		for id := first; id < first+1000 && id <= tenants; id++ {
			names = append(names, fmt.Sprintf("(%d, 'tenant %d')", id, id))
			connections = append(connections, fmt.Sprintf("(%d, 'acme', 1, 'portal.example', '{}', NOW(), NOW())", id))
		}
		l.exec("INSERT INTO tenants (id, name) VALUES " + strings.Join(names, ","))
		l.exec("INSERT INTO crm_connections (tenant_id, plugin, enabled, portal, settings, created_at, updated_at) VALUES " + strings.Join(connections, ","))
	}
}

// scheduler is a host whose clock is off by skew.
func (l *lab) scheduler(skew time.Duration) *Scheduler {
	log := slog.New(slog.DiscardHandler)
	return &Scheduler{
		Store: l.store, Queue: &runs.Service{Store: l.store, Log: log}, Zone: "Europe/Moscow", Window: 10 * time.Minute, Log: log,
		Clock: func() time.Time {
			l.mu.Lock()
			defer l.mu.Unlock()
			return l.now.Add(skew)
		},
	}
}

func (l *lab) advance(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = l.now.Add(d)
}

func (l *lab) tick(s *Scheduler) {
	l.t.Helper()
	if err := s.Tick(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
}

// set gives a tenant a schedule.
func (l *lab) set(s *Scheduler, row store.Schedule) {
	l.t.Helper()
	row.Enabled = true
	if err := s.Plan(l.t.Context(), &row); err != nil {
		l.t.Fatal(err)
	}
	if err := l.store.SaveSchedule(l.t.Context(), row); err != nil {
		l.t.Fatal(err)
	}
}

// finishAll is what workers do: every run that waits is carried out.
func (l *lab) finishAll() {
	l.t.Helper()
	l.exec("UPDATE crm_runs SET status = 'succeeded' WHERE status = 'queued'")
}

// slots are a tenant's, the oldest first, as "time status" in Moscow.
func (l *lab) slots(tenant int64) []string {
	l.t.Helper()
	all, err := l.store.Slots(l.t.Context(), tenant, store.TaskSyncUsers, 10_000)
	if err != nil {
		l.t.Fatal(err)
	}
	zone, err := LoadZone("Europe/Moscow")
	if err != nil {
		l.t.Fatal(err)
	}
	var lines []string
	for i := len(all) - 1; i >= 0; i-- {
		lines = append(lines, all[i].At.In(zone).Format("01-02 15:04 ")+all[i].Status)
	}
	return lines
}

func (l *lab) count(query string) int {
	l.t.Helper()
	var n int
	if err := l.store.DB().NewRaw(query).Scan(l.t.Context(), &n); err != nil {
		l.t.Fatalf("%s: %v", query, err)
	}
	return n
}
