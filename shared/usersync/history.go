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

// record writes the history of the chunk's units: in the transaction that makes the
// change, so that neither is ever there without the other. For a preview it is all
// there is to write.
func (c *chunk) record(ctx context.Context) error {
	entries := c.entries(func(entry) bool { return true })
	c.changes = make([]crm.Change, 0, len(entries))
	for _, part := range pieces(entries) {
		if err := c.recordPiece(ctx, part); err != nil {
			return fmt.Errorf("write the history: %w", err)
		}
	}
	return nil
}

func (c *chunk) recordPiece(ctx context.Context, part []entry) error {
	rows := c.insertInto("crm_changes", "run_id", "tenant_id", "created_at", "user_id", "external_id", "action", "reason", "field",
		"other_external_id", "other_user_id", "name", "email", "before_values", "after_values")
	same := fmt.Sprintf("%d, %d, '%s'", c.request.RunID, c.request.Tenant.ID, c.now.Format("2006-01-02 15:04:05.999999"))
	for _, e := range part {
		change := c.changeOf(e)
		before, err := jsonValues(change.Before)
		if err != nil {
			return err
		}
		after, err := jsonValues(change.After)
		if err != nil {
			return err
		}
		rows.row()
		rows.sql(same)
		rows.idOrNull(change.UserID)
		for _, text := range [...]string{change.ExternalID, string(change.Action), string(change.Reason), change.Field, change.OtherExternalID} {
			rows.string(text)
		}
		rows.idOrNull(change.OtherUserID)
		rows.string(change.Name)
		rows.string(change.Email)
		rows.stringOrNull(before)
		rows.stringOrNull(after)
		c.changes = append(c.changes, change)
	}
	return rows.execute(ctx, c)
}

// changeOf describes a decision; the texts are cut to what the history can hold.
func (c *chunk) changeOf(e entry) crm.Change {
	change := crm.Change{
		ExternalID: cut(e.Person.ExternalID), UserID: c.ids[e.Person.ExternalID],
		Name: e.Person.Name, Email: e.Person.Email,
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
	change.Before, change.After = e.values(c.column)
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
