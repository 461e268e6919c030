package usersync

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"booking/shared/crm"
)

// chunk is one transaction: some units, their history, and the check that the run
// may still write.
type chunk struct {
	*run
	tx  bun.Tx
	now time.Time
	// number is what the fence check made of crm_runs.chunks.
	number int64
	// units are what is written; changed are those set aside because somebody
	// changed a row of theirs since it was read.
	units, changed []unit
	// ids are the users.id of newcomers, by external id.
	ids     map[string]int64
	notes   *notes
	changes []crm.Change
}

// transact writes units in one transaction and tries again where that is safe.
//
// A COMMIT that ended in an error may have been done or not. The next attempt's fence
// check tells: it waits for the row lock of the lost transaction, and counts one chunk
// more than that one only if it was committed. (Nobody but the holder of the fence
// counts.) So no chunk is ever written twice or reported wrongly.
func (r *run) transact(ctx context.Context, units []unit, write func(*chunk, context.Context) error) (*chunk, error) {
	var done, unsure *chunk
	err := r.retry(ctx, peopleIn(units), func(ctx context.Context) error {
		c, err := r.begin(ctx, units)
		if err != nil {
			return err
		}
		defer func() { _ = c.tx.Rollback() }() // does nothing after a commit
		if unsure != nil && c.number > unsure.number {
			done = unsure
			return nil
		}
		if err := write(c, ctx); err != nil {
			return err
		}
		if len(c.units) > 0 {
			if err := c.tx.Commit(); err != nil {
				if !undone(err) {
					unsure = c
				}
				return fmt.Errorf("commit a chunk: %w", err)
			}
		}
		done = c
		return nil
	})
	return done, err
}

func peopleIn(units []unit) int {
	n := 0
	for _, u := range units {
		n += len(u)
	}
	return n
}

// begin opens the transaction. Its first statement takes the run's row and with it
// the right to write, until the end of the transaction.
func (r *run) begin(ctx context.Context, units []unit) (*chunk, error) {
	if peopleIn(units) == r.chunkRows {
		r.prepare(ctx)
	}
	tx, err := r.DB.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("begin a chunk: %w", err)
	}
	c := &chunk{run: r, tx: tx, now: r.Clock().UTC(), units: units, ids: make(map[string]int64)}
	if err := c.fence(ctx); err != nil {
		_ = tx.Rollback()
		return nil, err
	}
	return c, nil
}

func (c *chunk) fence(ctx context.Context) error {
	// LAST_INSERT_ID(x) hands x back with the answer. By the primary key only this row is
	// locked; by (tenant_id, id) also the gap behind it, where other tenants' runs begin.
	result, err := c.tx.ExecContext(ctx, "UPDATE `crm_runs` FORCE INDEX (PRIMARY) SET `chunks` = LAST_INSERT_ID(`chunks` + 1)"+
		" WHERE `id` = ? AND `tenant_id` = ? AND `fence` = ? AND `status` = 'running'",
		c.request.RunID, c.request.Tenant.ID, c.request.Fence)
	if err != nil {
		return fmt.Errorf("check the fence: %w", err)
	}
	held, err := result.RowsAffected()
	if err != nil {
		return fmt.Errorf("check the fence: %w", err)
	}
	if held != 1 {
		// Whose run was taken over writes no end any more. Who still may write it was shown an
		// old row, as by a cluster's node that is behind: the database's failure, which passes.
		return crm.NewError(crm.CodeDatabase, crm.Text{
			RU: "Этот запуск потерял право писать: его аренда истекла или его продолжил другой узел. Больше ничего не записано.",
			EN: "This run has lost its right to write: its lease ran out or another host went on. Nothing more was written.",
		}, ErrFenced)
	}
	if c.number, err = result.LastInsertId(); err != nil {
		return fmt.Errorf("check the fence: %w", err)
	}
	return nil
}

// write brings users to what the units say. Addresses that move inside a group are
// parked first, so that no order of writing can collide; newcomers come after the
// rows, because they may take an address that a row leaves.
func (c *chunk) write(ctx context.Context) error {
	for _, step := range []func(context.Context) error{c.lock, c.describe, c.park, c.set, c.insert, c.identify, c.record} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// entries returns the entries of the units that are still to be written and have
// the property.
func (c *chunk) entries(has func(entry) bool) []entry {
	var found []entry
	for _, u := range c.units {
		for _, e := range u {
			if has(e) {
				found = append(found, e)
			}
		}
	}
	return found
}
