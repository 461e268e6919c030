package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/uptrace/bun"

	"booking/shared/crm"
)

// DueSlot is a slot that is to get a run, and what the run is about.
type DueSlot struct {
	Slot

	Plugin, Portal string
}

func (d DueSlot) run() Run {
	return Run{TenantID: d.TenantID, Plugin: d.Plugin, Portal: d.Portal, Mode: crm.ModeApply, Trigger: triggerSchedule}
}

// StartSlots gives slots, one of each tenant, their runs and returns to how many this
// call did. On any number of hosts, and whenever one of them dies, a slot gets exactly one:
//
//  1. a run is reserved for each, which no worker sees. The queue's key leaves one for
//     each tenant: when one waits, or is reserved already, that is the one (reserve);
//  2. the slots' rows are inserted with the runs' numbers: their key leaves one winner;
//  3. the runs of the slots' rows, whoever wrote them, are put into the queue.
//
// Each statement is autocommitted and may be sent again, so a host that stops in between
// holds no lock, and on a cluster the loser of a certification starts it afresh. A host
// that dies before 2 leaves a reservation, which the next slot or press of the tenant
// uses; one that dies before 3 leaves the slot due, and the next host does 3: it is told
// by its own server of the row it came too late for, so it sees it. A run that a slot
// finds waiting begins after the slot was due: it is the slot's run as good as any. A
// reservation is never deleted, because somebody may be about to write its number into a
// slot. The former release reserves runs without a key, of its own; its slots and ours
// have the same primary key, and 3 does not ask whose run it is.
func (s *Store) StartSlots(ctx context.Context, due []DueSlot) (started int, err error) {
	for part := range slices.Chunk(due, rowsAtOnce) {
		runs, err := s.reserve(ctx, part)
		if err != nil {
			return started, err
		}
		slots := make([]Slot, len(part))
		for i, one := range part {
			slots[i] = one.Slot
			slots[i].RunID = runs[one.run().queueKey()]
		}
		written, err := s.insertSlots(ctx, "claim slots", slots, SlotStarted)
		if err != nil {
			return started, err
		}
		started += int(written)
		if err := s.release(ctx, slots); err != nil {
			return started, err
		}
	}
	return started, nil
}

// reserve finds or makes the run of each slot, by the key of the queue.
func (s *Store) reserve(ctx context.Context, due []DueSlot) (map[string]int64, error) {
	runs := make(map[string]int64, len(due))
	missing := due
	const tries = 5 // keys that others leave behind, or run off with, in the meantime
	for range tries {
		if err := s.insertReserved(ctx, missing); err != nil {
			return nil, err
		}
		held, err := s.holders(ctx, missing)
		if err != nil {
			return nil, err
		}
		for _, h := range held {
			if !h.Postponed && (h.Waits || h.Status == string(StatusReserved)) {
				runs[h.Key] = h.ID
			}
		}
		missing = slices.DeleteFunc(slices.Clone(missing), func(d DueSlot) bool { return runs[d.run().queueKey()] != 0 })
		if len(missing) == 0 {
			return runs, nil
		}
		if err := s.makeRoom(ctx, held); err != nil {
			return nil, err
		}
	}
	return nil, databaseError("reserve the runs of slots", errors.New("the runs that wait change all the time"))
}

// reservation is a row of crm_runs that a slot is about to get.
type reservation struct {
	bun.BaseModel `bun:"table:crm_runs"`

	TenantID int64    `bun:"tenant_id"`
	Plugin   string   `bun:"plugin"`
	Portal   string   `bun:"portal"`
	Mode     crm.Mode `bun:"mode"`
	Trigger  string   `bun:"started_by"`
	Status   Status   `bun:"status"`
	Key      string   `bun:"queue_key"`
	QueueAt  string   `bun:"queue_at"`
	Asked    string   `bun:"requested_at"`
}

// insertReserved makes a reservation for each slot whose key nobody holds. (Not by
// INSERT IGNORE: that would let other mistakes pass, too.)
func (s *Store) insertReserved(ctx context.Context, due []DueSlot) error {
	rows := make([]reservation, len(due))
	for i, one := range due {
		run := one.run()
		rows[i] = reservation{TenantID: run.TenantID, Plugin: run.Plugin, Portal: run.Portal, Mode: run.Mode,
			Trigger: run.Trigger, Status: StatusReserved, Key: run.queueKey()}
	}
	var made int64
	return s.send(ctx, "reserve the runs of slots", func(ctx context.Context) (sql.Result, error) {
		// Without RETURNING, for which bun would empty the rows.
		return s.db.NewInsert().Model(&rows).Value("queue_at", slotTurn, slotWaits()).Value("requested_at", "UTC_TIMESTAMP(6)").
			On("DUPLICATE KEY UPDATE").Set("id = id").Returning("NULL").Exec(ctx)
	}, &made)
}

// slotTurn is when a slot's run takes its turn, in SQL; slotWaits its argument.
const slotTurn = "UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND"

func slotWaits() int64 { return Run{Trigger: triggerSchedule}.laterThanAPress(0).Microseconds() }

// holders reads who has the keys of these slots' runs.
func (s *Store) holders(ctx context.Context, due []DueSlot) ([]holder, error) {
	keys := make([]string, len(due))
	for i, one := range due {
		keys[i] = one.run().queueKey()
	}
	var held []holder
	err := s.ask(ctx, "look for the runs of slots", func(ctx context.Context) error {
		return s.db.NewRaw(`SELECT `+holderColumns+` FROM crm_runs WHERE queue_key IN (?)`, bun.List(keys)).Scan(ctx, &held)
	})
	return held, err
}

// release puts the slots' reserved runs into the queue; it may be done any number of
// times. It looks first: a run of these that goes on has its row locked by its chunks.
func (s *Store) release(ctx context.Context, slots []Slot) error {
	tenants, at := make([]int64, len(slots)), map[int64]Slot{}
	for i, slot := range slots {
		tenants[i], at[slot.TenantID] = slot.TenantID, slot
	}
	earliest := slices.MinFunc(slots, func(a, b Slot) int { return a.At.Compare(b.At) })
	var found []Slot
	err := s.ask(ctx, "look for the runs of slots", func(ctx context.Context) error {
		return s.db.NewRaw(`SELECT l.tenant_id, l.slot_at, l.run_id FROM crm_slots AS l JOIN crm_runs AS r ON r.id = l.run_id
			WHERE l.tenant_id IN (?) AND l.task = ? AND l.slot_at >= ? AND r.status = 'reserved'`, bun.List(tenants), earliest.Task, earliest.At.UTC()).Scan(ctx, &found)
	})
	if err != nil {
		return err
	}
	var reserved []int64
	for _, slot := range found {
		if slot.At.Equal(at[slot.TenantID].At) {
			reserved = append(reserved, slot.RunID)
		}
	}
	if len(reserved) == 0 {
		return nil
	}
	_, err = s.exec(ctx, "queue the runs of slots", `UPDATE crm_runs FORCE INDEX (PRIMARY) SET status = 'queued', requested_at = UTC_TIMESTAMP(6), queue_at = `+slotTurn+`
		WHERE id IN (?) AND status = 'reserved'`, slotWaits(), bun.List(reserved))
	return err
}
