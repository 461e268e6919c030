package usersync

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"

	"booking/shared/crm"
)

// fingerprint is the SHA-256 of what a plan decides: the counts, and everything
// of every decision that does or says something, with the values before. People
// whose rows are right already enter as a number only. Each string is preceded by
// its length, so no two different plans are written alike. Links need no mention:
// action and reason say whether one is set, and it was empty before.
func fingerprint(plan Plan) string {
	e := encoder{sum: sha256.New()}
	c := plan.Counts
	for _, n := range []int{c.Fetched, c.Created, c.Updated, c.Unchanged, c.Skipped, c.Conflicts, c.Deactivated} {
		e.number(int64(n))
	}
	e.flush()
	for i := range plan.Decisions {
		if plan.Decisions[i].Action != "" {
			e.decision(&plan.Decisions[i])
		}
	}
	return hex.EncodeToString(e.sum.Sum(nil))
}

type encoder struct {
	sum     hash.Hash
	scratch []byte
}

func (e *encoder) decision(d *Decision) {
	before := Row{}
	if d.Row != nil {
		before = *d.Row
	}
	e.text(d.Person.ExternalID, string(d.Action), string(d.Reason), d.Field, d.OtherExternalID)
	e.number(d.OtherUserID)
	e.number(before.ID)
	if d.Action == crm.ActionConflict {
		e.text(Normalize(d.Person.Email)) // what it is about
	}
	e.change(before.Name, d.Set.Name)
	e.change(before.Email, d.Set.Email)
	e.change(before.Phone, d.Set.Phone)
	e.change(before.Position, d.Set.Position)
	e.flush()
}

func (e *encoder) flush() {
	e.sum.Write(e.scratch)
	e.scratch = e.scratch[:0]
}

// change adds a column that is written, with its value before.
func (e *encoder) change(before string, after *string) {
	if after == nil {
		e.scratch = append(e.scratch, 0)
		return
	}
	e.scratch = append(e.scratch, 1)
	e.text(before, *after)
}

func (e *encoder) text(values ...string) {
	for _, value := range values {
		e.scratch = binary.AppendUvarint(e.scratch, uint64(len(value)))
		e.scratch = append(e.scratch, value...)
	}
}

func (e *encoder) number(n int64) { e.scratch = binary.AppendVarint(e.scratch, n) }
