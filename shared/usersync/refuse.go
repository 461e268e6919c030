package usersync

import (
	"context"
	"slices"
	"strings"

	"booking/shared/crm"
)

// refuse deals with the one unit that the database will not take. A unique key can
// mean that the world has changed since it was read, so the unit is looked at again
// first; if that does not help, and for a value that does not fit, the person is set
// down as a conflict or as skipped.
func (r *run) refuse(ctx context.Context, u unit, cause error) error {
	if faultOf(cause) == faultCollision && !slices.ContainsFunc(u, func(e entry) bool { return r.collided[e.person] }) {
		for _, e := range u {
			r.collided[e.person] = true
		}
		r.again++
		return nil
	}
	var refused []unit
	for _, e := range u {
		decision := r.refusal(*e.Decision, cause)
		refused = append(refused, unit{entry{Decision: &decision, at: e.at, person: e.person}})
	}
	c, err := r.transact(ctx, refused, (*chunk).write)
	if err != nil {
		return err
	}
	return r.written(c)
}

// refusal turns a decision into what is left of it: rule 8 when the key of the
// address refuses it, rule 10 for everything else, a unique key of somebody's own
// making included.
func (r *run) refusal(d Decision, cause error) Decision {
	d.Group = 0
	if faultOf(cause) == faultCollision && d.Set.Email != nil && strings.Contains(Culprit(cause), "email") {
		d.Action, d.Reason, d.Field = crm.ActionConflict, crm.ReasonEmailTaken, ""
		d.Set.Email = nil
		if d.Row == nil || d.Row.Link == "" {
			d.Set, d.SetLink = Values{}, false
		}
		return d
	}
	d.Action, d.Reason, d.Field = crm.ActionSkipped, crm.ReasonInvalid, ""
	d.Set, d.SetLink = Values{}, false
	switch column := Culprit(cause); column {
	case fieldName, fieldEmail, fieldPhone, fieldPosition:
		d.Field = column
	case r.column:
		d.Field = fieldID
	}
	return d
}
