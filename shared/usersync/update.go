package usersync

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// patch is what one row gets, as JSON; an absent value leaves its column alone.
type patch struct {
	ID       int64   `json:"i"`
	Name     *string `json:"n,omitempty"`
	Email    *string `json:"e,omitempty"`
	Link     *string `json:"l,omitempty"`
	Phone    *string `json:"p,omitempty"`
	Position *string `json:"o,omitempty"`
}

// park gives the rows of groups whose addresses move a placeholder that nobody can
// hold: 128 random bits, a reserved top-level domain (RFC 6761), and the row's id.
func (c *chunk) park(ctx context.Context) error {
	moves := c.entries(func(e entry) bool { return e.Group != 0 && e.changesRow() && e.Set.Email != nil })
	if len(moves) == 0 {
		return nil
	}
	prefix, err := c.randomHex()
	if err != nil {
		return err
	}
	for _, part := range pieces(moves) {
		patches := make([]patch, len(part))
		for i, e := range part {
			address := fmt.Sprintf("%s.%d.parked.invalid", prefix, e.Row.ID)
			patches[i] = patch{ID: e.Row.ID, Email: &address}
		}
		if err := c.update(ctx, patches, ""); err != nil {
			return fmt.Errorf("park addresses: %w", err)
		}
	}
	return nil
}

// set writes what differs.
func (c *chunk) set(ctx context.Context) error {
	for _, part := range pieces(c.entries(entry.changesRow)) {
		patches := make([]patch, len(part))
		for i, e := range part {
			patches[i] = patch{ID: e.Row.ID, Name: e.Set.Name, Email: e.Set.Email, Phone: e.Set.Phone, Position: e.Set.Position}
			if e.SetLink {
				patches[i].Link = &e.Person.ExternalID
			}
		}
		if err := c.update(ctx, patches, "u.`updated_at` = '"+c.timestamp()+"'"); err != nil {
			return fmt.Errorf("update rows: %w", err)
		}
	}
	return nil
}

// update writes patches by id in one statement. Password, role and is_active have no
// way into it. The values travel as utf8mb4 and are compared with nothing, so the
// columns may have any character set; one that lacks a character is an error, not a
// question mark. COALESCE puts a column's own value back where the patch has none.
func (c *chunk) update(ctx context.Context, patches []patch, also string) error {
	list, err := json.Marshal(patches)
	if err != nil {
		return err
	}
	var columns, sets []string
	if also != "" {
		sets = append(sets, also)
	}
	for _, f := range []struct {
		key, column string
		value       func(patch) *string
	}{
		{"n", "name", func(p patch) *string { return p.Name }},
		{"e", "email", func(p patch) *string { return p.Email }},
		{"l", c.column, func(p patch) *string { return p.Link }},
		{"p", "phone", func(p patch) *string { return p.Phone }},
		{"o", "position", func(p patch) *string { return p.Position }},
	} {
		if slices.ContainsFunc(patches, func(p patch) bool { return f.value(p) != nil }) {
			columns = append(columns, fmt.Sprintf("%s VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$.%s'", f.key, f.key))
			sets = append(sets, fmt.Sprintf("u.%s = COALESCE(d.%s, CONVERT(u.%s USING utf8mb4) COLLATE utf8mb4_bin)", quoted(f.column), f.key, quoted(f.column)))
		}
	}
	_, err = c.tx.ExecContext(ctx, "UPDATE JSON_TABLE(?, '$[*]' COLUMNS (i BIGINT UNSIGNED PATH '$.i', "+strings.Join(columns, ", ")+")) AS d"+
		" STRAIGHT_JOIN `users` AS u FORCE INDEX (PRIMARY) ON u.`id` = d.i SET "+strings.Join(sets, ", ")+" WHERE u.`tenant_id` = ?",
		string(list), c.request.Tenant.ID)
	return err
}

func (c *chunk) randomHex() (string, error) {
	b := make([]byte, 16)
	if _, err := io.ReadFull(c.Random, b); err != nil {
		return "", fmt.Errorf("draw a random name: %w", err)
	}
	return hex.EncodeToString(b), nil
}
