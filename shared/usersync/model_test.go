package usersync

import (
	"slices"
	"strings"

	"booking/shared/crm"
)

// model is the contract read aloud: rules 3 to 10 as literally as can be, with
// loops inside loops. It shares nothing with the planner but Normalize, and sees
// the table itself where the planner only has answers about addresses.
type model struct {
	world
	people []Person                // who can be stored, lowest id first
	match  map[string]*Row         // external id -> row
	linked map[string]bool         // matched by link
	wish   map[string]addressClass // external id -> class it wants
	winner map[addressClass]string
	stays  map[string]bool // who won and was refused by rule 7
}

type addressClass = string

func newModel(w world) *model {
	m := &model{world: w, match: map[string]*Row{}, linked: map[string]bool{}, wish: map[string]addressClass{},
		winner: map[addressClass]string{}, stays: map[string]bool{}}
	for _, p := range w.people {
		if modelInvalid(p, w.options) == "" {
			m.people = append(m.people, p)
		}
	}
	slices.SortFunc(m.people, func(a, b Person) int { return lessNumber(a.ExternalID, b.ExternalID) })
	m.rule3()
	m.rule6()
	m.rule7()
	return m
}

// lessNumber compares numbers without leading zeros as texts.
func lessNumber(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// modelInvalid knows only the defects that the random worlds contain.
func modelInvalid(p Person, o Options) string {
	switch {
	case !slices.Contains(strings.Split("1 2 3 4 5 6 7 8 9 10 11 12", " "), p.ExternalID):
		return "id"
	case strings.Contains(p.Name, "\x00"):
		return "name"
	case strings.Contains(p.Email, "\x00"):
		return "email"
	case o.Phone && strings.Contains(p.Phone, "\x00"):
		return "phone"
	case o.Position && strings.Contains(p.Position, "\x00"):
		return "position"
	}
	return ""
}

// rowsByID are the tenant's rows, lowest id first.
func (m *model) rowsByID() []*Row {
	var rows []*Row
	for i := range m.rows {
		rows = append(rows, &m.rows[i])
	}
	slices.SortFunc(rows, func(a, b *Row) int { return int(a.ID - b.ID) })
	return rows
}

func (m *model) rule3() {
	for _, p := range m.people {
		for _, r := range m.rowsByID() {
			if r.Link == p.ExternalID {
				m.match[p.ExternalID], m.linked[p.ExternalID] = r, true
				break
			}
		}
	}
	for _, p := range m.people {
		if m.match[p.ExternalID] != nil || Normalize(p.Email) == "" {
			continue
		}
		for _, r := range slices.Backward(m.rowsByID()) {
			if r.Link != "" || Normalize(r.Email) != Normalize(p.Email) || m.personOf(r) != "" {
				continue
			}
			best := m.match[p.ExternalID]
			if best == nil || strings.TrimSpace(best.Email) != best.Email || strings.TrimSpace(r.Email) == r.Email {
				m.match[p.ExternalID] = r
			}
		}
	}
}

func (m *model) personOf(r *Row) string {
	for _, p := range m.people {
		if m.match[p.ExternalID] == r {
			return p.ExternalID
		}
	}
	return ""
}

// holder is the row of the tenant that holds a class; foreign means somebody else's does.
func (m *model) holder(c addressClass) (r *Row, foreign bool) {
	for _, r := range m.rowsByID() {
		if class(r.Email) == c {
			return r, false
		}
	}
	for _, f := range m.foreign {
		if class(f) == c {
			return nil, true
		}
	}
	return nil, false
}

func (m *model) rule6() {
	for _, p := range m.people {
		r := m.match[p.ExternalID]
		if Normalize(p.Email) == "" || (r != nil && r.Administrator()) {
			continue
		}
		m.wish[p.ExternalID] = class(Normalize(p.Email))
	}
	for _, c := range m.wish {
		var first, holdsLinked, holdsMatched string
		for _, p := range slices.Backward(m.people) {
			id := p.ExternalID
			if wish, ok := m.wish[id]; !ok || wish != c {
				continue
			}
			first = id
			if h, _ := m.holder(c); h != nil && m.match[id] == h {
				if m.linked[id] {
					holdsLinked = id
				} else {
					holdsMatched = id
				}
			}
		}
		m.winner[c] = orElse(holdsLinked, orElse(holdsMatched, first))
	}
}

// gets reports whether a person has the address it wants when all is done.
func (m *model) gets(id string) bool {
	c, wants := m.wish[id]
	return wants && m.winner[c] == id && !m.stays[id]
}

// leaves reports whether a row will have an address of another class.
func (m *model) leaves(r *Row) bool {
	id := m.personOf(r)
	return id != "" && m.gets(id) && m.wish[id] != class(r.Email)
}

func (m *model) rule7() {
	for changed := true; changed; {
		changed = false
		for id, c := range m.wish {
			h, foreign := m.holder(c)
			if m.gets(id) && (foreign || (h != nil && h != m.match[id] && !m.leaves(h))) {
				m.stays[id], changed = true, true
			}
		}
	}
}

// decide says about one person what the planner's say says, without the group.
func (m *model) decide(p Person) string {
	id, r, address := p.ExternalID, m.match[p.ExternalID], Normalize(p.Email)
	d := Decision{Person: p, Row: r}
	c, wants := m.wish[id]
	switch {
	case modelInvalid(p, m.options) != "":
		d.Action, d.Reason, d.Field = crm.ActionSkipped, crm.ReasonInvalid, modelInvalid(p, m.options)
		for _, r := range slices.Backward(m.rowsByID()) {
			if r.Link == id && d.Field != "id" {
				d.Row = r
			}
		}
		return say(d)
	case wants && m.winner[c] != id:
		d.Action, d.Reason, d.OtherExternalID = crm.ActionConflict, crm.ReasonDuplicateEmail, m.winner[c]
		if other := m.match[m.winner[c]]; other != nil {
			d.OtherUserID = other.ID
		}
	case wants && m.stays[id]:
		d.Action, d.Reason = crm.ActionConflict, crm.ReasonEmailTaken
		if h, _ := m.holder(c); h != nil {
			d.OtherUserID, d.OtherExternalID = h.ID, orElse(m.personOf(h), h.Link)
		}
	case r != nil && r.Administrator() && address != "" && address != Normalize(r.Email):
		d.Action, d.Reason = crm.ActionConflict, crm.ReasonAdminEmail
	case r == nil && address == "":
		d.Action, d.Reason = crm.ActionSkipped, crm.ReasonNoEmail
	case r == nil:
		d.Action, d.SetLink, d.Row = crm.ActionCreated, true, &Row{}
	case !m.linked[id]:
		d.Action, d.Reason, d.SetLink = crm.ActionUpdated, crm.ReasonLinked, true
	}
	m.values(&d, address)
	if d.Action == crm.ActionCreated {
		d.Row = nil
	}
	return say(d)
}

func (m *model) values(d *Decision, address string) {
	if d.Row == nil || (d.Action == crm.ActionConflict && !m.linked[d.Person.ExternalID]) {
		return
	}
	p, r := d.Person, d.Row
	if p.Name == "" && d.Action == crm.ActionCreated {
		p.Name = "Сотрудник " + p.ExternalID
	}
	if p.Name != "" && p.Name != r.Name {
		d.Set.Name = &p.Name
	}
	if p.Phone != "" && p.Phone != r.Phone && m.options.Phone {
		d.Set.Phone = &p.Phone
	}
	if p.Position != "" && p.Position != r.Position && m.options.Position {
		d.Set.Position = &p.Position
	}
	if d.Action != crm.ActionConflict && address != "" && address != strings.ToLower(r.Email) && !r.Administrator() {
		d.Set.Email = &address
	}
	if d.Action == "" && d.Set != (Values{}) {
		d.Action = crm.ActionUpdated
	}
}

// groups joins, as long as anything can be joined, everybody who gets an address
// with whoever holds it now.
func (m *model) groups() map[string]string {
	label := map[string]string{}
	for changed := true; changed; {
		changed = false
		for id, c := range m.wish {
			h, _ := m.holder(c)
			if !m.gets(id) || h == nil || h == m.match[id] {
				continue
			}
			a, b := orElse(label[id], id), orElse(label[m.personOf(h)], m.personOf(h))
			lowest := min(a, b)
			if label[id] != lowest || label[m.personOf(h)] != lowest {
				label[id], label[m.personOf(h)], changed = lowest, lowest, true
			}
		}
	}
	return label
}
