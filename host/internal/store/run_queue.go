package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"booking/shared/crm"
)

// The queue is the rows of crm_runs that wait, in the order of queue_at. What a row says
// of its place in the queue is true only together with its status, because the former
// release, which may work on the same database, knows nothing of these columns:
//
//   - queue_key: its claim or cancellation leaves the key in a row that waits no more.
//     Whoever meets such a key takes it away ([Store.makeRoom]). Its own rows have none,
//     so that with it a second run of a kind may wait; they run one after the other.
//   - active_portal: a run that it takes over keeps its place, one that it ends for
//     somebody else may leave it behind; see [Store.ClaimRun]. Its own runs take no
//     place, but they are counted ([Store.ActiveRuns]).
//   - queue_at: its rows have the column's default and come first.
//   - person_id, plan_id: what asks for them waits under a status that it does not look
//     for ([statusWaiting]).

// How much later than somebody's press a run takes its turn. All of it together is less
// than horizon. A run's turn comes by the clock, so everybody's does in the end.
const (
	scheduleWaits = 10 * time.Minute
	// For each run of the same tenant that waits already, so that no tenant with many
	// requests holds up the others; mostShare in all.
	shareWaits = 30 * time.Second
	mostShare  = 10 * time.Minute
	// For each time but the first that it lost its host: it may be the one that brings
	// hosts down.
	lostWaits = 8 * time.Minute
	// horizon is how far ahead the queue is looked into. A retry that is due later lies
	// beyond it, and costs nobody anything until then.
	horizon = time.Hour
)

// laterThanAPress is how much later the run takes its turn when ahead runs of its tenant wait.
func (r Run) laterThanAPress(ahead int) time.Duration {
	later := min(time.Duration(ahead)*shareWaits, mostShare)
	if r.Trigger == triggerSchedule {
		later += scheduleWaits
	}
	return later + r.Delay
}

const (
	triggerSchedule = "schedule"
	// TriggerEvent is the trigger of a run that the portal asked for, by telling of somebody.
	TriggerEvent = "event"
)

// urgency orders those who ask for a run: who asks for one that waits already makes it
// begin sooner where somebody less urgent has queued it.
func urgency(trigger string) int {
	switch trigger {
	case triggerSchedule:
		return 0
	case TriggerEvent:
		return 1
	}
	return 2
}

// EnqueueRun puts a run into the queue, or joins the one that waits there already for the
// same tenant, mode, person and preview: joined says so, and run becomes that one. The
// key decides, so two presses in the same instant queue one run. A retry that waits for
// its time gives way to a person.
func (s *Store) EnqueueRun(ctx context.Context, run *Run) (joined bool, err error) {
	const tries = 10 // each is one overtaken step of somebody else
	for range tries {
		err = s.insertRun(ctx, run, run.queuedStatus())
		if err == nil {
			*run, err = s.Run(ctx, run.ID)
			return false, err
		}
		if number(err) != duplicateKey {
			return false, err
		}
		settled, err := s.meetHolder(ctx, run, &joined)
		if settled || err != nil {
			return joined, err
		}
	}
	return false, databaseError("queue a run", errors.New("the run that waits changes all the time"))
}

// insertRun stores a run that has not begun.
func (s *Store) insertRun(ctx context.Context, run *Run, status Status) error {
	ahead, err := s.lookAhead(ctx, *run)
	if err != nil {
		return err
	}
	err = s.statement(ctx, "queue a run", undone, func(ctx context.Context) error {
		result, err := s.db.NewRaw(`INSERT INTO crm_runs
			(tenant_id, plugin, portal, mode, person_id, plan_id, plan_hash, started_by, status, queue_key, not_before, queue_at, requested_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND, UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND, UTC_TIMESTAMP(6))`,
			run.TenantID, run.Plugin, run.Portal, string(run.Mode), run.PersonID, nullableID(run.PlanID), run.PlanHash, run.Trigger, string(status),
			run.queueKey(), nullableID(run.Delay.Microseconds()), run.laterThanAPress(ahead).Microseconds()).Exec(ctx)
		if err != nil {
			return err
		}
		run.ID, err = result.LastInsertId()
		return err
	})
	if err == nil {
		run.Status = status
	}
	return err
}

