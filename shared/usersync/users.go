package usersync

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"booking/shared/crm"
)

// lock takes the rows that are to be changed, in the order of their ids, and sets
// aside every unit with a row that is not, byte for byte, what the plan saw.
//
// An IN list with the primary key forced: MySQL refuses FOR UPDATE beside JSON_TABLE
// (3569), and a server that chose to scan a small table would lock other tenants'
// rows with it (none was seen to; the hint makes sure).
func (c *chunk) lock(ctx context.Context) error {
	var ids []int64
	for _, e := range c.entries(entry.changesRow) {
		ids = append(ids, e.Row.ID)
	}
	slices.Sort(ids)
	var locked []Row
	for part := range slices.Chunk(ids, chunkRows) {
		found, err := c.tx.QueryContext(ctx, "SELECT "+c.selected()+" FROM `users` FORCE INDEX (PRIMARY)"+
			" WHERE `id` IN (?) AND `tenant_id` = ? ORDER BY `id` FOR UPDATE", bun.List(part), c.request.Tenant.ID)
		if err == nil {
			locked, err = c.scanRows(found, locked)
		}
		if err != nil {
			return fmt.Errorf("lock rows: %w", err)
		}
	}
	now := make(map[int64]Row, len(locked))
	for _, row := range locked {
		now[row.ID] = row
	}
	stale := func(e entry) bool { return e.changesRow() && now[e.Row.ID] != *e.Row }
	c.setAside(func(u unit) bool { return slices.ContainsFunc(u, stale) })
	return nil
}

func (c *chunk) setAside(stale func(unit) bool) {
	var kept []unit
	for _, u := range c.units {
		if stale(u) {
			c.changed = append(c.changed, u)
		} else {
			kept = append(kept, u)
		}
	}
	c.units = kept
}

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
		if err := c.update(ctx, patches, "u.`updated_at` = "+c.timestamp()); err != nil {
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

// insert creates the newcomers (rule 5).
func (c *chunk) insert(ctx context.Context) error {
	columns := []string{"tenant_id", "name", "email", c.column, "password", "role", "is_active", "created_at", "updated_at"}
	marks := "(?, ?, ?, ?, ?, 'employee', 1, " + c.timestamp() + ", " + c.timestamp()
	if c.request.Options.Phone {
		columns, marks = append(columns, "phone"), marks+", ?"
	}
	if c.request.Options.Position {
		columns, marks = append(columns, "position"), marks+", ?"
	}
	marks += ")"
	for _, part := range pieces(c.entries(entry.creates)) {
		args := make([]any, 0, 7*len(part))
		for _, e := range part {
			password, err := unmatchable(c.Random)
			if err != nil {
				return err
			}
			args = append(args, c.request.Tenant.ID, e.Set.Name, e.Set.Email, e.Person.ExternalID, password)
			if c.request.Options.Phone {
				args = append(args, e.Set.Phone)
			}
			if c.request.Options.Position {
				args = append(args, e.Set.Position)
			}
		}
		if _, err := c.tx.ExecContext(ctx, "INSERT INTO `users` ("+list(columns...)+") VALUES "+repeated(marks, len(part)), args...); err != nil {
			return fmt.Errorf("insert newcomers: %w", err)
		}
	}
	return nil
}

// timestamp is the clock as a literal. The columns hold whole seconds, and MySQL
// would round half a second up, into the future.
func (c *chunk) timestamp() string {
	return "'" + c.now.Truncate(time.Second).Format(time.DateTime) + "'"
}

func repeated(marks string, n int) string {
	return strings.TrimSuffix(strings.Repeat(marks+", ", n), ", ")
}

// rivalError: somebody else gave one of our links to another row since it was read.
type rivalError struct{ units []unit }

func (e *rivalError) Error() string { return "links were given to other rows meanwhile" }

// concern reports whether a unit is one of the error's.
func (e *rivalError) concern(u unit) bool {
	return slices.ContainsFunc(e.units, func(other unit) bool { return other[0].at == u[0].at })
}

// identify asks for the ids of the newcomers by their links. (Computing them from
// LastInsertId is wrong on Galera, facts/mysql.md 4.) The same answer shows rows that
// somebody else gave one of the links to since the plan was made.
//
// It is a plain read, the transaction's first, so it sees everything committed until
// now. A locking one would also lock other tenants' rows and the gaps between, where
// the index is on the link alone, and two first imports would deadlock for ever.
func (c *chunk) identify(ctx context.Context) error {
	given := c.entries(func(e entry) bool { return e.SetLink })
	owners := make(map[string][]int64, len(given))
	for _, part := range pieces(given) {
		links := make([]string, len(part))
		for i, e := range part {
			links[i] = e.Person.ExternalID
		}
		if err := c.readOwners(ctx, links, owners); err != nil {
			return fmt.Errorf("read the newcomers' ids: %w", err)
		}
	}
	rival := func(e entry) bool {
		ids := owners[e.Person.ExternalID]
		return e.SetLink && (len(ids) != 1 || (e.Row != nil && ids[0] != e.Row.ID))
	}
	var rivals []unit
	for _, u := range c.units {
		if slices.ContainsFunc(u, rival) {
			rivals = append(rivals, u)
		}
	}
	if len(rivals) > 0 {
		return &rivalError{rivals}
	}
	for _, e := range given {
		if e.Action == crm.ActionCreated {
			c.ids[e.Person.ExternalID] = owners[e.Person.ExternalID][0]
		}
	}
	return nil
}

// readOwners adds the rows of the tenant that have one of the links, as text: the
// collation may call more of them equal.
func (c *chunk) readOwners(ctx context.Context, links []string, owners map[string][]int64) error {
	column := quoted(c.column)
	found, err := c.tx.QueryContext(ctx, "SELECT `id`, "+column+" FROM `users` WHERE `tenant_id` = ? AND "+column+" IN (?)",
		c.request.Tenant.ID, bun.List(links))
	if err != nil {
		return err
	}
	defer found.Close()
	for found.Next() {
		var id int64
		var link string
		if err := found.Scan(&id, &link); err != nil {
			return err
		}
		owners[link] = append(owners[link], id)
	}
	return found.Err()
}
