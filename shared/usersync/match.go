package usersync

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"booking/shared/crm"
)

// none is the index of nothing.
const none = int32(-1)

// wish is what a person asks of the address of the row.
type wish uint8

const (
	wantsNone wish = iota // empty in the portal, cannot be stored, or an administrator's row
	wantsOwn              // the row has the very address already
	wantsNew              // an address would be written
)

// candidate is a person as far as it can be judged without the database.
// Candidates stand in the order of the plan, so a lower index is a lower id.
type candidate struct {
	person  int32  // in Draft.people
	row     int32  // in Draft.rows, or none
	number  int64  // the external id; 0 when it is no number
	address string // normalised
	invalid string // the field that cannot be stored (rule 10), or ""
	linked  bool   // the row was found by its link
	wish    wish
}

// duplicate is a further row under the link of a candidate (rule 3).
type duplicate struct{ candidate, row int32 }

// ParseID reads an external id: a whole number from 1 to 2^63-1 without leading
// zeros or a sign (rule 10). It returns 0 for anything else.
func ParseID(id string) int64 {
	if id == "" || id[0] < '1' || id[0] > '9' {
		return 0
	}
	number, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return 0
	}
	return number
}

// rank makes the candidates in the order of the plan and judges their values.
// An external id that came twice makes the whole reading unbelievable.
func (d *Draft) rank(storable Storable) error {
	d.candidates = make([]candidate, len(d.people))
	for i, p := range d.people {
		c := candidate{person: int32(i), row: none, number: ParseID(p.ExternalID), address: Normalize(p.Email)}
		if c.number == 0 || !storable.Link.holds(p.ExternalID) {
			c.invalid = fieldID
		} else {
			c.invalid = storable.refuses(p, c.address, d.options)
		}
		d.candidates[i] = c
	}
	slices.SortFunc(d.candidates, d.compare)
	for i := 1; i < len(d.candidates); i++ {
		if n := d.candidates[i].number; n != 0 && n == d.candidates[i-1].number {
			return crm.NewError(crm.CodePortalAnswer, crm.Text{
				RU: fmt.Sprintf("Портал дважды вернул сотрудника с ID %d: такому списку нельзя доверять, ничего не изменено. Повторите синхронизацию.", n),
				EN: fmt.Sprintf("The portal returned the person with ID %d twice: such a list cannot be trusted, nothing was changed. Run the sync again.", n),
			}, nil)
		}
	}
	return nil
}

// compare orders by number; what is no number comes last, in byte order.
func (d *Draft) compare(a, b candidate) int {
	switch {
	case a.number != 0 && b.number != 0:
		return cmp.Compare(a.number, b.number)
	case a.number != 0:
		return -1
	case b.number != 0:
		return 1
	}
	return cmp.Or(
		cmp.Compare(d.people[a.person].ExternalID, d.people[b.person].ExternalID),
		cmp.Compare(a.person, b.person))
}

// matchByLink gives each person the lowest row under the link; the further rows
// become duplicates. People whose other values cannot be stored have their row
// too: the history names it, and it keeps its address.
func (d *Draft) matchByLink() {
	byID := make(map[string]int32, len(d.candidates))
	for i, c := range d.candidates {
		if c.number != 0 {
			byID[d.people[c.person].ExternalID] = int32(i)
		}
	}
	for r := range d.rows {
		i, ok := byID[d.rows[r].Link]
		if !ok {
			continue
		}
		c, row := &d.candidates[i], int32(r)
		if c.row != none {
			if d.rows[row].ID < d.rows[c.row].ID {
				c.row, row = row, c.row
			}
			d.duplicates = append(d.duplicates, duplicate{i, row})
			continue
		}
		c.row, c.linked = row, true
	}
	slices.SortFunc(d.duplicates, func(a, b duplicate) int {
		return cmp.Or(cmp.Compare(a.candidate, b.candidate), cmp.Compare(d.rows[a.row].ID, d.rows[b.row].ID))
	})
}

// matchByAddress gives the people without a link the rows without a link that
// have their address. Only stray spaces can let several rows have one: then a row
// without them comes first (the other could not get rid of its own), then the
// lowest id. Several people get one row each, the lowest id first, because
// that is what the next run would come to.
func (d *Draft) matchByAddress() {
	rows := d.unlinkedRows()
	byAddress := make(map[string]int32, len(rows)) // the first of them, in rows
	next := make([]int32, len(rows))               // the one after it with the same address
	for i := int32(len(rows)) - 1; i >= 0; i-- {
		address := Normalize(d.rows[rows[i]].Email)
		next[i] = none
		if later, ok := byAddress[address]; ok {
			next[i] = later
		}
		byAddress[address] = i
	}
	for i := range d.candidates {
		c := &d.candidates[i]
		if c.row != none || c.invalid != "" || c.address == "" {
			continue
		}
		if first, ok := byAddress[c.address]; ok && first != none {
			c.row = rows[first]
			byAddress[c.address] = next[first]
		}
	}
}

// unlinkedRows are in the order in which they are given to people.
func (d *Draft) unlinkedRows() []int32 {
	var rows []int32
	for i := range d.rows {
		if d.rows[i].Link == "" {
			rows = append(rows, int32(i))
		}
	}
	slices.SortFunc(rows, func(a, b int32) int {
		return cmp.Or(
			cmp.Compare(stray(d.rows[a].Email), stray(d.rows[b].Email)),
			cmp.Compare(d.rows[a].ID, d.rows[b].ID))
	})
	return rows
}

// stray is 1 for an address with white space around it.
func stray(address string) int { return min(1, len(address)-len(strings.TrimSpace(address))) }
