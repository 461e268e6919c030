package usersync

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/uptrace/bun"
)

// addressBatch is how many addresses one statement asks about: with 255 characters
// of four bytes each it stays below 4 MiB, usually below 200 KiB.
const addressBatch = 4000

// addresses asks the database which of the wanted addresses are equal to each
// other and who occupies them, in the collation of users.email and over the whole
// table (rules 1 and 6). Of another tenant's row it learns only that it is there.
//
// Two addresses are of one class when their sort keys (WEIGHT_STRING) are the same
// bytes: unlike a GROUP BY this stays comparable across statements, so any number
// of addresses can be asked about in pieces. Trailing spaces, of which a sort key
// knows more than a padding comparison, are trimmed off before (rule 3). No
// temporary table: the narrow account may not make one.
func (r *run) addresses(ctx context.Context, tx bun.Tx, s shape, wanted []string) (map[string]Address, error) {
	q := addressQuery{answers: make(map[string]Address, len(wanted)), classes: make(map[string]int, len(wanted))}
	for len(wanted) > 0 {
		batch := wanted[:min(addressBatch, len(wanted))]
		wanted = wanted[len(batch):]
		if err := q.ask(ctx, tx, r.request.Tenant.ID, s, batch); err != nil {
			return nil, fmt.Errorf("ask who holds the addresses: %w", err)
		}
	}
	return q.answers, nil
}

// addressQuery collects the answers of several statements.
type addressQuery struct {
	answers map[string]Address
	classes map[string]int // by sort key
}

// occupiedSQL is formatted with the type of users.email. A LEFT JOIN makes the server start
// from the wanted addresses and use the unique index of users.email.
const occupiedSQL = `SELECT d.n, WEIGHT_STRING(d.email), u.id IS NOT NULL, CASE WHEN u.tenant_id = ? THEN u.id ELSE 0 END
	FROM JSON_TABLE(?, '$[*]' COLUMNS (n FOR ORDINALITY, email %s PATH '$')) AS d
	LEFT JOIN users AS u ON u.email = d.email`

func (q *addressQuery) ask(ctx context.Context, tx bun.Tx, tenant int64, s shape, batch []string) error {
	list, err := json.Marshal(batch)
	if err != nil {
		return err
	}
	found, err := tx.QueryContext(ctx, fmt.Sprintf(occupiedSQL, s.email), tenant, string(list))
	if err != nil {
		return err
	}
	defer found.Close()
	for found.Next() {
		var n, row int64
		var key []byte
		var taken bool
		if err := found.Scan(&n, &key, &taken, &row); err != nil {
			return err
		}
		q.add(batch[n-1], string(key), Holder{Taken: taken, RowID: row})
	}
	return found.Err()
}

func (q *addressQuery) add(address, key string, holder Holder) {
	class, ok := q.classes[key]
	if !ok {
		class = len(q.classes) + 1
		q.classes[key] = class
	}
	if before, again := q.answers[address]; again && before.Holder.Taken {
		// Without a unique key there can be several holders. Whoever of them leaves,
		// the address stays taken: nobody moves out of it, and nobody is named.
		holder = Holder{Taken: true}
	}
	q.answers[address] = Address{Class: class, Holder: holder}
}
