package usersync

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

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
	for _, part := range pieces(c.notes.entries) {
		if err := c.recordPiece(ctx, part); err != nil {
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

func (c *chunk) recordPiece(ctx context.Context, part []entry) error {
	rows := c.insertInto("crm_changes", "run_id", "tenant_id", "created_at", "user_id", "external_id", "action", "reason", "field",
		"other_external_id", "other_user_id", "name", "email", "before_values", "after_values")
	same := fmt.Sprintf("%d, %d, '%s'", c.request.RunID, c.request.Tenant.ID, c.now.Format("2006-01-02 15:04:05.999999"))
	for _, e := range part {
		n := &c.notes.list[len(c.changes)]
		if e.Row == nil {
			n.UserID = c.ids[e.Person.ExternalID]
		}
		rows.row()
		rows.sql(same)
		rows.idOrNull(n.UserID)
		for _, text := range [...]string{n.ExternalID, string(n.Action), string(n.Reason), n.Field, n.OtherExternalID} {
			rows.string(text)
		}
		rows.idOrNull(n.OtherUserID)
		rows.string(n.Name)
		rows.string(n.Email)
		rows.stringOrNull(n.before)
		rows.stringOrNull(n.after)
		c.changes = append(c.changes, n.Change)
	}
	return rows.execute(ctx, c)
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
