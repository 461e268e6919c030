package portalsim

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// prefixes of a filter's key, the longer ones first (user-get.md, "FILTER").
var prefixes = []string{"!=%", "!%=", ">=", "<=", "!@", "=%", "%=", "!%", "!=", ">", "<", "@", "%", "=", "!"}

// filter is a compiled FILTER: a range of IDs, which an index answers, and the rest.
type filter struct {
	from, to int64 // IDs, both included
	rest     []condition
}

type condition struct {
	operator string
	field    *field
	search   bool // NAME_SEARCH
	values   []string
}

// compileFilter reads FILTER's keys; what is no field is ignored.
func compileFilter(keys *array) filter {
	f := filter{from: math.MinInt64, to: math.MaxInt64}
	if keys == nil {
		return f
	}
	for _, key := range keys.keys {
		operator, name := "", strings.ToUpper(strings.TrimSpace(key))
		for _, prefix := range prefixes {
			if strings.HasPrefix(name, prefix) {
				operator, name = prefix, name[len(prefix):]
				break
			}
		}
		c := condition{operator: operator, field: fieldByName[name], search: name == "NAME_SEARCH", values: texts(keys.values[key])}
		if c.field == nil && !c.search || f.narrow(c) {
			continue
		}
		f.rest = append(f.rest, c)
	}
	return f
}

// narrow takes a comparison of ID into the range and reports whether it could.
func (f *filter) narrow(c condition) bool {
	if c.field == nil || c.field.kind != kindID || len(c.values) != 1 {
		return false
	}
	n := integer(c.values[0])
	switch c.operator {
	case ">":
		f.from = max(f.from, n+1)
	case ">=":
		f.from = max(f.from, n)
	case "<":
		f.to = min(f.to, n-1)
	case "<=":
		f.to = min(f.to, n)
	case "", "=", "@":
		f.from, f.to = max(f.from, n), min(f.to, n)
	default:
		return false
	}
	return true
}

// without returns the filter without the conditions on a field (a server that
// ignores them).
func (f filter) without(name string) filter {
	f.rest = slices.DeleteFunc(slices.Clone(f.rest), func(c condition) bool { return c.field != nil && c.field.name == name })
	if name == "ID" {
		f.from, f.to = math.MinInt64, math.MaxInt64
	}
	return f
}

// signature identifies the rest, for the cache of lists.
func (f filter) signature() string {
	var b strings.Builder
	for _, c := range f.rest {
		b.WriteString(c.operator)
		if c.field != nil {
			b.WriteString(c.field.name)
		}
		for _, value := range c.values {
			b.WriteString(strconv.Quote(value))
		}
		b.WriteByte(';')
	}
	return b.String()
}

func (f filter) matches(p *Person) bool {
	for _, c := range f.rest {
		if !c.matches(p) {
			return false
		}
	}
	return true
}

// matches applies a condition: of several values one must fit, or none for the
// operators that negate.
func (c condition) matches(p *Person) bool {
	operator, negated := strings.CutPrefix(c.operator, "!")
	for _, value := range c.values {
		if c.fits(p, operator, value) {
			return !negated
		}
	}
	return negated
}

func (c condition) fits(p *Person, operator, value string) bool {
	switch {
	case c.search:
		return contains(p.Name+" "+p.LastName+" "+p.SecondName, value)
	case c.field.kind == kindActive:
		return p.Active == affirmative(value)
	case c.field.kind == kindDepartments:
		return slices.Contains(p.Departments, integer(value))
	case c.field.kind == kindID:
		return ordered(operator, compareIntegers(p.ID, integer(value)))
	case c.field.kind == kindDate:
		return fitsDate(operator, c.field.get(p), value)
	}
	return fitsText(operator, c.field.get(p), value)
}

func fitsText(operator, have, value string) bool {
	switch operator {
	case "%":
		return contains(have, value)
	case "=%", "%=":
		return like(have, value)
	case "":
		// user-get.md's example {"NAME": "Iva%"} needs no prefix.
		if strings.Contains(value, "%") {
			return like(have, value)
		}
	}
	return ordered(operator, strings.Compare(strings.ToLower(have), strings.ToLower(value)))
}

func fitsDate(operator, have, value string) bool {
	a, errA := parseDate(have)
	b, errB := parseDate(value)
	if errA != nil || errB != nil {
		return ordered(operator, strings.Compare(have, value)) && (operator == "" || operator == "=")
	}
	return ordered(operator, a.Compare(b))
}

func parseDate(value string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, value)
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly} {
		if err == nil {
			break
		}
		t, err = time.Parse(layout, value)
	}
	return t, err
}

func ordered(operator string, sign int) bool {
	switch operator {
	case ">":
		return sign > 0
	case ">=":
		return sign >= 0
	case "<":
		return sign < 0
	case "<=":
		return sign <= 0
	}
	return sign == 0
}

func compareIntegers(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func contains(have, part string) bool {
	return strings.Contains(strings.ToLower(have), strings.ToLower(part))
}

// like is SQL's LIKE with % only, without regard to case.
func like(have, pattern string) bool {
	have = strings.ToLower(have)
	parts := strings.Split(strings.ToLower(pattern), "%")
	if len(parts) == 1 {
		return have == parts[0]
	}
	if !strings.HasPrefix(have, parts[0]) {
		return false
	}
	have = have[len(parts[0]):]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(have, part)
		if i < 0 {
			return false
		}
		have = have[i+len(part):]
	}
	return strings.HasSuffix(have, parts[len(parts)-1])
}
