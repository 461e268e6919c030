package portalsim

import (
	"strconv"
	"unicode/utf8"
)

// IDShape says how identifiers look.
type IDShape uint8

// The documentation shows strings; other servers answer numbers.
const (
	IDStrings IDShape = iota
	IDNumbers
	IDMixed // by person: odd ones are numbers
)

// EmptyShape says how an empty field looks.
type EmptyShape uint8

// All of them have been seen. EmptyAsDocumented is "" except for the two dates that
// are {} in user-get.md's example.
const (
	EmptyAsDocumented EmptyShape = iota
	EmptyNull
	EmptyObject
	EmptyList
	EmptyFalse
	EmptyAbsent
	EmptyMixed // all of the above, by person and field
)

// Shapes says how values look in the answers.
type Shapes struct {
	IDs   IDShape
	Empty EmptyShape
	// PlainUnicode sends letters as they are; PHP escapes them as \uXXXX.
	PlainUnicode bool
}

var emptyForms = [...]string{EmptyNull: "null", EmptyObject: "{}", EmptyList: "[]", EmptyFalse: "false"}

// appendPerson appends a person's JSON object with the chosen fields.
func (s Shapes) appendPerson(out []byte, p *Person, chosen []*field) []byte {
	out = append(out, '{')
	first := true
	for i, f := range chosen {
		start := len(out)
		if !first {
			out = append(out, ',')
		}
		out = append(out, '"')
		out = append(out, f.name...)
		out = append(out, '"', ':')
		before := len(out)
		if out = s.appendValue(out, p, f, i); len(out) == before {
			out = out[:start]
			continue
		}
		first = false
	}
	return append(out, '}')
}

// appendValue appends nothing for a field that the answer leaves out.
func (s Shapes) appendValue(out []byte, p *Person, f *field, at int) []byte {
	if raw, given := p.Raw[f.name]; given {
		return append(out, raw...)
	}
	switch f.kind {
	case kindActive:
		return strconv.AppendBool(out, p.Active)
	case kindID:
		if s.IDs == IDNumbers || s.IDs == IDMixed && p.ID%2 == 1 {
			return strconv.AppendInt(out, p.ID, 10)
		}
	case kindDepartments:
		if len(p.Departments) > 0 || s.Empty == EmptyAsDocumented {
			return appendIntegers(out, p.Departments)
		}
	}
	if value := f.get(p); value != "" {
		return s.appendText(out, value)
	}
	return s.appendEmpty(out, f, int(p.ID)+at)
}

func (s Shapes) appendEmpty(out []byte, f *field, at int) []byte {
	form := s.Empty
	if form == EmptyMixed {
		form = EmptyShape(at % int(EmptyMixed))
	}
	switch {
	case form == EmptyAbsent:
		return out
	case form != EmptyAsDocumented:
		return append(out, emptyForms[form]...)
	case f.name == "TIMESTAMP_X" || f.name == "LAST_ACTIVITY_DATE":
		return append(out, "{}"...)
	case f.kind == kindDepartments:
		return append(out, "[]"...)
	}
	return append(out, `""`...)
}

func appendIntegers(out []byte, list []int64) []byte {
	out = append(out, '[')
	for i, n := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendInt(out, n, 10)
	}
	return append(out, ']')
}

const hex = "0123456789abcdef"

// appendText appends a JSON string with PHP's escapes.
func (s Shapes) appendText(out []byte, value string) []byte {
	out = append(out, '"')
	for _, r := range value {
		switch {
		case r == '"' || r == '\\' || r == '/':
			out = append(out, '\\', byte(r))
		case r < 0x20 || r == 0x7f:
			out = appendEscape(out, r)
		case r < utf8.RuneSelf:
			out = append(out, byte(r))
		case s.PlainUnicode:
			out = utf8.AppendRune(out, r)
		case r > 0xffff:
			r -= 0x10000
			out = appendEscape(appendEscape(out, 0xd800+r>>10), 0xdc00+r&0x3ff)
		default:
			out = appendEscape(out, r)
		}
	}
	return append(out, '"')
}

func appendEscape(out []byte, r rune) []byte {
	return append(out, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}
