package migrations

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"booking/migrations/internal/ddl"
)

// State is how far a step is.
type State string

// The states of a step.
const (
	// StatePending: not done.
	StatePending State = "pending"
	// StateRunning: somebody is working on it now.
	StateRunning State = "running"
	// StateHalfApplied: begun and cut off. Up goes on with it; nothing has to be repaired by hand.
	StateHalfApplied State = "half_applied"
	// StateApplied: done by us.
	StateApplied State = "applied"
	// StatePresent: what it would do was there before, made by somebody else.
	StatePresent State = "present"
	// StateMissing: done by us once, but (part of) the result is gone. Up does it again.
	StateMissing State = "missing"
)

// Step is one migration of a set.
type Step struct {
	Set, Name string
	State     State
	// AppliedAt is zero for a step that we never did.
	AppliedAt time.Time
}

// Status looks at every step of the set, in order. It writes nothing and works on a
// database that was never migrated.
func (s Set) Status(ctx context.Context, db *bun.DB) ([]Step, error) {
	steps, err := s.status(ctx, db)
	return steps, s.explain(err)
}

func (s Set) status(ctx context.Context, db *bun.DB) ([]Step, error) {
	steps, err := s.steps(s.patience)
	if err != nil {
		return nil, err
	}
	marks, err := s.marks(ctx, db)
	if err != nil {
		return nil, err
	}
	underWay, alive, err := s.underWay(ctx, db)
	if err != nil {
		return nil, err
	}
	inPlace, err := s.inPlace(ctx, db)
	if err != nil {
		return nil, err
	}
	var list []Step
	for _, step := range steps.Sorted() {
		at, marked := marks[step.Name]
		one := Step{Set: s.Name, Name: stepName(step), AppliedAt: at, State: StatePending}
		switch {
		case one.Name == underWay && alive:
			one.State = StateRunning
		case marked && inPlace:
			one.State = StateApplied
		case marked:
			one.State = StateMissing
		case inPlace && s.shared:
			one.State = StatePresent
		case one.Name == underWay:
			one.State = StateHalfApplied
		}
		list = append(list, one)
	}
	return list, nil
}

// underWay returns the step that was begun last and not ended, and whether its
// migration still lives.
func (s Set) underWay(ctx context.Context, db *bun.DB) (step string, alive bool, err error) {
	var rows []struct {
		Step  string
		Alive bool
	}
	err = db.NewSelect().TableExpr("?", bun.Ident(lockTable)).Column("step").
		ColumnExpr("owner <> '' AND lease_until >= UTC_TIMESTAMP(6) AS alive").
		Where("set_name = ?", s.Name).Scan(ctx, &rows)
	if err != nil && !ddl.IsMissingTable(err) {
		return "", false, fmt.Errorf("read the migration lock: %w", err)
	}
	if len(rows) == 0 {
		return "", false, nil
	}
	return rows[0].Step, rows[0].Alive, nil
}

// Unlock frees the set's lock whoever holds it. Nothing needs it after a kill; it is
// for an operator who will not wait for a lease to run out. A holder that lives after
// all notices within a third of its lease and stops.
func (s Set) Unlock(ctx context.Context, db *bun.DB) error {
	_, err := db.ExecContext(ctx, "UPDATE ? SET owner = '', lease_until = UTC_TIMESTAMP(6) WHERE set_name = ?", bun.Ident(lockTable), s.Name)
	if err == nil || ddl.IsMissingTable(err) {
		return nil
	}
	return s.explain(fmt.Errorf("free the migration lock: %w", err))
}