// lookAhead counts the tenant's runs that wait. The retries among them that wait for
// their time are dropped when a person asks for a run that may write: it is now, and
// the person sees what comes of it.
func (s *Store) lookAhead(ctx context.Context, run Run) (ahead int, err error) {
	var seen struct{ Ahead, Postponed int }
	err = s.ask(ctx, "look into the queue", func(ctx context.Context) error {
		return s.db.NewRaw(`SELECT COUNT(*) AS ahead, COALESCE(SUM(`+postponed+`), 0) AS postponed FROM crm_runs WHERE queue_key LIKE ?`,
			fmt.Sprintf("%d/%%", run.TenantID)).Scan(ctx, &seen)
	})
	if err != nil {
		return 0, err
	}
	byPerson := run.Trigger == "button" || run.Trigger == "cli" || run.Trigger == "api"
	if seen.Postponed > 0 && byPerson && run.Mode == crm.ModeApply {
		err = s.dropRetries(ctx, `queue_key LIKE ?`, fmt.Sprintf("%d/%%", run.TenantID))
	}
	return seen.Ahead - seen.Postponed, err
}

// holder is who has a key in the queue.
type holder struct {
	ID        int64  `bun:"id"`
	TenantID  int64  `bun:"tenant_id"`
	Key       string `bun:"queue_key"`
	Status    string `bun:"status"`
	Trigger   string `bun:"started_by"`
	Waits     bool   `bun:"waits"`
	Postponed bool   `bun:"postponed"`
}

const holderColumns = `id, tenant_id, queue_key, status, started_by, ` + waits + ` AS waits, ` + postponed + ` AS postponed`

// meetHolder looks who has the run's key: one that waits is joined, a reservation is
// made use of (settled); whoever else has it no more the next time.
func (s *Store) meetHolder(ctx context.Context, run *Run, joined *bool) (settled bool, err error) {
	var h holder
	err = s.ask(ctx, "look into the queue", func(ctx context.Context) error {
		return s.db.NewRaw(`SELECT `+holderColumns+` FROM crm_runs WHERE queue_key = ?`, run.queueKey()).Scan(ctx, &h)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if h.Status == string(StatusReserved) {
		if settled, err = s.useReservation(ctx, *run, h.ID); !settled || err != nil {
			return false, err
		}
		*run, err = s.Run(ctx, h.ID)
		return true, err
	}
	if !h.Waits || h.Postponed {
		return false, s.makeRoom(ctx, []holder{h})
	}
	if urgency(run.Trigger) > urgency(h.Trigger) {
		if err := s.hurry(ctx, h.ID); err != nil {
			return false, err
		}
	}
	*joined = true
	*run, err = s.Run(ctx, h.ID)
	return true, err
}

// useReservation makes a slot's reservation this run. Its slot will find it waiting, or
// done, and be content ([Store.StartSlots]).
func (s *Store) useReservation(ctx context.Context, run Run, id int64) (mine bool, err error) {
	changed, err := s.exec(ctx, "queue a reserved run", `UPDATE crm_runs SET status = ?, plugin = ?, portal = ?, started_by = ?,
		requested_at = UTC_TIMESTAMP(6), queue_at = UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND WHERE id = ? AND status = 'reserved'`,
		string(run.queuedStatus()), run.Plugin, run.Portal, run.Trigger, run.laterThanAPress(0).Microseconds(), id)
	return changed == 1, err
}

// hurry gives a run that waits the turn of a press.
func (s *Store) hurry(ctx context.Context, id int64) error {
	_, err := s.exec(ctx, "move a run up in the queue", `UPDATE crm_runs SET queue_at = LEAST(queue_at, UTC_TIMESTAMP(6)), not_before = NULL WHERE id = ? AND `+waits, id)
	return err
}

// makeRoom takes keys away from those who hold them without waiting: retries whose time
// has not come, and rows that the former release has claimed or cancelled.
func (s *Store) makeRoom(ctx context.Context, held []holder) error {
	var retries, left []int64
	for _, h := range held {
		switch {
		case h.Postponed:
			retries = append(retries, h.ID)
		case !h.Waits && h.Status != string(StatusReserved):
			left = append(left, h.ID)
		}
	}
	if len(retries) > 0 {
		if err := s.dropRetries(ctx, `id IN (?)`, bun.List(retries)); err != nil {
			return err
		}
	}
	if len(left) == 0 {
		return nil
	}
	_, err := s.exec(ctx, "free a key of the queue", `UPDATE crm_runs SET queue_key = NULL WHERE id IN (?) AND NOT `+waits+` AND status <> 'reserved'`, bun.List(left))
	return err
}

// RunsOn counts the runs that go on on a machine, whatever process carries them out.
func (s *Store) RunsOn(ctx context.Context, machine string) (int, error) {
	var n int
	err := s.ask(ctx, "count the runs of a machine", func(ctx context.Context) error {
		return s.db.NewRaw(`SELECT COUNT(*) FROM crm_runs WHERE active_tenant IS NOT NULL AND lease_until >= UTC_TIMESTAMP(6)
			AND SUBSTRING_INDEX(host, ':', 1) = ?`, machine).Scan(ctx, &n)
	})
	return n, err
}
