package usersync

import (
	"context"
	"database/sql"

	"github.com/uptrace/bun"

	"booking/shared/crm"
)

// plan reads what the database holds, all of it as of one moment, and decides.
// It takes three statements, and one for every addressBatch of wanted addresses.
func (r *run) plan(ctx context.Context, people []Person) (Plan, error) {
	err := r.events.Progress(crm.Progress{Stage: crm.StagePlanning, Done: r.ledger.settled, Total: len(people)})
	if err != nil {
		return Plan{}, err
	}
	var plan Plan
	err = r.retry(ctx, len(people), func(ctx context.Context) error {
		tx, err := r.DB.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // it only reads
		plan, err = r.planWithin(ctx, tx, people)
		return err
	})
	return plan, databaseError(err)
}

func (r *run) planWithin(ctx context.Context, tx bun.Tx, people []Person) (Plan, error) {
	s, err := r.readShape(ctx, tx)
	if err != nil {
		return Plan{}, err
	}
	r.link = s.link
	rows, err := r.readRows(ctx, tx)
	if err != nil {
		return Plan{}, err
	}
	draft, err := NewDraft(people, rows, s.storable, r.request.Options)
	if err != nil {
		return Plan{}, err
	}
	addresses, err := r.addresses(ctx, tx, s, draft.Wanted())
	if err != nil {
		return Plan{}, err
	}
	plan, err := draft.Decide(addresses)
	if err == nil && r.request.Mode == crm.ModePerson {
		plan = plan.only(r.request.PersonID)
	}
	return plan, err
}
