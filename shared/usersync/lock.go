package usersync

import (
	"context"
	"fmt"
	"slices"

	"github.com/uptrace/bun"
)

// lock takes the rows that are to be changed, in the order of their ids, and sets
// aside every unit with a row that is not, byte for byte, what the plan saw.
//
// An IN list with the primary key forced: MySQL refuses FOR UPDATE beside JSON_TABLE
// (3569), and a server that chose to scan a small table would lock other tenants'
// rows with it (none was seen to; the hint makes sure).
func (c *chunk) lock(ctx context.Context) error {
	var ids []int64
	for _, e := range c.entries(entry.changesRow) {
		ids = append(ids, e.Row.ID)
	}
	slices.Sort(ids)
	var locked []Row
	for part := range slices.Chunk(ids, chunkRows) {
		found, err := c.tx.QueryContext(ctx, "SELECT "+c.selected()+" FROM `users` FORCE INDEX (PRIMARY)"+
			" WHERE `id` IN (?) AND `tenant_id` = ? ORDER BY `id` FOR UPDATE", bun.List(part), c.request.Tenant.ID)
		if err == nil {
			locked, err = c.scanRows(found, locked)
		}
		if err != nil {
			return fmt.Errorf("lock rows: %w", err)
		}
	}
	now := make(map[int64]Row, len(locked))
	for _, row := range locked {
		now[row.ID] = row
	}
	stale := func(e entry) bool { return e.changesRow() && now[e.Row.ID] != *e.Row }
	c.setAside(func(u unit) bool { return slices.ContainsFunc(u, stale) })
	return nil
}

func (c *chunk) setAside(stale func(unit) bool) {
	var kept []unit
	for _, u := range c.units {
		if stale(u) {
			c.changed = append(c.changed, u)
		} else {
			kept = append(kept, u)
		}
	}
	c.units = kept
}
