package rest

import (
	"fmt"
	"net/url"
	"strings"
)

const (
	// PageSize is how many people a page has, whatever is asked for (user-get.md).
	PageSize   = 50
	batchLimit = 50 // commands in one batch (batch.md)
	// manyDepartments is where a filter by department would make a batch's commands
	// too long; the answer is filtered in any case.
	manyDepartments = 100
	countKey        = "total"
)

// pageKey names the i-th page of a batch. The names sort in the order of execution,
// for servers that lose the order of an object's keys.
func pageKey(i int) string { return fmt.Sprintf("p%02d", i) }

// fields are what is asked for about a person: no more than needed.
func (q Query) fields() []string {
	if q.Membership {
		return []string{"ID", "ACTIVE", "USER_TYPE", "UF_DEPARTMENT"}
	}
	f := []string{"ID", "NAME", "LAST_NAME", "EMAIL", "ACTIVE", "USER_TYPE"}
	if q.Phone {
		f = append(f, "PERSONAL_MOBILE", "WORK_PHONE", "PERSONAL_PHONE")
	}
	if q.Position {
		f = append(f, "WORK_POSITION")
	}
	if len(q.Departments) > 0 {
		f = append(f, "UF_DEPARTMENT")
	}
	return f
}

// filter is the part of FILTER that pages and the count have in common.
func (q Query) filter() map[string]any {
	f := map[string]any{"ACTIVE": true}
	if n := len(q.Departments); n > 0 && n <= manyDepartments {
		f["UF_DEPARTMENT"] = q.Departments
	}
	return f
}

// pageParams asks for the people whose ID follows after. user.get wants the strings SORT and
// ORDER (an object is ignored), and exactly one of FILTER and filter: of two, one
// silently wins. start=-1 switches the counting off.
func (q Query) pageParams(after string) map[string]any {
	filter := q.filter()
	if after != "" {
		filter[">ID"] = after
	}
	return map[string]any{"SORT": "ID", "ORDER": "ASC", "FILTER": filter, "select": q.fields(), "start": -1}
}

// countParams asks how many there are: the total of a first page.
func (q Query) countParams() map[string]any {
	return map[string]any{"SORT": "ID", "ORDER": "ASC", "FILTER": q.filter(), "select": []string{"ID"}, "start": 0}
}

// batchParams chains pages: each begins behind the last ID of the one before.
func (q Query) batchParams(after string, pages int, withCount bool) map[string]any {
	cmd := make(map[string]string, pages+1)
	for i := range pages {
		cmd[pageKey(i)] = command(methodUsers, q.pageParams(after))
		after = fmt.Sprintf("$result[%s][%d][ID]", pageKey(i), PageSize-1)
	}
	if withCount {
		cmd[countKey] = command(methodUsers, q.countParams())
	}
	return map[string]any{"halt": 1, "cmd": cmd}
}

// command is "method?query" with the query encoded once, as PHP reads it.
func command(method string, params map[string]any) string {
	values := url.Values{}
	for name, value := range params {
		addParam(values, name, value)
	}
	query := values.Encode()
	if query == "" {
		return method
	}
	return method + "?" + query
}

func addParam(values url.Values, name string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			addParam(values, name+"["+key+"]", inner)
		}
	case []string:
		for _, inner := range v {
			values.Add(name+"[]", inner)
		}
	default:
		values.Set(name, strings.TrimSpace(fmt.Sprint(v)))
	}
}
