package usersync

import (
	"context"
	"fmt"
	"strconv"

	"booking/shared/crm"
)

// notes is the history of a chunk, being prepared.
type notes struct {
	entries []entry
	list    []note
	ready   chan struct{} // closed when the list is there
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
			n.list[i] = e.note(c.column)
		}
	}()
	return nil
}

// record writes the history of the chunk's units: in the transaction that makes the
// change, so that neither is ever there without the other.
func (c *chunk) record(ctx context.Context) error {
	<-c.notes.ready
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
		{name: "reason", rare: true, value: func(n *note) any { return string(n.Reason) }},
		{name: "field", rare: true, value: func(n *note) any { return n.Field }},
		{name: "other_external_id", rare: true, value: func(n *note) any { return n.OtherExternalID }},
		{name: "other_user_id", rare: true, value: func(n *note) any { return idOrNull(n.OtherUserID) }},
		{name: "name", value: func(n *note) any { return n.Name }},
		{name: "email", value: func(n *note) any { return n.Email }},
		{name: "before_values", rare: true, value: func(n *note) any { return n.before }},
		{name: "after_values", value: func(n *note) any { return n.after }},
	}
}

// idOrNull is NULL for 0.
func idOrNull(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}
