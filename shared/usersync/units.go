package usersync

import (
	"cmp"
	"slices"

	"booking/shared/crm"
)

const (
	// chunkRows is the most people in one transaction, a larger group excepted.
	// 500-1000 was measured to be right (facts/mysql.md 2); from 1000 elements on
	// MariaDB turns an IN list into a join of its own choice (in_predicate_conversion_threshold).
	chunkRows = 999
	// chunkBytes is the most text in one statement, before quoting. Quoted twice (JSON in SQL)
	// it stays far below the smallest usual max_allowed_packet, 16 MiB.
	chunkBytes = 1 << 20
)

// unit is what must be one transaction: a decision that stands alone, or all
// decisions between whose rows addresses move (rule 7).
type unit []entry

// The order of writing. Rows come first, so that most chunks are of one kind and
// need few statements.
const (
	kindRow = iota
	kindNewcomer
	kindRecord
)

// changesRow reports whether a row that exists is to be written.
func (e entry) changesRow() bool {
	return e.Row != nil && (e.SetLink || e.Set != (Values{}))
}

func (e entry) creates() bool { return e.Action == crm.ActionCreated }

func (u unit) kind() int {
	kind := kindRecord
	for _, e := range u {
		switch {
		case e.changesRow():
			return kindRow
		case e.creates():
			kind = kindNewcomer
		}
	}
	return kind
}

// firstRow is the lowest row a unit writes: rows are locked in one order everywhere.
func (u unit) firstRow() int64 {
	first := int64(0)
	for _, e := range u {
		if e.changesRow() && (first == 0 || e.Row.ID < first) {
			first = e.Row.ID
		}
	}
	return first
}

// unitsOf joins the decisions of a plan that are not carried out yet; whoever is
// right already is settled by that. A group is taken whole as long as one of its
// people is open.
func unitsOf(entries []entry, l *ledger) []unit {
	var units []unit
	groups := make(map[int]unit)
	alone := make([]entry, 0, len(entries))
	for _, e := range entries {
		switch {
		case e.Action == "":
			if !l.done(e) {
				l.settle(e)
			}
		case e.Group != 0:
			groups[e.Group] = append(groups[e.Group], e)
		case !l.done(e):
			alone = append(alone, e)
			units = append(units, alone[len(alone)-1:len(alone):len(alone)])
		}
	}
	for _, u := range groups {
		if slices.ContainsFunc(u, func(e entry) bool { return !l.done(e) }) {
			units = append(units, u)
		}
	}
	slices.SortFunc(units, func(a, b unit) int {
		return cmp.Or(cmp.Compare(a.kind(), b.kind()), cmp.Compare(a.firstRow(), b.firstRow()), cmp.Compare(a[0].at, b[0].at))
	})
	return units
}

// chunksOf packs units, in their order, into what one transaction writes.
func chunksOf(units []unit, most int) [][]unit {
	var chunks [][]unit
	start, rows, size := 0, 0, 0
	for i, u := range units {
		bytes := 0
		for _, e := range u {
			bytes += e.size()
		}
		if i > start && (rows+len(u) > most || size+bytes > chunkBytes) {
			chunks = append(chunks, units[start:i])
			start, rows, size = i, 0, 0
		}
		rows, size = rows+len(u), size+bytes
	}
	if start < len(units) {
		chunks = append(chunks, units[start:])
	}
	return chunks
}

// size is about how much text a decision puts into a statement.
func (e entry) size() int {
	p, n := e.Person, 200
	n += len(p.Name) + len(p.Email) + len(p.Phone) + len(p.Position) + len(p.ExternalID)
	if e.Row != nil {
		n += len(e.Row.Name) + len(e.Row.Email) + len(e.Row.Phone) + len(e.Row.Position)
	}
	return n
}

// pieces cuts what one statement may carry off a long list: within a chunk only a
// large group needs more than one piece.
func pieces(entries []entry) [][]entry {
	var out [][]entry
	start, size := 0, 0
	for i, e := range entries {
		if i > start && (i-start == chunkRows || size+e.size() > chunkBytes) {
			out = append(out, entries[start:i])
			start, size = i, 0
		}
		size += e.size()
	}
	if start < len(entries) {
		out = append(out, entries[start:])
	}
	return out
}
