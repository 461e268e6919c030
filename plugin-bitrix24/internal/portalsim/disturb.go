package portalsim

import (
	"slices"
	"strconv"
)

// disturbPage applies the faults that change who is in a page, and remembers the
// page that was answered.
func (p *Portal) disturbPage(q *query, page []*entry) []*entry {
	e := q.effects
	if len(page) > 0 && e.has(EmptyPage) {
		page = nil
	}
	if len(page) > 0 && e.has(ShortPage) {
		page = page[:len(page)/2]
	}
	if len(p.lastPage) > 0 && e.has(RepeatedPage) {
		page = p.lastPage
	}
	if len(page) > 1 && e.has(IDsNotGrowing) {
		page = slices.Clone(page)
		slices.Reverse(page)
	}
	if len(page) > 1 && e.has(TwiceInPage) {
		page = slices.Clone(page)
		page[len(page)-1] = page[0]
	}
	p.lastPage = page
	return page
}

// disturbAnswer applies the faults that change how a page looks.
func (p *Portal) disturbAnswer(q *query, a *answer) {
	e := q.effects
	if len(a.items) > 0 && e.has(NullPerson) {
		a.items[len(a.items)/2] = []byte("null")
	}
	if len(a.items) > 0 && e.has(PersonWithoutID) {
		a.items[len(a.items)/2] = []byte(`{"ACTIVE":true,"NAME":"?"}`)
	}
	if len(a.items) > 0 && e.has(ListAsObject) {
		a.replace(string(asObject(a.items)))
	}
	if a.total < 0 {
		return
	}
	switch e.first(TotalTooHigh, TotalTooLow, TotalText) {
	case TotalTooHigh:
		a.total += 7
	case TotalTooLow:
		a.total = max(0, a.total-7)
	case TotalText:
		a.totalText = true
	}
}

// asObject is what PHP makes of a list one of whose elements was taken out.
func asObject(items [][]byte) []byte {
	out := []byte{'{'}
	for i, item := range items {
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendQuote(out, strconv.Itoa(i+1))
		out = append(append(out, ':'), item...)
	}
	return append(out, '}')
}
