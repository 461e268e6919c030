package usersync

import (
	"fmt"

	"booking/shared/crm"
)

// ledger keeps what became of every person over all rounds of a run. A person who
// is looked at again after a row was changed meanwhile is counted once, by what
// really happened: whoever was created in the first round is not "unchanged" in
// the second.
type ledger struct {
	people   []outcome
	reported map[int64]bool // by users.id
	settled  int
}

// outcome is what became of one person; the zero value is nobody's yet.
type outcome struct {
	externalID string
	action     crm.Action
	reason     crm.Reason
	settled    bool
}

// entry ties a decision to its place in the plan and to its person's place in the
// ledger, noPerson for a reported row.
type entry struct {
	*Decision
	at, person int
}

const noPerson = -1

// open gives every decision of a plan its place. The people of a run and so their
// order are the same in every round.
func (l *ledger) open(plan *Plan) ([]entry, error) {
	entries := make([]entry, len(plan.Decisions))
	next := 0
	for i := range plan.Decisions {
		d := &plan.Decisions[i]
		entries[i] = entry{Decision: d, at: i, person: noPerson}
		if d.Action == crm.ActionReported {
			continue
		}
		if next == len(l.people) && l.reported == nil {
			l.people = append(l.people, outcome{externalID: d.Person.ExternalID})
		}
		if next >= len(l.people) || l.people[next].externalID != d.Person.ExternalID {
			return nil, fmt.Errorf("plan again: person %s is out of order", d.Person.ExternalID)
		}
		entries[i].person = next
		next++
	}
	if l.reported == nil {
		l.reported = make(map[int64]bool)
	}
	return entries, nil
}

// done reports whether the database holds this decision's outcome already.
func (l *ledger) done(e entry) bool {
	if e.person == noPerson {
		return l.reported[e.Row.ID]
	}
	return l.people[e.person].settled
}

// settle notes that a decision is carried out.
func (l *ledger) settle(e entry) {
	if e.person == noPerson {
		l.reported[e.Row.ID] = true
		return
	}
	o := &l.people[e.person]
	if !o.settled {
		o.settled = true
		l.settled++
	} else if o.action == crm.ActionCreated {
		return // written once more together with others: still created by this run
	}
	o.action, o.reason = e.Action, e.Reason
}

// result counts the people.
func (l *ledger) result() crm.SyncResult {
	r := crm.SyncResult{Counts: crm.Counts{Fetched: len(l.people)}}
	for _, o := range l.people {
		switch o.action {
		case crm.ActionCreated:
			r.Created++
		case crm.ActionUpdated:
			r.Updated++
		case crm.ActionSkipped:
			r.Skipped++
			r.Partial = r.Partial || o.reason == crm.ReasonInvalid
		case crm.ActionConflict:
			r.Conflicts++
		default:
			r.Unchanged++
		}
	}
	return r
}
