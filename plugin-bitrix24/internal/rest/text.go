package rest

import (
	"bytes"
	"strconv"
	"strings"

	"booking/shared/usersync"
)

// text is a value as portals write them: a string, a number (its digits are kept as
// they stand, a float would lose some), or empty as "", null, false, {}, [] or absent.
type text struct {
	value string
	// present is false only where the answer does not have the field at all.
	present bool
}

func parseText(raw []byte) text {
	t := text{present: true}
	raw = bytes.TrimSpace(raw)
	switch c := kindOf(raw); {
	case c == '"' && bytes.IndexByte(raw, '\\') < 0:
		t.value = string(raw[1 : len(raw)-1])
	case c == '"':
		t.value = unquote(raw)
	case c == '-' || c >= '0' && c <= '9':
		t.value = string(raw)
	case c == 't':
		t.value = "true"
	}
	return t
}

// count is the value as a whole number from 0, or -1.
func (t text) count() int {
	n, err := strconv.Atoi(strings.TrimSpace(t.value))
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// seconds is a time or a duration as the time block writes it; 0 when it is none.
func (t text) seconds() float64 {
	f, err := strconv.ParseFloat(t.value, 64)
	if err != nil {
		return 0
	}
	return f
}

// truth reads a flag: true, "true", "Y", 1 and "1" (the handbook's 'Y' works as true).
func (t text) truth() bool {
	switch strings.ToUpper(strings.TrimSpace(t.value)) {
	case "TRUE", "Y", "1":
		return true
	}
	return false
}

// clean is the value as the engine wants it.
func (t text) clean() string { return usersync.Clean(t.value) }

// parseList reads a PHP array without names: a JSON list, or, after one of its elements
// was taken out, an object with numbers for names, in their order. Whatever else is
// written (null, false, "") is no list: ok is false.
func parseList(raw []byte) (items [][]byte, ok bool) {
	ok = true
	switch kindOf(raw) {
	case '[':
		elements(raw, func(item []byte) { items = append(items, item) })
	case '{':
		members(raw, func(name, item []byte) {
			ok = ok && digits.Match(name)
			items = append(items, item)
		})
	default:
		ok = false
	}
	return items, ok
}
