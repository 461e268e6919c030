package portalsim_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"booking/plugin-bitrix24/internal/portalsim"
)

// Sentences of api-reference/user/user-get.md.
func TestUserGetPages(t *testing.T) {
	t.Parallel()
	p := start(t, portalsim.Options{People: staff(120)})
	for name, c := range map[string]struct{ query, ids, total, next string }{
		"the page size is always 50, next while there is more": {"user.get", span(1, 50), "120", "50"},
		"the third page is start=100, without next":            {"user.get?start=100", span(101, 120), "120", "<nil>"},
		"start in capitals":                                     {"user.get?START=50", span(51, 100), "120", "100"},
		"beyond the end there is nobody":                        {"user.get?start=150", "", "120", "<nil>"},
		"start=-1 switches the counting off":                    {"user.get?start=-1", span(1, 50), "<nil>", "<nil>"},
		"keyset paging by >ID":                                  {"user.get?start=-1&SORT=ID&ORDER=ASC&FILTER[>ID]=100", span(101, 120), "<nil>", "<nil>"},
		"methods' names are case-insensitive, .json is allowed": {"User.GET.json?start=100", span(101, 120), "120", "<nil>"},
	} {
		a := p.get(c.query).wantStatus(http.StatusOK)
		want(t, name, a.ids("result"), c.ids)
		want(t, name+": total", a.at("total"), c.total)
		want(t, name+": next", a.at("next"), c.next)
	}
}

// settings/performance/huge-data.md and what other servers do.
func TestUserGetDialects(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dialect           portalsim.Dialect
		query, ids, total string
	}{
		"its example has total 0":          {portalsim.Dialect{Counting: portalsim.CountZero}, "start=-1", span(1, 50), "0"},
		"older servers count all the same": {portalsim.Dialect{Counting: portalsim.CountAll}, "start=-1&FILTER[>ID]=20", span(21, 60), "40"},
		"the last page again":              {portalsim.Dialect{RepeatsLastPage: true}, "start=100", span(51, 60), "60"},
		"ADMIN_MODE is needed":             {portalsim.Dialect{NeedsAdminMode: true}, "start=50&ADMIN_MODE=Y", span(51, 61), "61"},
		"ADMIN_MODE was not given":         {portalsim.Dialect{NeedsAdminMode: true}, "start=50", span(51, 60), "60"},
	} {
		people := staff(60)
		if c.dialect.NeedsAdminMode {
			people = append(people, portalsim.Person{ID: 61, Active: false})
		}
		a := start(t, portalsim.Options{People: people, Dialect: c.dialect}).get("user.get?" + c.query)
		want(t, name, a.ids("result"), c.ids)
		want(t, name+": total", a.at("total"), c.total)
	}
}

func TestUserGetReturnsEverybodyButBotsAndMailUsers(t *testing.T) {
	t.Parallel()
	people := staff(6)
	people[1].UserType, people[2].UserType, people[3].UserType, people[4].Active = portalsim.Bot, portalsim.MailUser, portalsim.Extranet, false
	p := start(t, portalsim.Options{People: people})
	want(t, "nobody filtered", p.get("user.get").ids("result"), "1 4 5 6")
	want(t, "ACTIVE true excludes the dismissed", p.get("user.get?FILTER[ACTIVE]=true").ids("result"), "1 4 6")
	want(t, "ACTIVE Y works as true", p.get("user.get?FILTER[ACTIVE]=Y").ids("result"), "1 4 6")
	want(t, "ACTIVE true in JSON", p.call("user.get", `{"FILTER":{"ACTIVE":true}}`).ids("result"), "1 4 6")
	want(t, "ACTIVE false", p.call("user.get", `{"FILTER":{"ACTIVE":false}}`).ids("result"), "5")
	want(t, "USER_TYPE", p.get("user.get?FILTER[USER_TYPE]=employee").ids("result"), "1 5 6")
	want(t, "USER_TYPE with two values", p.call("user.get", `{"FILTER":{"USER_TYPE":["extranet","email"]}}`).ids("result"), "4")
}

func TestUserGetFilterPrefixes(t *testing.T) {
	t.Parallel()
	people := []portalsim.Person{
		{ID: 1, Active: true, Name: "Ivan", Email: "mole@x.example", Departments: []int64{1, 3}, Registered: time.Date(2024, 7, 1, 9, 0, 0, 0, time.UTC)},
		{ID: 2, Active: true, Name: "Ivana", Email: "animol@x.example", Departments: []int64{3}, Registered: time.Date(2024, 7, 2, 9, 0, 0, 0, time.UTC)},
		{ID: 3, Active: true, Name: "Oleg", LastName: "Petrov", Email: "q@y.example", Departments: []int64{2}},
	}
	p := start(t, portalsim.Options{People: people})
	for filter, ids := range map[string]string{
		`">=ID":2`: "2 3", `">ID":"2"`: "3", `"<=ID":2`: "1 2", `"<ID":2`: "1", `"ID":2`: "2", `"=ID":"2"`: "2",
		`"@ID":[1,3]`: "1 3", `"ID":[1,3]`: "1 3", `"!@ID":[1,3]`: "2", `"!ID":1`: "2 3", `"!=ID":1`: "2 3",
		`"%EMAIL":"mol"`: "1 2", `"=%EMAIL":"mol%"`: "1", `"%=EMAIL":"%mol@%"`: "2", `"!%EMAIL":"mol"`: "3",
		`"!=%EMAIL":"mol%"`: "2 3", `"!%=EMAIL":"%mol%"`: "3", `"EMAIL":"MOLE@x.example"`: "1", `"=NAME":"Ivan"`: "1", `"NAME":"Iva%"`: "1 2",
		`"UF_DEPARTMENT":3`: "1 2", `"UF_DEPARTMENT":[2,1]`: "1 3", `"!UF_DEPARTMENT":3`: "3",
		`">DATE_REGISTER":"2024-07-01T12:00:00+00:00"`: "2", `"<=DATE_REGISTER":"2024-07-01T12:00:00+03:00"`: "1", `"NAME_SEARCH":"petr"`: "3",
		`"name":"oleg"`: "3", `"NO_SUCH_FIELD":"x"`: "1 2 3", `">ID":"$result[a][49][ID]"`: "1 2 3", `">ID":1,"<ID":3`: "2",
	} {
		want(t, filter, p.call("user.get", `{"FILTER":{`+filter+`}}`).ids("result"), ids)
	}
	want(t, "the example with a field beside SORT", p.call("user.get", `{"UF_DEPARTMENT":2,"SORT":"ID","ORDER":"asc","start":10}`).ids("result"), "3")
}

