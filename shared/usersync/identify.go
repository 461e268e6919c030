package usersync

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"booking/shared/crm"
)

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

// ownersSQL is formatted with the link's column, its type and a hint. (An IN list takes
// twice as long: the range optimizer sorts its texts by the collation.)
const ownersSQL = "SELECT u.`id`, u.%[1]s FROM JSON_TABLE(?, '$[*]' COLUMNS (link %[2]s PATH '$')) AS d" +
	" STRAIGHT_JOIN `users` AS u %[3]s ON u.`tenant_id` = ? AND u.%[1]s = d.link"

// readOwners adds the rows of the tenant that have one of the links, as text: the
// collation may call more of them equal.
func (c *chunk) readOwners(ctx context.Context, links []string, owners map[string][]int64) error {
	list, err := json.Marshal(links)
	if err != nil {
		return err
	}
	hint, err := c.linkHint(ctx)
	if err != nil {
		return err
	}
	ask := func(hint string) (*sql.Rows, error) {
		return c.tx.QueryContext(ctx, fmt.Sprintf(ownersSQL, quoted(c.column), c.link, hint), string(list), c.request.Tenant.ID)
	}
	found, err := ask(hint)
	if serverError(err) == noSuchIndex { // hidden by an administrator, or dropped meanwhile
		found, err = ask("")
	}
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

const noSuchIndex = 1176

// linkIndexSQL finds an index that begins with tenant and link, else one that begins with
// the link: a migration has made sure of one (package link).
const linkIndexSQL = `SELECT l.index_name AS index_name FROM information_schema.statistics AS l
	LEFT JOIN information_schema.statistics AS f ON f.table_schema = DATABASE() AND f.table_name = 'users' AND f.index_name = l.index_name AND f.seq_in_index = 1
	WHERE l.table_schema = DATABASE() AND l.table_name = 'users' AND l.column_name = ?
		AND (l.seq_in_index = 1 OR l.seq_in_index = 2 AND f.column_name = 'tenant_id')
	ORDER BY l.seq_in_index DESC LIMIT 1`

// linkHint makes the server look up one link after the other. Left alone it may go by
// statistics from before the import, and read the whole tenant for each of them.
func (c *chunk) linkHint(ctx context.Context) (string, error) {
	if c.linkIndex == "" {
		err := c.tx.QueryRowContext(ctx, linkIndexSQL, c.column).Scan(&c.linkIndex)
		if errors.Is(err, sql.ErrNoRows) {
			return "", nil
		}
		if err != nil {
			return "", fmt.Errorf("find the index of the link: %w", err)
		}
	}
	return "FORCE INDEX (" + quoted(c.linkIndex) + ")", nil
}
