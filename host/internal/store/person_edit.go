package store

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"booking/shared/usersync"
)

// PersonEdit is what somebody at the pages wants a person of a tenant to be.
type PersonEdit struct {
	// By is who wants it.
	By       Account
	TenantID int64
	// ID is the person; 0 makes a new one.
	ID int64
	// Seen is the Version of the person whom By was shown.
	Seen  string
	Shape PeopleShape
	// The values, as they were typed. Phone and Link count where the columns are there.
	Name, Email, Role, Phone, Link string
	Active                         bool
}

// clean brings the values into the form in which they are stored. One that is still as
// before stays as it is to the letter, whatever it is; what an input of one line cannot
// hold is no change.
func (e *PersonEdit) clean(before User) {
	tidy := func(value *string, was string, tidied func(string) string) {
		if *value == strings.NewReplacer("\r", "", "\n", "").Replace(was) {
			*value = was
			return
		}
		*value = tidied(*value)
	}
	tidy(&e.Name, before.Name, usersync.Clean)
	tidy(&e.Email, before.Email, usersync.Normalize)
	tidy(&e.Phone, before.Phone, usersync.Clean)
	tidy(&e.Link, before.Link, strings.TrimSpace)
	if !e.Shape.Phone {
		e.Phone = before.Phone
	}
	if e.Shape.Link == "" {
		e.Link = before.Link
	}
}

// applied is the person with the edit's values.
func (e PersonEdit) applied(u User) User {
	u.Name, u.Email, u.Role, u.Phone, u.Link, u.Active = e.Name, e.Email, e.Role, e.Phone, e.Link, e.Active
	return u
}

// mistakes holds the rules for what is new or has changed: a value that breaks one and
// has been there all the time keeps nobody from changing the others.
func (e PersonEdit) mistakes(before User) error {
	var m mistakes
	fresh := e.ID == 0
	if fresh || e.Name != before.Name {
		m.note(FieldName, checkName(e.Name))
	}
	if fresh || e.Email != before.Email {
		m.note(FieldEmail, checkAddress(e.Email))
	}
	if fresh || e.Role != before.Role {
		m.note(FieldRole, e.checkRole())
	}
	if e.Phone != before.Phone {
		m.note(FieldPhone, checkPhone(e.Phone))
	}
	if e.Link != before.Link && e.Link != "" && usersync.ParseID(e.Link) == 0 {
		m.note(FieldLink, invalid("Нужно целое число больше нуля, без нулей впереди", "A whole number above zero is needed, without leading zeros"))
	}
	return m.err()
}

func (e PersonEdit) checkRole() error {
	if !slices.Contains([]string{RoleAdmin, RoleManager, RoleEmployee}, e.Role) || (User{Role: e.Role}).Above(e.By) {
		return invalid("Такую роль здесь назначить нельзя", "This role cannot be given here")
	}
	return nil
}

func checkPhone(phone string) error {
	switch {
	case utf8.RuneCountInString(phone) > maxText:
		return invalid("Телефон длиннее 255 символов", "The phone is longer than 255 characters")
	case strings.ContainsRune(phone, 0) || !utf8.ValidString(phone):
		return invalid("В телефоне есть недопустимые символы", "The phone holds characters that are not allowed")
	}
	return nil
}

// personChange is one value of a person that changes.
type personChange struct {
	column, action string
	value          any // what the column gets; nil for its own default
	old, new       string
}

// changes are the values that are not yet as they are to be.
func (e PersonEdit) changes(before User) []personChange {
	var changes []personChange
	text := func(column, action, old, new string) {
		if old == new {
			return
		}
		change := personChange{column: column, action: action, old: old, new: new, value: new}
		if new == "" {
			change.value = nil // NULL, or '' where an older server wants no NULL
		}
		changes = append(changes, change)
	}
	text("name", AuditName, before.Name, e.Name)
	text("email", AuditEmail, before.Email, e.Email)
	text("role", AuditRole, before.Role, e.Role)
	text("phone", AuditPhone, before.Phone, e.Phone)
	text(e.Shape.Link, AuditLink, before.Link, e.Link)
	if before.Active != e.Active {
		changes = append(changes, personChange{
			column: "is_active", action: AuditActive, value: e.Active, old: strconv.FormatBool(before.Active), new: strconv.FormatBool(e.Active),
		})
	}
	return changes
}

// newcomerChanges is somebody new as the audit tells it: what is not so of everybody.
func newcomerChanges(u User) []personChange {
	e := PersonEdit{Name: u.Name, Email: u.Email, Role: u.Role, Phone: u.Phone, Link: u.Link, Active: u.Active}
	changes := e.changes(User{Active: true})
	changes[0].action = AuditCreated
	return changes
}

// personAudit notes changes of a person.
func personAudit(by Account, tenantID, id int64, changes []personChange) []AuditEntry {
	var entries []AuditEntry
	for _, c := range changes {
		entries = append(entries, AuditEntry{
			TenantID: tenantID, UserID: by.ID, UserName: by.Name, Action: c.action, Subject: strconv.FormatInt(id, 10), Old: c.old, New: c.new,
		})
	}
	return entries
}

// column is the link's, to be compared without a function around it: by its index.
func (p PeopleShape) column() bun.Ident { return bun.Ident(p.Link) }
