package crm

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Has reports whether the plugin lists a capability.
func (d Description) Has(c Capability) bool { return slices.Contains(d.Capabilities, c) }

// SettingsProblems holds settings against the described fields, in their order:
// required values that are missing, values that their type does not have, and keys
// that nobody described.
func (d Description) SettingsProblems(s Settings) []FieldProblem {
	var problems []FieldProblem
	described := map[string]bool{}
	for _, f := range d.Fields {
		described[f.Key] = true
		if message := f.problem(strings.TrimSpace(s.Get(f.Key))); message != (Text{}) {
			problems = append(problems, FieldProblem{Key: f.Key, Message: message})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s)) {
		if !described[key] {
			problems = append(problems, FieldProblem{Key: key, Message: Text{RU: "Такой настройки нет.", EN: "There is no such setting."}})
		}
	}
	return problems
}

// problem says what is wrong with a value, without showing it; the zero Text means
// nothing.
func (f Field) problem(value string) Text {
	switch {
	case value == "" && f.Required:
		return Text{RU: "Нужно значение.", EN: "A value is needed."}
	case value == "":
		return Text{}
	case f.Type == FieldBool && value != "true" && value != "false":
		return Text{RU: "Нужно true или false.", EN: "Want true or false."}
	case f.Type == FieldChoice && !slices.ContainsFunc(f.Choices, func(c Choice) bool { return c.Value == value }):
		values := make([]string, len(f.Choices))
		for i, c := range f.Choices {
			values[i] = c.Value
		}
		return Text{RU: fmt.Sprintf("Нужно одно из: %s.", strings.Join(values, ", ")), EN: fmt.Sprintf("Want one of: %s.", strings.Join(values, ", "))}
	case f.Type == FieldIDs:
		for id := range strings.SplitSeq(value, ",") {
			if n, err := strconv.ParseInt(strings.TrimSpace(id), 10, 64); err != nil || n <= 0 {
				return Text{RU: "Нужны номера больше нуля через запятую.", EN: "Want whole numbers above zero, comma separated."}
			}
		}
	}
	return Text{}
}
