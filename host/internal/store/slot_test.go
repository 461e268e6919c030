package store

import "context"

// StartSlot is [Store.StartSlots] for one slot, and tells with run which one it is.
func (s *Store) StartSlot(ctx context.Context, slot Slot, run *Run) (bool, error) {
	started, err := s.StartSlots(ctx, []DueSlot{{Slot: slot, Plugin: run.Plugin, Portal: run.Portal}})
	if err != nil {
		return false, err
	}
	err = s.db.NewRaw(`SELECT run_id FROM crm_slots WHERE tenant_id = ? AND task = ? AND slot_at = ?`, slot.TenantID, slot.Task, slot.At.UTC()).Scan(ctx, &run.ID)
	return started == 1, databaseError("look at a slot", err)
}