func TestUserGetSorting(t *testing.T) {
	t.Parallel()
	p := start(t, portalsim.Options{People: staff(12)})
	want(t, "by ID by default", p.get("user.get").ids("result"), span(1, 12))
	want(t, "descending", p.get("user.get?sort=ID&order=desc&FILTER[<ID]=4").ids("result"), "3 2 1")
	want(t, "by another field", p.get("user.get?SORT=NAME&ORDER=ASC&FILTER[>ID]=8").ids("result"), "10 11 12 9")
	want(t, "an order object is ignored", p.call("user.get", `{"order":{"ID":"DESC"}}`).ids("result"), span(1, 12))

	old := start(t, portalsim.Options{People: staff(200), Dialect: portalsim.Dialect{NeedsSortStrings: true}, Bucket: portalsim.Bucket{Off: true}})
	for query, sorted := range map[string]bool{"": false, "?SORT=ID": false, "?order[ID]=ASC": false, "?SORT=ID&ORDER=ASC": true} {
		want(t, "older server"+query, old.get("user.get"+query).ids("result") == span(1, 50), sorted)
	}
	once, again := old.get("user.get"), old.get("user.get")
	if once.ids("result") == again.ids("result") {
		t.Error("an unordered list came twice in the same order")
	}
}

func TestUserGetSelect(t *testing.T) {
	t.Parallel()
	p := start(t, portalsim.Options{People: staff(1)})
	want(t, "unknown fields are skipped", p.get("user.get?select[]=ID&select[]=NOPE&SELECT[]=email").at("result", "0"), "map[EMAIL:p1@x.example]")
	want(t, "a list", p.call("user.get", `{"select":["ID","NAME"]}`).at("result", "0"), "map[ID:1 NAME:Name1]")
	if all := p.get("user.get?select[]=*"); all.at("result", "0", "USER_TYPE") != "employee" {
		t.Errorf("select=*: %s", all.text)
	}
}

// FILTER and filter in one request: one silently wins (b24jssdk #483).
func TestTwoSpellingsCollide(t *testing.T) {
	t.Parallel()
	body := `{"FILTER":{">ID":2},"filter":{"<ID":3}}`
	last := start(t, portalsim.Options{People: staff(4)})
	want(t, "the last", last.call("user.get", body).ids("result"), "1 2")
	first := start(t, portalsim.Options{People: staff(4), Dialect: portalsim.Dialect{FirstSpellingWins: true}})
	want(t, "the first", first.call("user.get", body).ids("result"), "3 4")
}

// settings/how-to-call-rest-api/general-principles.md, "Request Structure": GET, a
// JSON body, a form, multipart.
func TestParameterEncodings(t *testing.T) {
	t.Parallel()
	p := start(t, portalsim.Options{People: staff(9)})
	form := url.Values{"FILTER[>ID]": {"2"}, "FILTER[<ID]": {"6"}, "FILTER[@ID][]": {"3"}, "select[0]": {"ID"}}.Encode() + "&FILTER%5B%40ID%5D%5B%5D=5"
	multipart := strings.ReplaceAll("--B\nContent-Disposition: form-data; name=\"FILTER[@ID][]\"\n\n3\n--B\nContent-Disposition: form-data; name=\"FILTER[@ID][]\"\n\n5\n--B--\n", "\n", "\r\n")
	for name, request := range map[string]*http.Request{
		"query":     p.request(http.MethodGet, "user.get?"+form, "", ""),
		"form":      p.request(http.MethodPost, "user.get", "application/x-www-form-urlencoded", form),
		"multipart": p.request(http.MethodPost, "user.get", "multipart/form-data; boundary=B", multipart),
		"json":      p.request(http.MethodPost, "user.get", "application/json; charset=utf-8", `{"filter":{"@ID":[3,5]},"SELECT":["ID"]}`),
		"both":      p.request(http.MethodPost, "user.get?filter[%3EID]=8", "application/json", `{"filter":{"@ID":["3","5"]}}`),
	} {
		want(t, name, p.do(request).ids("result"), "3 5")
	}
	p.call("user.get", `{"half":`).wantStatus(http.StatusBadRequest)
}
