package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"booking/host/internal/hosttest"
)

// past makes a run that ended so many days ago, with all a run can have, and its number.
func (b bundle) past(t *testing.T, tenant int64, days int, mode, status string) int64 {
	t.Helper()
	b.exec(t, `INSERT INTO crm_runs (tenant_id, plugin, mode, started_by, status, requested_at, started_at, finished_at)
		SELECT ?, 'acme', ?, 'schedule', ?, d.at, d.at, IF(? IN ('queued', 'reserved'), NULL, d.at) FROM (SELECT UTC_TIMESTAMP(6) - INTERVAL ? DAY AS at) AS d`,
		tenant, mode, status, status, days)
	run := int64(b.number(t, "SELECT MAX(id) FROM crm_runs"))
	b.exec(t, "INSERT INTO crm_changes (run_id, tenant_id, external_id, action, created_at) VALUES (?, ?, '7', 'updated', '2026-01-01'), (?, ?, '8', 'conflict', '2026-01-01')", run, tenant, run, tenant)
	b.exec(t, "INSERT INTO crm_run_progress (run_id, stage) VALUES (?, 'writing')", run)
	b.exec(t, "INSERT INTO crm_run_attempts (run_id, attempt, host, reason) VALUES (?, 1, 'a', 'lost'), (?, 2, 'b', 'lost')", run, run)
	if mode == "apply" && status != "queued" && status != "reserved" {
		if err := noteHealthOf(b, run); err != nil {
			t.Fatal(err)
		}
	}
	return run
}

func noteHealthOf(b bundle, run int64) error {
	return b.DB().RunInTx(b.ctx, nil, func(ctx context.Context, tx bunTx) error { return noteHealth(ctx, tx, run) })
}

// slots makes one a day, for so many days until now.
func (b bundle) slots(t *testing.T, tenant int64, days int) {
	t.Helper()
	rows := make([]string, days)
	for i := range rows {
		rows[i] = fmt.Sprintf("(%d, 'sync-users', UTC_TIMESTAMP(6) - INTERVAL %d HOUR, 'started', NULL, UTC_TIMESTAMP(6))", tenant, 24*i+1)
	}
	b.exec(t, "INSERT INTO crm_slots (tenant_id, task, slot_at, status, run_id, created_at) VALUES "+strings.Join(rows, ", "))
}

