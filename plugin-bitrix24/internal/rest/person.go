package rest

import (
	"errors"
	"slices"
	"strings"
)

// Person is an active employee of the portal, with clean values; empty is what the
// portal has no value for.
type Person struct {
	ID       string
	Name     string // NAME and LAST_NAME
	Email    string
	Phone    string // PERSONAL_MOBILE, else WORK_PHONE, else PERSONAL_PHONE
	Position string
	// Departments are the IDs of where the person works, comma separated, for a [Query]
	// with Membership.
	Departments string
}

// wireUser is a user as user.get writes one; every field may be absent (scope, select).
type wireUser struct {
	id, active, kind, name, lastName, email text
	mobile, workPhone, phone, position      text
	departments                             []string
	departmentsShown                        bool
	order                                   string // see orderOf
}

// parseUser reads one user.
func parseUser(raw []byte) wireUser {
	var u wireUser
	members(raw, func(name, value []byte) {
		if field := u.field(name); field != nil {
			*field = parseText(value)
		} else if string(name) == "UF_DEPARTMENT" {
			u.departments, u.departmentsShown = parseIDs(value), true
		}
	})
	u.order = orderOf(u.id.clean())
	return u
}

// field is where a field of the portal goes; nil for those nobody asked for.
func (u *wireUser) field(name []byte) *text {
	switch string(name) {
	case "ID":
		return &u.id
	case "ACTIVE":
		return &u.active
	case "USER_TYPE":
		return &u.kind
	case "NAME":
		return &u.name
	case "LAST_NAME":
		return &u.lastName
	case "EMAIL":
		return &u.email
	case "PERSONAL_MOBILE":
		return &u.mobile
	case "WORK_PHONE":
		return &u.workPhone
	case "PERSONAL_PHONE":
		return &u.phone
	case "WORK_POSITION":
		return &u.position
	}
	return nil
}

// parseIDs reads a list of numbers or strings, one of them alone, or empty.
func parseIDs(raw []byte) []string {
	items, ok := parseList(raw)
	if !ok {
		items = [][]byte{raw}
	}
	var ids []string
	for _, item := range items {
		if id := parseText(item).clean(); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// parsePage reads one page of people into page, whose memory it uses if there is enough.
// Anything but a list of people with IDs is an error.
func parsePage(raw []byte, page []wireUser) ([]wireUser, error) {
	items, ok := parseList(raw)
	if !ok {
		return nil, errors.New("a page of people is no list")
	}
	page = page[:0]
	for _, item := range items {
		u := parseUser(item)
		if u.order == "" && u.id.clean() == "" {
			return nil, errors.New("a page holds something without an ID")
		}
		page = append(page, u)
	}
	return page, nil
}

// employee is rule 2 of the sync: the answer itself must say so.
func (u *wireUser) employee() bool {
	kind := u.kind.clean()
	return u.active.truth() && (kind == "" || strings.EqualFold(kind, "employee"))
}

func (u *wireUser) inside(departments map[string]bool) bool {
	return len(departments) == 0 || slices.ContainsFunc(u.departments, func(id string) bool { return departments[id] })
}

func (u *wireUser) person(q Query) Person {
	if q.Membership {
		return Person{ID: u.id.clean(), Departments: strings.Join(u.departments, ",")}
	}
	p := Person{
		ID:    u.id.clean(),
		Name:  strings.TrimSpace(u.name.clean() + " " + u.lastName.clean()),
		Email: u.email.clean(),
	}
	if q.Phone {
		p.Phone = firstOf(u.mobile.clean(), u.workPhone.clean(), u.phone.clean())
	}
	if q.Position {
		p.Position = u.position.clean()
	}
	return p
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// orderOf is an ID as something that sorts: digits without leading zeros, of any length
// (a float or an int64 would not hold all of them). "" is no ID that could be sorted.
func orderOf(id string) string {
	for i := range len(id) {
		if id[i] < '0' || id[i] > '9' {
			return ""
		}
	}
	return strings.TrimLeft(id, "0")
}

// compare compares two orders.
func compare(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

func less(a, b string) bool { return compare(a, b) < 0 }
