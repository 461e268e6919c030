package portalsim

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

var reference = regexp.MustCompile(`\$result((?:\[[^\[\]]+\])+)`)

// resolve replaces $result[key][0][ID] in a command's parameters by what an earlier
// command answered (batch.md, "Using Results"). A reference that cannot be resolved
// stays what it is: text.
func resolve(params *array, earlier map[string]*answer) {
	for _, key := range params.keys {
		switch v := params.values[key].(type) {
		case *array:
			resolve(v, earlier)
		case string:
			if strings.Contains(v, "$result[") {
				params.values[key] = resolveText(v, earlier)
			}
		}
	}
}

func resolveText(s string, earlier map[string]*answer) any {
	if whole := reference.FindString(s); whole == s {
		if found := lookUp(s, earlier); found != nil {
			return found
		}
		return s
	}
	return reference.ReplaceAllStringFunc(s, func(match string) string {
		switch found := lookUp(match, earlier).(type) {
		case nil, *array:
			return match
		default:
			return text(found)
		}
	})
}

// lookUp returns nil for what is not there.
func lookUp(match string, earlier map[string]*answer) any {
	inner := strings.TrimSuffix(strings.TrimPrefix(match, "$result["), "]")
	path := strings.Split(inner, "][")
	a := earlier[path[0]]
	if a == nil || a.err != nil || a.missing {
		return nil
	}
	raw, path := a.raw, path[1:]
	if a.list {
		if len(path) > 0 {
			i, err := strconv.Atoi(path[0])
			if err != nil || i < 0 || i >= len(a.items) {
				return nil
			}
			raw, path = a.items[i], path[1:]
		} else {
			raw = a.appendResult(nil)
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	at, err := decodeJSON(decoder)
	if err != nil {
		return nil
	}
	for _, key := range path {
		object, ok := at.(*array)
		if !ok {
			return nil
		}
		at = object.get(key)
	}
	return at
}