// turn takes the turn, whenever it is due.
func (b bundle) historyTurn(t *testing.T, days int) *HistoryTurn {
	t.Helper()
	for range 3 { // the first one makes the row
		turn, err := b.ClaimHistory(b.ctx, days, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if turn != nil {
			return turn
		}
		b.exec(t, "UPDATE crm_history SET due_at = UTC_TIMESTAMP(6)")
	}
	t.Fatal("nobody gets the turn")
	return nil
}

// removeAll goes through a whole round.
func (b bundle) removeAll(t *testing.T, days int) (turns int) {
	t.Helper()
	for turns = 1; ; turns++ {
		turn := b.historyTurn(t, days)
		over, err := turn.Work(b.ctx, 30)
		if err != nil {
			t.Fatal(err)
		}
		if turn.statements > 30 {
			t.Errorf("a turn sent %d statements", turn.statements)
		}
		if over {
			if err := turn.Rest(b.ctx, time.Hour); err != nil {
				t.Fatal(err)
			}
			return turns
		}
	}
}

func (b bundle) runsLeft(t *testing.T) []int64 {
	t.Helper()
	var ids []int64
	if err := b.DB().NewRaw("SELECT id FROM crm_runs ORDER BY id").Scan(b.ctx, &ids); err != nil {
		t.Fatal(err)
	}
	return ids
}

// strays counts what is left of runs that are gone.
func (b bundle) strays(t *testing.T) string {
	t.Helper()
	var counts []string
	for _, table := range []string{"crm_changes", "crm_run_progress", "crm_run_attempts"} {
		counts = append(counts, fmt.Sprint(b.number(t, "SELECT COUNT(*) FROM "+table+" WHERE run_id NOT IN (SELECT id FROM crm_runs)")))
	}
	return strings.Join(counts, " ")
}

func TestOldHistoryIsRemovedButWhatIsStillSaid(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var kept []int64
	keep := func(run int64) { kept = append(kept, run) }
	b.past(t, 1, 900, "apply", "succeeded")
	b.past(t, 1, 800, "preview", "succeeded")
	b.past(t, 1, 700, "apply", "failed")
	b.past(t, 1, 600, "apply", "cancelled")
	keep(b.past(t, 1, 399, "apply", "succeeded"))
	keep(b.past(t, 1, 1, "apply", "succeeded"))
	// A tenant that nothing has become of since.
	b.past(t, 2, 900, "apply", "succeeded")
	keep(b.past(t, 2, 800, "apply", "partial")) // its last success
	b.past(t, 2, 750, "apply", "failed")
	keep(b.past(t, 2, 700, "apply", "failed")) // its last sync
	b.past(t, 2, 690, "person", "succeeded")
	keep(b.past(t, 2, 600, "preview", "succeeded")) // its newest run: it may still be applied
	// What has not ended is no history; what was reserved is nobody's newest run.
	keep(b.past(t, 3, 800, "apply", "queued"))
	keep(b.past(t, 3, 790, "preview", "failed"))
	keep(b.past(t, 3, 780, "apply", "reserved"))
	b.slots(t, 1, 450)
	b.removeAll(t, 400)
	slices.Sort(kept)
	if diff := cmp.Diff(kept, b.runsLeft(t)); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	if left := b.strays(t); left != "0 0 0" {
		t.Errorf("left of runs that are gone: %s", left)
	}
	for query, want := range map[string]int{
		"SELECT COUNT(*) FROM crm_changes": 2 * len(kept), "SELECT COUNT(*) FROM crm_run_progress": len(kept), "SELECT COUNT(*) FROM crm_run_attempts": 2 * len(kept),
		"SELECT COUNT(*) FROM crm_slots": 400,
	} {
		if got := b.number(t, query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
	if newest, err := b.NewestSync(b.ctx, 2); err != nil || newest.ID != kept[2] {
		t.Errorf("the last success: %d, error %v", newest.ID, err)
	}
	// Something newer takes its place: the next round begins with the first run again.
	b.past(t, 2, 0, "apply", "succeeded")
	b.removeAll(t, 400)
	if left := b.runsLeft(t); slices.Contains(left, kept[2]) || slices.Contains(left, kept[3]) || slices.Contains(left, kept[4]) {
		t.Errorf("left after something newer: %v", left)
	}
}

func TestARunThatWasRemovedIsNotCalledUnknown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	gone := b.past(t, 1, 500, "apply", "succeeded")
	b.past(t, 1, 450, "apply", "succeeded")
	b.past(t, 1, 1, "apply", "succeeded")
	if h, err := b.History(b.ctx); err != nil || h != (History{}) {
		t.Errorf("before: %+v, error %v", h, err)
	}
	b.removeAll(t, 400)
	_, err := b.Run(b.ctx, gone)
	if !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	wantText(t, err, "подробности запусков хранятся 400 дн. и потом удаляются", "the details of runs are removed after 400 days")
	if _, err = b.Run(b.ctx, 4711); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	wantText(t, err, "Запуска 4711 нет", "There is no run 4711")
	if h, err := b.History(b.ctx); err != nil || h.Days != 400 || h.Reached < gone {
		t.Errorf("after: %+v, error %v", h, err)
	}
}

// A process that dies between two statements, whichever they are, leaves nothing that is
// shown in part, and nothing that the next turn does not remove.
func TestATurnThatEndsAnywhereIsFinishedByTheNext(t *testing.T) {
	t.Parallel()
	for after := 1; ; after++ {
		b := setup(t)
		for days := range 8 {
			b.past(t, 1, 500-days, "apply", "succeeded")
		}
		last := b.past(t, 1, 1, "apply", "succeeded")
		turn := b.historyTurn(t, 400)
		ctx, cancel := context.WithCancel(b.ctx)
		hook := &dies{after: after, die: cancel}
		turn.s = New(b.DB().WithQueryHook(hook))
		_, err := turn.Work(ctx, 30)
		cancel()
		if n := b.number(t, "SELECT COUNT(*) FROM crm_runs AS r WHERE (SELECT COUNT(*) FROM crm_changes AS c WHERE c.run_id = r.id) <> 2"); n != 0 {
			t.Errorf("after %d statements %d runs have a part of their changes", after, n)
		}
		b.removeAll(t, 400)
		if left := b.runsLeft(t); len(left) != 1 || left[0] != last || b.strays(t) != "0 0 0" {
			t.Errorf("after %d statements: runs %v, strays %s", after, left, b.strays(t))
		}
		if err == nil {
			if after < 8 {
				t.Errorf("a turn has %d statements: this test is about more", after)
			}
			return
		}
	}
}

// dies ends a context when so many statements were sent.
type dies struct {
	hosttest.Statements
	after int
	die   func()
}

func (d *dies) AfterQuery(ctx context.Context, e *bunEvent) {
	if d.after--; d.after == 0 {
		d.die()
	}
}

func TestOneHostAtATimeRemovesHistory(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.historyTurn(t, 400)
	if turn, err := b.ClaimHistory(b.ctx, 400, time.Minute); err != nil || turn != nil {
		t.Errorf("a second host got the turn (error %v)", err)
	}
	b.exec(t, "UPDATE crm_history SET due_at = UTC_TIMESTAMP(6)")
	turns := make(chan bool, 8)
	for range cap(turns) {
		go func() {
			turn, err := b.ClaimHistory(b.ctx, 400, time.Minute)
			if err != nil {
				t.Error(err)
			}
			turns <- turn != nil
		}()
	}
	winners := 0
	for range cap(turns) {
		if <-turns {
			winners++
		}
	}
	if winners != 1 {
		t.Errorf("%d hosts got the turn", winners)
	}
}

// What a turn reads must not depend on how much there is, old or new.
func TestATurnReadsNoMoreThanItRemoves(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const history, changes = 20_000, 4
	var runs, done []string
	for i := range history {
		days := 800 - i*800/history
		runs = append(runs, fmt.Sprintf("(%d, %d, 'acme', 'apply', 'schedule', 'succeeded', UTC_TIMESTAMP(6) - INTERVAL %d HOUR, UTC_TIMESTAMP(6) - INTERVAL %d HOUR)", i+1, 1+i%100, 24*days-1, 24*days-1))
		for range changes {
			done = append(done, fmt.Sprintf("(%d, %d, '7', 'updated', '2026-01-01')", i+1, 1+i%100))
		}
	}
	b.exec(t, "INSERT INTO crm_runs (id, tenant_id, plugin, mode, started_by, status, requested_at, finished_at) VALUES "+strings.Join(runs, ", "))
	b.exec(t, "INSERT INTO crm_changes (run_id, tenant_id, external_id, action, created_at) VALUES "+strings.Join(done, ", "))
	b.exec(t, "INSERT INTO crm_tenant_health (tenant_id, run_id, status, finished_at, success_at) SELECT tenant_id, MAX(id), 'succeeded', MAX(finished_at), MAX(finished_at) FROM crm_runs GROUP BY tenant_id")
	for tenant := range int64(2) {
		b.slots(t, tenant+1, 800)
	}
	b.exec(t, "ANALYZE TABLE crm_runs, crm_changes, crm_slots")
	turn := b.historyTurn(t, 400)
	b.DB().SetMaxOpenConns(1) // the counters are a session's own
	was := b.rowsRead(t)
	if over, err := turn.Work(b.ctx, 30); err != nil || over {
		t.Fatalf("over %v, error %v", over, err)
	}
	removed := turn.Removed.Runs + turn.Removed.Changes + turn.Removed.Slots
	if read := b.rowsRead(t) - was; turn.Removed.Runs < historyBatch || turn.Removed.Changes < 3*historyBatch || read > 5*removed {
		t.Errorf("%d rows were read to remove %+v", read, turn.Removed)
	}
	b.exec(t, "UPDATE crm_history SET due_at = UTC_TIMESTAMP(6)")
	turns := b.removeAll(t, 400)
	if runs, strays := len(b.runsLeft(t)), b.strays(t); runs != history/2 || strays != "0 0 0" {
		t.Errorf("%d runs are left, strays %s", runs, strays)
	}
	t.Logf("%d turns; the first removed %+v", turns+1, turn.Removed)
	// With nothing left to remove it costs next to nothing, whatever there is.
	was = b.rowsRead(t)
	b.removeAll(t, 400)
	if read := b.rowsRead(t) - was; read > 12*historyBatch {
		t.Errorf("%d rows were read to remove nothing", read)
	}
}
