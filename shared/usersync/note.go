package usersync

import (
	"encoding/json"

	"booking/shared/crm"
)

// historyChars is what crm_changes holds of a text; names and ids that the users
// table refused may be longer.
const historyChars = 255

// note is a record of crm_changes: a change, and the values before and after as JSON.
type note struct {
	crm.Change
	before, after any // texts, nil for NULL
}

// note describes a decision; the texts are cut to what the history can hold. The id of a
// newcomer is not known yet.
func (e entry) note(link string) note {
	n := note{Change: crm.Change{
		ExternalID: cut(e.Person.ExternalID),
		Name:       e.Person.Name, Email: e.Person.Email,
		Action: e.Action, Reason: e.Reason, Field: e.Field,
		OtherExternalID: cut(e.OtherExternalID), OtherUserID: e.OtherUserID,
	}}
	if e.Row != nil {
		n.UserID = e.Row.ID
		if n.Name == "" || e.Action == crm.ActionReported {
			n.Name = e.Row.Name
		}
		if n.Email == "" || e.Action == crm.ActionReported {
			n.Email = e.Row.Email
		}
	} else if e.Set.Name != nil {
		n.Name = *e.Set.Name
	}
	n.Name, n.Email = cut(n.Name), cut(n.Email)
	n.describe(e, link)
	return n
}

// describe notes the columns that are written. Of a newcomer there is no before, and the
// event has no values at all: it would say everything twice.
func (n *note) describe(e entry, link string) {
	var before, after jsonObject
	for _, c := range e.cells(link) {
		after.set(c.column, c.after)
		if e.Row == nil {
			continue
		}
		before.set(c.column, c.before)
		if n.Before == nil {
			n.Before, n.After = make(map[string]any), make(map[string]any)
		}
		n.Before[c.column], n.After[c.column] = c.before, c.after
	}
	n.before, n.after = before.orNull(), after.orNull()
}

// cell is a column of a row that a decision writes; nil is NULL.
type cell struct {
	column        string
	before, after any
}

func (e entry) cells(link string) []cell {
	var row Row
	if e.Row != nil {
		row = *e.Row
	}
	cells := make([]cell, 0, 7)
	for _, c := range [...]struct {
		column, before string
		after          *string
	}{
		{"name", row.Name, e.Set.Name}, {"email", row.Email, e.Set.Email},
		{"phone", row.Phone, e.Set.Phone}, {"position", row.Position, e.Set.Position},
	} {
		if c.after != nil {
			cells = append(cells, cell{c.column, textOrNull(c.before), *c.after})
		}
	}
	if e.SetLink {
		cells = append(cells, cell{link, textOrNull(row.Link), e.Person.ExternalID})
	}
	if e.Action == crm.ActionCreated {
		cells = append(cells, cell{"role", nil, "employee"}, cell{"is_active", nil, true})
	}
	return cells
}

// textOrNull is NULL for "".
func textOrNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// jsonObject is an object that lacks its last bracket; empty is NULL.
type jsonObject []byte

// set adds a member: a text, a truth value or nil, so marshalling cannot fail. (A
// map would take twice as long.)
func (o *jsonObject) set(name string, value any) {
	text, _ := json.Marshal(value)
	if *o == nil {
		*o = make(jsonObject, 0, 192)
	}
	*o = append(append(append(append(*o, "{,"[min(len(*o), 1)], '"'), name...), `":`...), text...)
}

// orNull is a string and not bytes: MySQL refuses binary text as JSON (3144).
func (o jsonObject) orNull() any {
	if len(o) == 0 {
		return nil
	}
	return string(o) + "}"
}

// cut shortens a text to what the history holds.
func cut(text string) string {
	chars := 0
	for i := range text {
		if chars++; chars > historyChars {
			return text[:i]
		}
	}
	return text
}
