package portalsim

import (
	"encoding/json"
	"time"
)

// User types as FILTER[USER_TYPE] names them (api-reference/user/user-get.md). A
// bot and an e-mail user exist in a portal but user.get never returns them.
const (
	Employee = "employee"
	Extranet = "extranet"
	MailUser = "email"
	Bot      = "bot"
)

// Person is somebody the portal knows. The zero values of texts and times are the
// portal's empty fields; [Shapes] says how those look.
type Person struct {
	ID             int64     `json:"id"`
	Active         bool      `json:"active"`
	UserType       string    `json:"user_type,omitempty"` // empty: employee
	Name           string    `json:"name,omitempty"`
	LastName       string    `json:"last_name,omitempty"`
	SecondName     string    `json:"second_name,omitempty"`
	Email          string    `json:"email,omitempty"`
	PersonalMobile string    `json:"personal_mobile,omitempty"`
	WorkPhone      string    `json:"work_phone,omitempty"`
	PersonalPhone  string    `json:"personal_phone,omitempty"`
	InnerPhone     string    `json:"inner_phone,omitempty"`
	Position       string    `json:"position,omitempty"`
	City           string    `json:"city,omitempty"`
	Departments    []int64   `json:"departments,omitempty"`
	Registered     time.Time `json:"registered,omitzero"`
	LastLogin      time.Time `json:"last_login,omitzero"`
	Changed        time.Time `json:"changed,omitzero"`
	Online         bool      `json:"online,omitempty"`

	// Raw replaces a field's JSON by the given text; an empty text leaves the field out.
	// Keys are Bitrix24's names: {"EMAIL": `{}`, "ID": `7`, "UF_DEPARTMENT": `false`}.
	Raw map[string]json.RawMessage `json:"raw,omitempty"`
}

func (p *Person) userType() string {
	if p.UserType == "" {
		return Employee
	}
	return p.UserType
}

// listed reports whether user.get may return the person at all: everybody except
// bots, users for e-mail, for Open Channels and Replica users (user-get.md).
func (p *Person) listed() bool {
	return p.userType() == Employee || p.userType() == Extranet
}

// Department is a node of the company structure. Parent is 0 for the root.
type Department struct {
	ID     int64  `json:"id"`
	Name   string `json:"name"`
	Sort   int64  `json:"sort"`
	Parent int64  `json:"parent"`
	Head   int64  `json:"head"` // a person's ID, 0 for none
}
