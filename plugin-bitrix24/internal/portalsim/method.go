package portalsim

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// query is one call of a method: a request, or a command of a batch.
type query struct {
	params  *array // names in upper case
	effects effects
	now     time.Time
}

type method struct {
	scopes []string // one of them is needed; none for basic methods
	run    func(*Portal, *query) *answer
}

var userScopes = []string{"user", "user_basic", "user_brief"}

// methodTable has the methods by name in lower case; batch is not among them because it cannot be called
// from within a batch.
func methodTable() map[string]method {
	return map[string]method{
		"user.get":       {userScopes, (*Portal).userGet},
		"user.current":   {userScopes, (*Portal).userCurrent},
		"department.get": {[]string{"department"}, (*Portal).departmentGet},
		"profile":        {nil, (*Portal).profile},
		"scope":          {nil, (*Portal).scope},
		"server.time":    {nil, (*Portal).serverTime},
		"app.info":       {nil, (*Portal).appInfo},
		"methods":        {nil, (*Portal).methodNames},
	}
}

// profile needs no scope (api-reference/common/users/profile.md).
func (p *Portal) profile(*query) *answer {
	owner, _ := p.state.Get(p.options.User)
	return value(struct {
		ID     string `json:"ID"`
		Admin  bool   `json:"ADMIN"`
		Name   string `json:"NAME"`
		Last   string `json:"LAST_NAME"`
		Gender string `json:"PERSONAL_GENDER"`
		Zone   string `json:"TIME_ZONE"`
	}{strconv.FormatInt(p.options.User, 10), !p.options.OwnerIsNoAdmin, owner.Name, owner.LastName, "", ""})
}

// scope lists the webhook's scopes (api-reference/common/system/scope.md). "The
// basic scope is not included in the array."
func (p *Portal) scope(q *query) *answer {
	if truthy(q.params.get("FULL")) {
		return value([]string{"crm", "department", "im", "task", "user", "user_basic", "user_brief"})
	}
	return value(p.options.Scopes)
}

// serverTime is in the server's zone (api-reference/common/system/server-time.md).
func (p *Portal) serverTime(q *query) *answer { return value(q.now.Format(isoLayout)) }

// appInfo is what a webhook gets: there is no application.
func (p *Portal) appInfo(*query) *answer {
	return value(map[string]any{"ID": 0, "CODE": "", "STATUS": "L", "INSTALLED": true, "LICENSE": "ru_basic", "SCOPE": p.options.Scopes})
}

func (p *Portal) methodNames(*query) *answer {
	names := []string{"batch"}
	for name, m := range p.methods {
		if p.allowed(m.scopes) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return value(names)
}

// userCurrent answers the webhook's owner as one object.
func (p *Portal) userCurrent(q *query) *answer {
	i, found := p.state.find(p.options.User)
	if !found {
		return single([]byte("[]"))
	}
	return single(p.encode(p.state.entries[i:i+1], p.chosen(&query{params: newArray(), effects: q.effects}))[0])
}

// departmentGet answers department.get (api-reference/departments/department-get.md):
// its filters stand beside sort, order and START.
func (p *Portal) departmentGet(q *query) *answer {
	list := slices.DeleteFunc(slices.Clone(p.state.departments), func(d Department) bool { return !d.matches(q.params) })
	by := strings.ToUpper(text(q.params.get("SORT")))
	slices.SortStableFunc(list, func(a, b Department) int { return a.compare(b, by) })
	if strings.EqualFold(text(q.params.get("ORDER")), "DESC") {
		slices.Reverse(list)
	}
	start := integer(q.params.get("START"))
	offset := min(max(0, int(start))/pageSize*pageSize, len(list))
	end := min(offset+pageSize, len(list))
	items := make([][]byte, 0, pageSize)
	for _, d := range list[offset:end] {
		items = append(items, p.departmentJSON(d))
	}
	a := listOf(items)
	if start >= 0 {
		a.total = len(list)
		if end < len(list) {
			a.next = end
		}
	}
	return a
}

func (d Department) matches(params *array) bool {
	is := func(name string, have int64) bool {
		want := params.get(name)
		return want == nil || slices.Contains(texts(want), strconv.FormatInt(have, 10))
	}
	name := params.get("NAME")
	return is("ID", d.ID) && is("PARENT", d.Parent) && is("UF_HEAD", d.Head) && (name == nil || strings.EqualFold(text(name), d.Name))
}

func (d Department) compare(other Department, by string) int {
	switch by {
	case "NAME":
		return strings.Compare(d.Name, other.Name)
	case "SORT":
		return cmp.Compare(d.Sort, other.Sort)
	case "PARENT":
		return cmp.Compare(d.Parent, other.Parent)
	case "UF_HEAD":
		return cmp.Compare(d.Head, other.Head)
	}
	return cmp.Compare(d.ID, other.ID)
}

func (p *Portal) departmentJSON(d Department) []byte {
	out := append([]byte(`{"ID":`), p.idJSON(d.ID)...)
	out = append(out, `,"NAME":`...)
	out = p.options.Shapes.appendText(out, d.Name)
	out = append(out, `,"SORT":`...)
	out = strconv.AppendInt(out, d.Sort, 10)
	if d.Parent != 0 {
		out = append(append(out, `,"PARENT":`...), p.idJSON(d.Parent)...)
	}
	if d.Head != 0 {
		out = append(append(out, `,"UF_HEAD":`...), p.idJSON(d.Head)...)
	}
	return append(out, '}')
}

func (p *Portal) idJSON(id int64) []byte {
	return p.options.Shapes.appendValue(nil, &Person{ID: id}, fieldByName["ID"], 0)
}
