package usersync

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"booking/shared/crm"
)

// preview plans and records what a run would do, and writes no user.
func (r *run) preview(ctx context.Context, people []Person) (string, error) {
	plan, err := r.plan(ctx, people)
	if err != nil {
		return "", err
	}
	entries, err := r.ledger.open(&plan)
	if err != nil {
		return "", err
	}
	for _, units := range chunksOf(unitsOf(entries, &r.ledger), r.chunkRows) {
		c, err := r.transact(ctx, units, (*chunk).recordOnly)
		if err != nil {
			return "", databaseError(err)
		}
		if err := r.written(c); err != nil {
			return "", err
		}
	}
	return plan.Hash, nil
}

// apply plans and writes, and does so again for the people whose rows somebody else
// changed between the two, until nobody is left. It returns the first plan's hash.
func (r *run) apply(ctx context.Context, people []Person) (string, error) {
	hash := ""
	for round := range maxRounds {
		plan, err := r.plan(ctx, people)
		if err != nil {
			return "", err
		}
		if round == 0 {
			hash = plan.Hash
			if r.request.PlanHash != "" && r.request.PlanHash != hash {
				return "", stalePreview()
			}
		}
		if err := r.applyPlan(ctx, &plan); err != nil {
			return "", err
		}
		if r.again == 0 {
			return hash, nil
		}
	}
	return "", r.restless()
}

// applyPlan writes what of a plan is not carried out yet, chunk by chunk.
func (r *run) applyPlan(ctx context.Context, plan *Plan) error {
	entries, err := r.ledger.open(plan)
	if err != nil {
		return err
	}
	r.again = 0
	units := unitsOf(entries, &r.ledger)
	if err := r.progress(); err != nil {
		return err
	}
	for _, chunk := range chunksOf(units, r.chunkRows) {
		if err := r.writeChunk(ctx, chunk); err != nil {
			return databaseError(err)
		}
	}
	return nil
}

// writeChunk writes units, in one transaction if they let it. When the database
// refuses a row it halves them, down to the one unit that cannot be written: the
// others arrive (rules 7 and 10).
func (r *run) writeChunk(ctx context.Context, units []unit) error {
	for parts := [][]unit{units}; len(parts) > 0; {
		part := parts[0]
		parts = parts[1:]
		c, err := r.transact(ctx, part, (*chunk).write)
		var rivals *rivalError
		fault := faultOf(err)
		switch {
		case err == nil:
			err = r.written(c)
		case errors.As(err, &rivals):
			r.again += len(rivals.units)
			rest := slices.DeleteFunc(slices.Clone(part), rivals.concern)
			if parts, err = append([][]unit{rest}, parts...), nil; len(rest) == 0 {
				parts = parts[1:]
			}
		case fault != faultCollision && fault != faultValue:
			// Nobody's row is to blame.
		case len(part) > 1:
			half := len(part) / 2
			parts, err = append([][]unit{part[:half], part[half:]}, parts...), nil
		default:
			err = r.refuse(ctx, part[0], err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// written settles a chunk that the database holds, and tells the listener.
func (r *run) written(c *chunk) error {
	r.again += len(c.changed)
	for _, u := range c.units {
		for _, e := range u {
			r.ledger.settle(e)
		}
	}
	if len(c.changes) > 0 {
		if err := r.events.Changes(c.changes); err != nil {
			return fmt.Errorf("tell what was written: %w", err)
		}
	}
	return r.progress()
}

func (r *run) progress() error {
	return r.events.Progress(crm.Progress{Stage: crm.StageWriting, Done: r.ledger.settled, Total: len(r.ledger.people)})
}

func stalePreview() error {
	return crm.NewError(crm.CodeInternal, crm.Text{
		RU: "Предварительный просмотр устарел: портал или база изменились, ничего не записано. Сделайте просмотр ещё раз.",
		EN: "The preview is out of date: the portal or the database has changed, nothing was written. Make a new preview.",
	}, ErrStalePreview)
}

// restless is the error of a run whose rows do not keep still.
func (r *run) restless() error {
	return crm.NewError(crm.CodeDatabase, crm.Text{
		RU: fmt.Sprintf("Строки сотрудников меняет кто-то ещё прямо во время синхронизации: после %d попыток остались необработанные (%d из %d). Записанное сохранено, повторите запуск позже.", maxRounds, len(r.ledger.people)-r.ledger.settled, len(r.ledger.people)),
		EN: fmt.Sprintf("Somebody else keeps changing people's rows during the sync: after %d tries some are not done (%d of %d). What was written is kept, run it again later.", maxRounds, len(r.ledger.people)-r.ledger.settled, len(r.ledger.people)),
	}, nil)
}
