package store

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/uptrace/bun"
)

// historyBatch is how many rows one statement reads or removes, at most. (Of a run's
// attempts there are a few to each run.) From 1,000 on MariaDB makes a list a subquery.
const historyBatch = 900

// HistoryTurn removes what is old, statement by statement: each is autocommitted, names the
// rows by their primary key and may be sent again, so that nobody waits for it, on a
// cluster neither, and a host that dies leaves nothing that the next turn does not find.
//
// Runs go in the order of their numbers, from passed on. A run's row goes before what it
// did to people: without the row no page and no command finds the rest, so nothing is ever
// shown in part. What is left of it is known by that, too: changes without a run.
type HistoryTurn struct {
	s      *Store
	days   int
	passed int64
	// statements is how many this turn has sent.
	statements int
	// slots and runs: there are no more of them in this round.
	slots, runs bool
	Removed     HistoryRemoved
}

// HistoryRemoved counts rows.
type HistoryRemoved struct{ Runs, Changes, Slots int }

// Work goes on until nothing old is left, and says so (over), or until about so many
// statements were sent: a few less or none more.
func (t *HistoryTurn) Work(ctx context.Context, statements int) (over bool, err error) {
	const slotStep, runStep = 2, 8
	for !t.slots || !t.runs {
		left := statements - t.statements
		switch {
		case !t.slots && left >= slotStep:
			err = t.stepSlots(ctx)
		case !t.runs && left >= runStep:
			err = t.stepRuns(ctx, statements)
		default:
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// Rest ends a round: the next one begins after so long, with the first run. (Some runs are
// kept longer than others, until something newer takes their place.)
func (t *HistoryTurn) Rest(ctx context.Context, rest time.Duration) error {
	_, err := t.exec(ctx, "end a round of removing", "UPDATE crm_history SET passed = 0, due_at = UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND WHERE id = 1", rest.Microseconds())
	return err
}

func (t *HistoryTurn) exec(ctx context.Context, doing, query string, args ...any) (int64, error) {
	t.statements++
	return t.s.exec(ctx, doing, query, args...)
}

func (t *HistoryTurn) read(ctx context.Context, doing, query string, into any, args ...any) error {
	t.statements++
	return t.s.ask(ctx, doing, func(ctx context.Context) error { return t.s.db.NewRaw(query, args...).Scan(ctx, into) })
}

// remove names the key: to read the whole table would lock the rows of runs that go on.
func (t *HistoryTurn) remove(ctx context.Context, table, key string, values []int64) (int64, error) {
	return t.exec(ctx, "remove old rows of "+table, "DELETE o FROM ? AS o FORCE INDEX (PRIMARY) WHERE o.? IN (?)", bun.Ident(table), bun.Ident(key), bun.List(values))
}

// stepSlots removes slots. They have no number of their own: an index tells the oldest.
func (t *HistoryTurn) stepSlots(ctx context.Context) error {
	var slots []Slot
	err := t.read(ctx, "look for old slots", `SELECT l.tenant_id, l.task, l.slot_at FROM crm_slots AS l FORCE INDEX (crm_slots_slot_at_index)
		WHERE l.slot_at < UTC_TIMESTAMP(6) - INTERVAL ? DAY ORDER BY l.slot_at LIMIT ?`, &slots, t.days, historyBatch)
	if err != nil {
		return err
	}
	t.slots = len(slots) < historyBatch
	if len(slots) == 0 {
		return nil
	}
	keys, args := make([]string, len(slots)), make([]any, 0, 3*len(slots))
	for i, slot := range slots {
		keys[i] = "SELECT ? AS tenant_id, ? AS task, CAST(? AS DATETIME(6)) AS slot_at"
		args = append(args, slot.TenantID, slot.Task, slot.At.UTC())
	}
	n, err := t.exec(ctx, "remove old slots", "DELETE l FROM ("+strings.Join(keys, " UNION ALL ")+`) AS d STRAIGHT_JOIN crm_slots AS l FORCE INDEX (PRIMARY)
		ON l.tenant_id = d.tenant_id AND l.task = d.task AND l.slot_at = d.slot_at`, args...)
	t.Removed.Slots += int(n)
	return err
}

// oldRun is a run that is old enough, and whether it may go.
type oldRun struct {
	ID  int64 `bun:"id"`
	Old bool  `bun:"old"`
	Go  bool  `bun:"may_go"`
}

// stepRuns looks at the next runs. Kept of each tenant, however old, are its newest run,
// its last sync and the last one that succeeded, with all they have: people in conflict
// are listed from it.
func (t *HistoryTurn) stepRuns(ctx context.Context, statements int) error {
	var runs []oldRun
	err := t.read(ctx, "look for old runs", fmt.Sprintf(`SELECT r.id, r.requested_at < UTC_TIMESTAMP(6) - INTERVAL ? DAY AS old,
			COALESCE(r.finished_at < UTC_TIMESTAMP(6) - INTERVAL ? DAY, 0) AND h.run_id IS NULL
				AND NOT (r.mode = 'apply' AND r.status IN ('%s', '%s') AND COALESCE(r.finished_at >= g.success_at, 1))
				AND EXISTS (SELECT 1 FROM crm_runs AS n WHERE n.tenant_id = r.tenant_id AND n.id > r.id AND n.status <> '%s') AS may_go
		FROM (SELECT id, tenant_id, mode, status, requested_at, finished_at FROM crm_runs WHERE id > ? ORDER BY id LIMIT ?) AS r
		LEFT JOIN crm_tenant_health AS g ON g.tenant_id = r.tenant_id LEFT JOIN crm_tenant_health AS h ON h.tenant_id = r.tenant_id AND h.run_id = r.id
		ORDER BY r.id`, StatusSucceeded, StatusPartial, StatusReserved), &runs, t.days, t.days, t.passed, historyBatch)
	if err != nil {
		return err
	}
	gone, until, before := t.sort(runs)
	if err := t.removeRuns(ctx, gone); err != nil {
		return err
	}
	clean, err := t.removeChanges(ctx, before, statements)
	if err != nil || !clean {
		return err
	}
	t.runs = len(runs) < historyBatch || until == t.passed
	if until == t.passed {
		return nil
	}
	_, err = t.exec(ctx, "note what was removed", "UPDATE crm_history SET passed = ?, reached = GREATEST(reached, ?) WHERE id = 1 AND passed = ?", until, until, t.passed)
	t.passed = until
	return err
}

// sort tells which of the runs go, up to which all are old, and before which number there
// is nobody else's: where a host has died, there are changes without any old run around.
func (t *HistoryTurn) sort(runs []oldRun) (gone []int64, until, before int64) {
	until, before = t.passed, math.MaxInt64
	for _, run := range runs {
		switch {
		case run.Old:
			until, before = run.ID, math.MaxInt64
			if run.Go {
				gone = append(gone, run.ID)
			}
		case before == math.MaxInt64:
			before = run.ID
		}
	}
	if before == math.MaxInt64 && len(runs) == historyBatch {
		before = until + 1
	}
	return gone, until, before
}

func (t *HistoryTurn) removeRuns(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	// What only the run's own page shows goes first: by the run's number it is found once.
	for _, table := range []string{"crm_run_progress", "crm_run_attempts"} {
		if _, err := t.remove(ctx, table, "run_id", ids); err != nil {
			return err
		}
	}
	n, err := t.remove(ctx, "crm_runs", "id", ids)
	t.Removed.Runs += int(n)
	return err
}

// removeChanges removes what runs between passed and before did, of those that are not
// there any more; clean says that nothing is left.
func (t *HistoryTurn) removeChanges(ctx context.Context, before int64, statements int) (clean bool, err error) {
	for t.statements+3 <= statements { // these two, and the note of the step
		var ids []int64
		err := t.read(ctx, "look for changes of old runs", `SELECT c.id FROM crm_changes AS c FORCE INDEX (crm_changes_run_id_id_index) LEFT JOIN crm_runs AS r ON r.id = c.run_id
			WHERE c.run_id > ? AND c.run_id < ? AND r.id IS NULL ORDER BY c.run_id, c.id LIMIT ?`, &ids, t.passed, before, historyBatch)
		if err != nil || len(ids) == 0 {
			return err == nil, err
		}
		n, err := t.remove(ctx, "crm_changes", "id", ids)
		t.Removed.Changes += int(n)
		if err != nil || len(ids) < historyBatch {
			return err == nil, err
		}
	}
	return false, nil
}
