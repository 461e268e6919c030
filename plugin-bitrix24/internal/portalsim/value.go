package portalsim

import (
	"encoding/json"
	"strconv"
	"strings"
)

// array is a PHP array: an ordered map whose list form has the keys 0..n-1. The
// order matters because a batch runs its commands in the order they were sent.
// Values are nil, bool, string, json.Number or *array.
type array struct {
	keys   []string
	values map[string]any
	next   int // the index `a[]=` takes
}

func newArray() *array { return &array{values: map[string]any{}} }

func (a *array) set(key string, value any) {
	if _, known := a.values[key]; !known {
		a.keys = append(a.keys, key)
	}
	a.values[key] = value
	if index, err := strconv.Atoi(key); err == nil && index >= a.next {
		a.next = index + 1
	}
}

func (a *array) push(value any) { a.set(strconv.Itoa(a.next), value) }

func (a *array) get(key string) any {
	if a == nil {
		return nil
	}
	return a.values[key]
}

// upper returns a copy whose keys are upper case. Of two keys that differ only in
// case the later one wins (or the first one, for servers that do it that way).
func (a *array) upper(firstWins bool) *array {
	out := newArray()
	for _, key := range a.keys {
		name := strings.ToUpper(key)
		if _, taken := out.values[name]; taken && firstWins {
			continue
		}
		out.set(name, a.values[key])
	}
	return out
}

// texts returns a value as a list of texts: an array's elements, or the value itself.
func texts(value any) []string {
	list, ok := value.(*array)
	if !ok {
		return []string{text(value)}
	}
	out := make([]string, 0, len(list.keys))
	for _, key := range list.keys {
		out = append(out, text(list.values[key]))
	}
	return out
}

// text converts as PHP does: true is "1", false and null are "".
func text(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "1"
		}
	}
	return ""
}

// integer converts as PHP's intval does: leading digits count, anything else is 0.
// This is why a filter with an unresolved reference starts from the beginning.
func integer(value any) int64 {
	digits := strings.TrimSpace(text(value))
	end := 0
	for end < len(digits) && (digits[end] >= '0' && digits[end] <= '9' || end == 0 && (digits[end] == '-' || digits[end] == '+')) {
		end++
	}
	n, err := strconv.ParseInt(digits[:end], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// truthy is PHP's conversion to boolean: the string "false" is true.
func truthy(value any) bool {
	switch v := value.(type) {
	case bool:
		return v
	case string:
		return v != "" && v != "0"
	case json.Number:
		return integer(v) != 0
	case *array:
		return len(v.keys) > 0
	}
	return false
}

// affirmative reads the values people send for a yes/no field: Y, true, 1 and N, false, 0.
func affirmative(value any) bool {
	switch strings.ToLower(text(value)) {
	case "y", "yes", "true", "1":
		return true
	}
	return false
}
