package store

import (
	"strings"

	"booking/host/internal/problem"
	"booking/shared/crm"
	"booking/shared/usersync"
)

// The fields of a form that a [Mistake] can be about.
const (
	FieldCompany  = "company"
	FieldName     = "name"
	FieldEmail    = "email"
	FieldPassword = "password"
	FieldRole     = "role"
	FieldActive   = "active"
	FieldPhone    = "phone"
	FieldLink     = "link" // the external id, whatever its column
)

// Mistake says what is wrong with one value.
type Mistake struct {
	Field   string
	Message crm.Text
	// Holder is the person of the same tenant who has the value already; the zero
	// value for nobody, and for somebody who is none of the tenant's business.
	Holder User

	taken bool // a unique key has the value already
}

// MistakesError says which values break a rule; nothing was saved. It is ErrInvalid.
type MistakesError struct{ Mistakes []Mistake }

// Error implements error, in English.
func (e *MistakesError) Error() string { return e.Unwrap().Error() }

// Unwrap is the first mistake as an error that a person reads.
func (e *MistakesError) Unwrap() error { return problem.New(ErrInvalid, e.Mistakes[0].Message, nil) }

// mistakes are collected while a form is judged.
type mistakes []Mistake

// note keeps the sentence of err, if there is one, for a field.
func (m *mistakes) note(field string, err error) {
	if err != nil {
		*m = append(*m, Mistake{Field: field, Message: problem.TextOf(err)})
	}
}

// err is nil or a *MistakesError.
func (m mistakes) err() error {
	if len(m) == 0 {
		return nil
	}
	return &MistakesError{m}
}

// refusedValue makes a mistake of what the database says about one value of users: a
// unique key that has it already, a column that cannot hold it. Other errors stay.
func refusedValue(err error, linkColumn string) error {
	var m mistakes
	switch number(err) {
	case duplicateKey:
		field := FieldLink
		if strings.Contains(usersync.Culprit(err), "email") {
			field = FieldEmail
		}
		// Whose it is stays unsaid: it may be another tenant's.
		m.note(field, invalid("Это значение уже занято", "This value is already taken"))
		m[0].taken = true
	case 1366, 1406, 3988: // a character the column's set does not have, too long, a character that cannot be converted
		field := usersync.Culprit(err)
		if field == linkColumn {
			field = FieldLink
		}
		m.note(field, invalid("База данных не может сохранить это значение: оно слишком длинное или в нём есть неподходящие символы",
			"The database cannot hold this value: it is too long or has characters that do not fit"))
	default:
		return err
	}
	return m.err()
}
