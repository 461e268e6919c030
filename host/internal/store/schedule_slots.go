package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"
)

// TaskSyncUsers is the task of the slots that start a sync of people.
const TaskSyncUsers = "sync-users"

// What became of a slot.
const (
	SlotStarted = "started"
	SlotMissed  = "missed"
)

// Slot is a row of crm_slots: an instant at which a schedule wanted a run.
type Slot struct {
	bun.BaseModel `bun:"table:crm_slots,alias:l"`

	TenantID int64     `bun:"tenant_id,pk"`
	Task     string    `bun:"task,pk"`
	At       time.Time `bun:"slot_at,pk"`
	Status   string    `bun:"status"`
	// RunID is the slot's run; 0 for a missed one.
	RunID int64 `bun:"run_id,nullzero"`
	// RunStatus is where that run stands; "" without a run.
	RunStatus Status `bun:"run_status,scanonly"`
	// CreatedAt is when the slot was dealt with, by the database's clock.
	CreatedAt time.Time `bun:"created_at"`
}

// StartSlot gives a slot its run and reports whether this call was the one that did.
// On any number of hosts, and whenever one of them dies, a slot gets exactly one:
//
//  1. a run is reserved, which no worker sees (or one that waits already is joined);
//  2. the slot's row is inserted with that run's number: its key leaves one winner;
//  3. the run is put into the queue, by the winner or by whoever comes after it.
//
// Each step is one autocommitted statement, so no host that stops in between holds
// a lock. A host that dies before 2 leaves a reserved run that never begins; one
// that dies before 3 leaves the slot due, and the next host does 3.
func (s *Store) StartSlot(ctx context.Context, slot Slot, run *Run) (bool, error) {
	taken, joined, err := s.lookAtSlot(ctx, slot, run)
	if err != nil {
		return false, err
	}
	if taken {
		return false, s.releaseSlot(ctx, slot)
	}
	if !joined {
		if err := s.insertRun(ctx, run, StatusReserved); err != nil {
			return false, err
		}
	}
	_, err = s.db.NewRaw(`INSERT INTO crm_slots (tenant_id, task, slot_at, status, run_id, created_at) VALUES (?, ?, ?, ?, ?, UTC_TIMESTAMP(6))`,
		slot.TenantID, slot.Task, slot.At.UTC(), SlotStarted, run.ID).Exec(ctx)
	lost := number(err) == duplicateKey
	if err != nil && !lost {
		return false, databaseError("claim a slot", err)
	}
	if lost && !joined {
		if _, err := s.db.NewRaw(`DELETE FROM crm_runs WHERE id = ? AND status = ?`, run.ID, StatusReserved).Exec(ctx); err != nil {
			return false, databaseError("give a reserved run up", err)
		}
	}
	if joined && !lost {
		return true, nil
	}
	return !lost, s.releaseSlot(ctx, slot)
}

// lookAtSlot saves work and decides nothing: whether somebody has the slot already,
// and which run of the tenant waits to be joined.
func (s *Store) lookAtSlot(ctx context.Context, slot Slot, run *Run) (taken, joined bool, err error) {
	var now struct {
		Taken   bool
		Waiting int64
	}
	err = s.db.NewRaw(`SELECT EXISTS (SELECT 1 FROM crm_slots WHERE tenant_id = ? AND task = ? AND slot_at = ?) AS taken,
		COALESCE((SELECT MIN(id) FROM crm_runs WHERE tenant_id = ? AND status = ? AND mode = ?), 0) AS waiting`,
		slot.TenantID, slot.Task, slot.At.UTC(), run.TenantID, StatusQueued, string(run.Mode)).Scan(ctx, &now)
	if err != nil {
		return false, false, databaseError("look at a slot", err)
	}
	if now.Waiting != 0 {
		run.ID, run.Status = now.Waiting, StatusQueued
	}
	return now.Taken, now.Waiting != 0, nil
}

// releaseSlot puts the slot's reserved run into the queue; it may be done any number
// of times.
func (s *Store) releaseSlot(ctx context.Context, slot Slot) error {
	_, err := s.db.NewRaw(`UPDATE crm_runs SET status = ? WHERE status = ? AND id = (SELECT run_id FROM crm_slots WHERE tenant_id = ? AND task = ? AND slot_at = ?)`,
		StatusQueued, StatusReserved, slot.TenantID, slot.Task, slot.At.UTC()).Exec(ctx)
	return databaseError("queue the run of a slot", err)
}

// MissSlots records slots that got no run because every host was away; those that
// have been dealt with stay as they are.
func (s *Store) MissSlots(ctx context.Context, tenant int64, task string, slots []time.Time) error {
	if len(slots) == 0 {
		return nil
	}
	rows := make([]Slot, 0, len(slots))
	for _, at := range slots {
		rows = append(rows, Slot{TenantID: tenant, Task: task, At: at.UTC(), Status: SlotMissed})
	}
	_, err := s.db.NewInsert().Model(&rows).Value("created_at", "UTC_TIMESTAMP(6)").
		On("DUPLICATE KEY UPDATE").Set("slot_at = VALUES(slot_at)").Exec(ctx)
	return databaseError("record missed slots", err)
}

// Slots lists a tenant's slots, the newest first, at most limit.
func (s *Store) Slots(ctx context.Context, tenant int64, task string, limit int) ([]Slot, error) {
	var slots []Slot
	err := s.read(ctx, "list slots", func(ctx context.Context) error {
		slots = nil
		return withRun(s.db.NewSelect().Model(&slots)).Where("l.tenant_id = ?", tenant).Where("l.task = ?", task).
			Order("l.slot_at DESC").Limit(int64(limit)).Scan(ctx)
	})
	return slots, err
}

// LastSlots returns every tenant's newest slot, by tenant.
func (s *Store) LastSlots(ctx context.Context, task string) (map[int64]Slot, error) {
	var slots []Slot
	err := s.read(ctx, "list the last slots", func(ctx context.Context) error {
		slots = nil
		return withRun(s.db.NewSelect().Model(&slots)).Where("l.task = ?", task).
			Where("(l.tenant_id, l.slot_at) IN (SELECT n.tenant_id, MAX(n.slot_at) FROM crm_slots AS n WHERE n.task = ? GROUP BY n.tenant_id)", task).Scan(ctx)
	})
	last := make(map[int64]Slot, len(slots))
	for _, slot := range slots {
		last[slot.TenantID] = slot
	}
	return last, err
}

func withRun(q *bun.SelectQuery) *bun.SelectQuery {
	return q.ColumnExpr("l.*, COALESCE(r.status, '') AS run_status").Join("LEFT JOIN crm_runs AS r ON r.id = l.run_id")
}
