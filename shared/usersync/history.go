package usersync

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"booking/shared/crm"
)

// historyChars is what crm_changes holds of a text; names and ids that the users
// table refused may be longer.
const historyChars = 255

// note is a record of crm_changes; before and after are JSON.
type note struct {
	crm.Change
	before, after *string
}

// notes is the history of a chunk, being prepared.
type notes struct {
	entries []entry
	list    []note
	err     error
	ready   chan struct{} // closed when list or err is there
}

// describe begins to prepare the history, for the time in which the database works on
// users: then only the newcomers' ids are missing.
func (c *chunk) describe(context.Context) error {
	n := &notes{entries: c.entries(func(entry) bool { return true }), ready: make(chan struct{})}
	c.notes = n
	go func() {
		defer close(n.ready)
		n.list = make([]note, len(n.entries))
		for i, e := range n.entries {
			if n.list[i], n.err = e.note(c.column); n.err != nil {
				return
			}
		}
	}()
	return nil
}

// record writes the history of the chunk's units: in the transaction that makes the
// change, so that neither is ever there without the other.
func (c *chunk) record(ctx context.Context) error {
	<-c.notes.ready
	if c.notes.err != nil {
		return fmt.Errorf("describe the changes: %w", c.notes.err)
	}
	c.changes = make([]crm.Change, 0, len(c.notes.list))
	columns := c.historyColumns()
	for _, part := range pieces(c.notes.entries) {
		list := c.notes.list[len(c.changes):][:len(part)]
		for i, e := range part {
			if e.Row == nil {
				list[i].UserID = c.ids[e.Person.ExternalID]
			}
			c.changes = append(c.changes, list[i].Change)
		}
		if err := insertInto("crm_changes", list, columns).execute(ctx, c); err != nil {
			return fmt.Errorf("write the history: %w", err)
		}
	}
	return nil
}

// recordOnly is all there is to write for a preview.
func (c *chunk) recordOnly(ctx context.Context) error {
	if err := c.describe(ctx); err != nil {
		return err
	}
	return c.record(ctx)
}

func (c *chunk) historyColumns() []columnOf[note] {
	var now any = c.now.Format("2006-01-02 15:04:05.999999")
	return []columnOf[note]{
		{name: "run_id", sql: strconv.FormatInt(c.request.RunID, 10)},
		{name: "tenant_id", sql: strconv.FormatInt(c.request.Tenant.ID, 10)},
		{name: "created_at", value: func(*note) any { return now }},
		{name: "user_id", value: func(n *note) any { return idOrNull(n.UserID) }},
		{name: "external_id", value: func(n *note) any { return n.ExternalID }},
		{name: "action", value: func(n *note) any { return string(n.Action) }},
		{name: "reason", value: func(n *note) any { return string(n.Reason) }},
		{name: "field", value: func(n *note) any { return n.Field }},
		{name: "other_external_id", value: func(n *note) any { return n.OtherExternalID }},
		{name: "other_user_id", value: func(n *note) any { return idOrNull(n.OtherUserID) }},
		{name: "name", value: func(n *note) any { return n.Name }},
		{name: "email", value: func(n *note) any { return n.Email }},
		{name: "before_values", value: func(n *note) any { return orNull(n.before) }},
		{name: "after_values", value: func(n *note) any { return orNull(n.after) }},
	}
}

// idOrNull is NULL for 0.
func idOrNull(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

// note describes a decision; the id of a newcomer is not known yet.
func (e entry) note(link string) (n note, err error) {
	n.Change = e.change(link)
	if n.before, err = jsonValues(n.Before); err != nil {
		return n, err
	}
	n.after, err = jsonValues(n.After)
	return n, err
}

// change describes a decision; the texts are cut to what the history can hold.
func (e entry) change(link string) crm.Change {
	change := crm.Change{
		ExternalID: cut(e.Person.ExternalID),
		Name:       e.Person.Name, Email: e.Person.Email,
		Action: e.Action, Reason: e.Reason, Field: e.Field,
		OtherExternalID: cut(e.OtherExternalID), OtherUserID: e.OtherUserID,
	}
	if e.Row != nil {
		change.UserID = e.Row.ID
		if change.Name == "" || e.Action == crm.ActionReported {
			change.Name = e.Row.Name
		}
		if change.Email == "" || e.Action == crm.ActionReported {
			change.Email = e.Row.Email
		}
	} else if e.Set.Name != nil {
		change.Name = *e.Set.Name
	}
	change.Name, change.Email = cut(change.Name), cut(change.Email)
	change.Before, change.After = e.values(link)
	return change
}

// values returns the columns that change, before and after; nil is NULL. Of a
// newcomer there is no before.
func (e entry) values(link string) (before, after map[string]any) {
	after = make(map[string]any)
	if e.Row != nil {
		before = make(map[string]any)
	}
	change := func(column, old string, value *string) {
		if value == nil {
			return
		}
		after[column] = *value
		if e.Row == nil {
			return
		}
		before[column] = nil
		if old != "" {
			before[column] = old
		}
	}
	var row Row
	if e.Row != nil {
		row = *e.Row
	}
	change("name", row.Name, e.Set.Name)
	change("email", row.Email, e.Set.Email)
	change("phone", row.Phone, e.Set.Phone)
	change("position", row.Position, e.Set.Position)
	if e.SetLink {
		change(link, row.Link, &e.Person.ExternalID)
	}
	if e.Action == crm.ActionCreated {
		after["role"], after["is_active"] = "employee", true
	}
	if len(after) == 0 {
		return nil, nil
	}
	return before, after
}

// jsonValues is a string and not bytes: MySQL refuses binary text as JSON (3144).
func jsonValues(values map[string]any) (*string, error) {
	if values == nil {
		return nil, nil
	}
	b, err := json.Marshal(values)
	text := string(b)
	return &text, err
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

func (c *chunk) randomHex() (string, error) {
	b := make([]byte, 16)
	if _, err := io.ReadFull(c.Random, b); err != nil {
		return "", fmt.Errorf("draw a random name: %w", err)
	}
	return hex.EncodeToString(b), nil
}
