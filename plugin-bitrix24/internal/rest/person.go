package rest

import (
	"encoding/json"
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
}

// wireUser is a user as user.get writes one; every field may be absent (scope, select).
type wireUser struct {
	ID         text       `json:"ID"`
	Active     text       `json:"ACTIVE"`
	Type       text       `json:"USER_TYPE"`
	Name       text       `json:"NAME"`
	LastName   text       `json:"LAST_NAME"`
	Email      text       `json:"EMAIL"`
	Mobile     text       `json:"PERSONAL_MOBILE"`
	WorkPhone  text       `json:"WORK_PHONE"`
	Phone      text       `json:"PERSONAL_PHONE"`
	Position   text       `json:"WORK_POSITION"`
	Department list[text] `json:"UF_DEPARTMENT"`
}

// parsePage reads one page of people. Anything but a list of people with IDs is an
// error.
func parsePage(raw json.RawMessage) ([]wireUser, error) {
	var page list[wireUser]
	if err := json.Unmarshal(raw, &page); err != nil || !page.valid {
		return nil, errors.New("a page of people is no list")
	}
	for i := range page.items {
		if page.items[i].ID.clean() == "" {
			return nil, errors.New("a page holds something without an ID")
		}
	}
	return page.items, nil
}

// employee is rule 2 of the sync: the answer itself must say so.
func (u *wireUser) employee() bool {
	kind := u.Type.clean()
	return u.Active.truth() && (kind == "" || strings.EqualFold(kind, "employee"))
}

func (u *wireUser) inside(departments map[string]bool) bool {
	return len(departments) == 0 || slices.ContainsFunc(u.Department.items, func(id text) bool { return departments[id.clean()] })
}

func (u *wireUser) person(q Query) Person {
	p := Person{
		ID:    u.ID.clean(),
		Name:  strings.TrimSpace(u.Name.clean() + " " + u.LastName.clean()),
		Email: u.Email.clean(),
	}
	if q.Phone {
		p.Phone = firstOf(u.Mobile.clean(), u.WorkPhone.clean(), u.Phone.clean())
	}
	if q.Position {
		p.Position = u.Position.clean()
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

// less compares two orders.
func less(a, b string) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}
