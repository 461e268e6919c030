package usersync

import (
	"context"
	"fmt"
	"slices"

	"github.com/uptrace/bun"

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
