package portalsim

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strings"
)

const pageSize = 50

// userGet answers user.get (api-reference/user/user-get.md).
func (p *Portal) userGet(q *query) *answer {
	filter, start, counted := p.readUserGet(q)
	list := p.arrange(q, p.inRange(q, filter))
	total := len(list)
	offset := min(start/pageSize*pageSize, total)
	if p.options.Dialect.RepeatsLastPage && offset == total && total > 0 {
		offset = (total - 1) / pageSize * pageSize
	}
	page := list[offset:min(offset+pageSize, total)]
	page = p.disturbPage(q, page)

	a := listOf(p.encode(page, p.chosen(q)))
	switch {
	case counted:
		a.total = total
		if offset+pageSize < total && !q.effects.has(NextMissing) {
			a.next = offset + pageSize
		}
	case p.options.Dialect.Counting == CountZero:
		a.total = 0
	}
	p.disturbAnswer(q, a)
	return a
}

// readUserGet returns the filter, the offset and whether the people are counted.
// Without a FILTER the parameters themselves are one, as in the documentation's
// examples with UF_DEPARTMENT beside SORT.
func (p *Portal) readUserGet(q *query) (filter, int, bool) {
	keys, given := q.params.get("FILTER").(*array)
	if !given {
		keys = q.params
	}
	f := compileFilter(keys)
	if len(f.rest) > 0 && slices.ContainsFunc(f.rest, func(c condition) bool { return c.field == fieldByName["ACTIVE"] }) && q.effects.has(IgnoresActive) {
		f = f.without("ACTIVE")
	}
	if unbounded := f.without("ID"); (f.from != unbounded.from || f.to != unbounded.to) && q.effects.has(IgnoresID) {
		f = unbounded
	}
	start := int(integer(q.params.get("START")))
	if start != 0 && q.effects.has(IgnoresStart) {
		start = 0
	}
	return f, max(start, 0), start >= 0 || p.options.Dialect.Counting == CountAll
}

// inRange returns the people the filter lets through, ordered by ID.
func (p *Portal) inRange(q *query, f filter) []*entry {
	if p.lists.version != p.state.version {
		p.lists.version, p.lists.byFilter = p.state.version, map[string][]*entry{}
	}
	everybody := !p.options.Dialect.NeedsAdminMode || affirmative(q.params.get("ADMIN_MODE"))
	key := yesNo(everybody) + f.signature()
	list, known := p.lists.byFilter[key]
	if !known {
		for _, e := range p.state.entries {
			if e.person.listed() && (everybody || e.person.Active && e.person.userType() == Employee) && f.matches(&e.person) {
				list = append(list, e)
			}
		}
		if len(p.lists.byFilter) > 32 {
			clear(p.lists.byFilter)
		}
		p.lists.byFilter[key] = list
	}
	byID := func(e *entry, id int64) int { return cmp.Compare(e.person.ID, id) }
	from, _ := slices.BinarySearchFunc(list, f.from, byID)
	to, found := slices.BinarySearchFunc(list, f.to, byID)
	if found {
		to++
	}
	return list[from:max(from, to)]
}

// arrange applies SORT and ORDER, two strings; anything else counts as not given.
func (p *Portal) arrange(q *query, list []*entry) []*entry {
	by, sorted := q.params.get("SORT").(string)
	order, directed := q.params.get("ORDER").(string)
	if p.options.Dialect.NeedsSortStrings && (!sorted || !directed) || len(list) > 1 && q.effects.has(IgnoresOrder) {
		return p.shuffle(list)
	}
	f := fieldByName[strings.ToUpper(by)]
	if f != nil && f.kind != kindID {
		list = slices.Clone(list)
		slices.SortStableFunc(list, func(a, b *entry) int { return strings.Compare(f.get(&a.person), f.get(&b.person)) })
	}
	if strings.EqualFold(order, "DESC") {
		list = slices.Clone(list)
		slices.Reverse(list)
	}
	return list
}

// shuffle is the order of a database that was not asked for one: another each time.
func (p *Portal) shuffle(list []*entry) []*entry {
	p.shuffles++
	rank := func(e *entry) uint64 { return maphash.Comparable(p.seed, [2]int64{e.person.ID, p.shuffles}) }
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b *entry) int { return cmp.Compare(rank(a), rank(b)) })
	return list
}

// chosen returns the fields that select and the scope leave over; unknown names are
// skipped without an error.
func (p *Portal) chosen(q *query) []*field {
	var names []string
	if list := q.params.get("SELECT"); list != nil {
		names = texts(list)
	}
	all := slices.Contains(names, "*") || len(names) > 0 && q.effects.has(IgnoresSelect)
	var out, visible []*field
	for _, f := range fields {
		if f.seen&p.access == 0 {
			continue
		}
		visible = append(visible, f)
		if slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, f.name) }) {
			out = append(out, f)
		}
	}
	if all || len(out) == 0 {
		return visible
	}
	return out
}

// encode returns the people's JSON; a form that was made once is kept.
func (p *Portal) encode(page []*entry, chosen []*field) [][]byte {
	var b strings.Builder
	for _, f := range chosen {
		b.WriteString(f.name)
		b.WriteByte(',')
	}
	shape := b.String()
	out := make([][]byte, len(page))
	for i, e := range page {
		body, known := e.encoded[shape]
		if !known {
			body = p.options.Shapes.appendPerson(nil, &e.person, chosen)
			if e.encoded == nil {
				e.encoded = make(map[string][]byte, 1)
			}
			e.encoded[shape] = body
		}
		out[i] = body
	}
	return out
}
