package store

import (
	"context"
	"database/sql"
	"slices"
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

// MissSlots records slots that got no run because every host was away; those that
// have been dealt with stay as they are.
func (s *Store) MissSlots(ctx context.Context, tenant int64, task string, slots []time.Time) error {
	rows := make([]Slot, 0, len(slots))
	for _, at := range slots {
		rows = append(rows, Slot{TenantID: tenant, Task: task, At: at})
	}
	return s.MissAllSlots(ctx, rows)
}

// MissAllSlots is MissSlots for slots of any tenants.
func (s *Store) MissAllSlots(ctx context.Context, slots []Slot) error {
	for part := range slices.Chunk(slots, rowsAtOnce) {
		if _, err := s.insertSlots(ctx, "record missed slots", part, SlotMissed); err != nil {
			return err
		}
	}
	return nil
}

// rowsAtOnce is how many rows one statement writes.
const rowsAtOnce = 500

// insertSlots writes slots that nobody has dealt with yet and returns how many: the
// primary key leaves one winner of each.
func (s *Store) insertSlots(ctx context.Context, doing string, slots []Slot, status string) (written int64, err error) {
	rows := make([]Slot, len(slots))
	for i, slot := range slots {
		rows[i] = Slot{TenantID: slot.TenantID, Task: slot.Task, At: slot.At.UTC(), Status: status, RunID: slot.RunID}
	}
	err = s.send(ctx, doing, func(ctx context.Context) (sql.Result, error) {
		// Without RETURNING, which counts a row that is left as it is.
		return s.db.NewInsert().Model(&rows).Value("created_at", "UTC_TIMESTAMP(6)").
			On("DUPLICATE KEY UPDATE").Set("slot_at = VALUES(slot_at)").Returning("NULL").Exec(ctx)
	}, &written)
	return written, err
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

// Missed are slots that got no run because every host was away.
type Missed struct {
	TenantID int64 `bun:"tenant_id"`
	Count    int   `bun:"missed"`
	// First and Last are slots.
	First time.Time `bun:"first_at"`
	Last  time.Time `bun:"last_at"`
}

// MissedSlots tells what was missed since an instant, by tenant: of one tenant, or (0) of
// all. A tenant that missed nothing is not in it.
func (s *Store) MissedSlots(ctx context.Context, tenant int64, task string, since time.Time) (map[int64]Missed, error) {
	var all []Missed
	err := s.read(ctx, "list missed slots", func(ctx context.Context) error {
		all = nil
		query := s.db.NewSelect().Model((*Slot)(nil)).ColumnExpr("l.tenant_id, COUNT(*) AS missed, MIN(l.slot_at) AS first_at, MAX(l.slot_at) AS last_at").
			Where("l.task = ?", task).Where("l.slot_at >= ?", since.UTC()).Where("l.status = ?", SlotMissed).GroupExpr("l.tenant_id")
		if tenant != 0 {
			query = query.Where("l.tenant_id = ?", tenant)
		}
		return query.Scan(ctx, &all)
	})
	missed := make(map[int64]Missed, len(all))
	for _, one := range all {
		missed[one.TenantID] = one
	}
	return missed, err
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
