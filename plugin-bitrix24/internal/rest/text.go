package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// text is a value as portals write them: a string, a number (its digits are kept as
// they stand, a float would lose some), or empty as "", null, false, {}, [] or absent.
type text struct {
	value string
	// present is false only where the answer does not have the field at all.
	present bool
}

// UnmarshalJSON implements [json.Unmarshaler].
func (t *text) UnmarshalJSON(raw []byte) error {
	*t = text{present: true}
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return nil
	}
	switch c := raw[0]; {
	case c == '"':
		return json.Unmarshal(raw, &t.value)
	case c == '-' || c >= '0' && c <= '9':
		t.value = string(raw)
	case c == 't':
		t.value = "true"
	}
	return nil
}

// count is the value as a whole number from 0, or -1.
func (t text) count() int {
	n, err := strconv.Atoi(strings.TrimSpace(t.value))
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// truth reads a flag: true, "true", "Y", 1 and "1" (the handbook's 'Y' works as true).
func (t text) truth() bool {
	switch strings.ToUpper(strings.TrimSpace(t.value)) {
	case "TRUE", "Y", "1":
		return true
	}
	return false
}

// clean is the value as the engine wants it: NFC, trimmed, control characters and
// line separators as spaces. NUL stays, so that the engine can call the value invalid;
// invalid UTF-8 has become U+FFFD while the JSON was read.
func (t text) clean() string { return clean(t.value) }

func clean(s string) string {
	if plain(s) {
		return s
	}
	s = strings.Map(func(r rune) rune {
		if r != 0 && unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, norm.NFC.String(strings.ToValidUTF8(s, "\uFFFD")))
	return strings.TrimSpace(s)
}

// plain reports whether s is printable ASCII without a space at either end, which is
// nearly every value.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return s == "" || s[0] != ' ' && s[len(s)-1] != ' '
}

// list is a PHP array without names: a JSON list, or, after one of its elements was taken
// out, an object with numbers for names, in their order. Whatever else is written
// (null, false, "") is no list.
type list[T any] struct {
	items []T
	// valid: it is a list. present: there is something, be it a list or not.
	valid, present bool
}

// UnmarshalJSON implements [json.Unmarshaler].
func (l *list[T]) UnmarshalJSON(raw []byte) error {
	*l = list[T]{present: true}
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || raw[0] != '[' && raw[0] != '{' {
		return nil
	}
	l.valid = true
	if raw[0] == '[' {
		return json.Unmarshal(raw, &l.items)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		if key, _ := name.(string); orderOf(key) == "" && strings.Trim(key, "0") != "" || key == "" {
			return errors.New("an object where a list was expected")
		}
		var item T
		if err := d.Decode(&item); err != nil {
			return err
		}
		l.items = append(l.items, item)
	}
	return nil
}
