package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// portalOf is a portal whose one page holds the given people, as JSON.
func portalOf(people ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"result":{"result":{"p00":[%s]},"result_error":[],"result_total":{"total":"%d"}}}`, strings.Join(people, ","), len(people))
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]Person{
		`{"ID":"7","ACTIVE":true,"NAME":"Anna","LAST_NAME":"Ivanova","EMAIL":"a@b.c"}`: {ID: "7", Name: "Anna Ivanova", Email: "a@b.c"},
		`{"ID":7,"ACTIVE":"Y"}`:                                               {ID: "7"},
		`{"ID":9007199254740993,"ACTIVE":1}`:                                  {ID: "9007199254740993"},
		`{"ID":"9223372036854775808","ACTIVE":"1"}`:                           {ID: "9223372036854775808"},
		`{"ID":123456789012345678901234567890,"ACTIVE":"true"}`:               {ID: "123456789012345678901234567890"},
		`{"ID":"007","ACTIVE":true}`:                                          {ID: "007"},
		`{"ID":"0","ACTIVE":true}`:                                            {ID: "0"},
		`{"ID":-5,"ACTIVE":true}`:                                             {ID: "-5"},
		`{"ID":1.5,"ACTIVE":true}`:                                            {ID: "1.5"},
		`{"ID":1e3,"ACTIVE":true}`:                                            {ID: "1e3"},
		`{"ID":"abc","ACTIVE":true}`:                                          {ID: "abc"},
		`{"ID":" 7 ","ACTIVE":true,"NAME":" Anna\u00a0","LAST_NAME":"\tI. "}`: {ID: "7", Name: "Anna I."},
		`{"ID":"7","ACTIVE":true,"NAME":"","LAST_NAME":"Ivanova"}`:            {ID: "7", Name: "Ivanova"},
		`{"ID":"7","ACTIVE":true,"NAME":"Anna","LAST_NAME":null}`:             {ID: "7", Name: "Anna"},
		`{"ID":"7","ACTIVE":true,"NAME":{},"LAST_NAME":[],"EMAIL":false}`:     {ID: "7"},
		`{"ID":"7","ACTIVE":true,"NAME":{"a":[1,{"b":"}"}]},"EMAIL":"a@b.c"}`: {ID: "7", Email: "a@b.c"},
		`{"ID":"7","ACTIVE":true,"NAME":"Андре\u0438\u0306"}`:                 {ID: "7", Name: "Андрей"},
		`{"ID":"7","ACTIVE":true,"NAME":"A\nB\u2028C\u0085D\u0007E"}`:         {ID: "7", Name: "A B C D E"},
		`{"ID":"7","ACTIVE":true,"NAME":"A\u0000B"}`:                          {ID: "7", Name: "A\x00B"},
		`{"ID":"7","ACTIVE":true,"NAME":"\ud83d\ude00 \ud800"}`:               {ID: "7", Name: "😀 \uFFFD"},
		"{\"ID\":\"7\",\"ACTIVE\":true,\"NAME\":\"A\xffB\"}":                  {ID: "7", Name: "A\uFFFDB"},
		`{"ID":"7","ACTIVE":true,"NAME":"a \"b\" \\ \/ c"}`:                   {ID: "7", Name: `a "b" \ / c`},
		`{"ID":"7","ACTIVE":true,"USER_TYPE":"Employee"}`:                     {ID: "7"},
		`{"ID":"7","ACTIVE":true,"USER_TYPE":null}`:                           {ID: "7"},
		`{ "ID" : "7" , "ACTIVE" : true , "NAME" : "A" }`:                     {ID: "7", Name: "A"},
		`{"ID":"7","ACTIVE":true,"PERSONAL_MOBILE":" +7 1 ","WORK_PHONE":"2","PERSONAL_PHONE":"3","WORK_POSITION":"Boss"}`: {ID: "7", Phone: "+7 1", Position: "Boss"},
		`{"ID":"7","ACTIVE":true,"PERSONAL_MOBILE":"","WORK_PHONE":"2","PERSONAL_PHONE":"3"}`:                              {ID: "7", Phone: "2"},
		`{"ID":"7","ACTIVE":true,"PERSONAL_MOBILE":{},"WORK_PHONE":null,"PERSONAL_PHONE":88005553535}`:                     {ID: "7", Phone: "88005553535"},
	} {
		b := newHandlerBench(t, portalOf(withEmail(given)))
		got, _, err := readAll(context.Background(), b.client(t), Query{Phone: true, Position: true})
		if err != nil {
			t.Errorf("%s: %v", given, err)
			continue
		}
		if diff := cmp.Diff([]Person{want}, got); diff != "" {
			t.Errorf("%s: %s", given, diff)
		}
	}
}

// withEmail adds an empty address where there is no field at all, which would mean a scope
// without addresses.
func withEmail(person string) string {
	if strings.Contains(person, `"EMAIL"`) {
		return person
	}
	return strings.TrimSuffix(person, "}") + `,"EMAIL":""}`
}

func TestPhoneAndPositionOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	b := newHandlerBench(t, portalOf(`{"ID":"7","ACTIVE":true,"EMAIL":"a@b.c","WORK_PHONE":"2","WORK_POSITION":"Boss"}`))
	got, _, err := readAll(context.Background(), b.client(t), Query{})
	if diff := cmp.Diff([]Person{{ID: "7", Email: "a@b.c"}}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// TestWhoCounts is rule 2: the answer itself must say so, whatever the filter promised.
func TestWhoCounts(t *testing.T) {
	t.Parallel()
	people := []string{`{"ID":"1","ACTIVE":true,"EMAIL":""}`}
	for i, rest := range []string{
		`"ACTIVE":false`, `"ACTIVE":"N"`, `"ACTIVE":"false"`, `"ACTIVE":0`, `"ACTIVE":null`, `"NAME":"no flag"`,
		`"ACTIVE":true,"USER_TYPE":"extranet"`, `"ACTIVE":true,"USER_TYPE":"email"`, `"ACTIVE":true,"USER_TYPE":"bot"`,
	} {
		people = append(people, fmt.Sprintf(`{"ID":"%d",%s}`, i+2, rest))
	}
	b := newHandlerBench(t, portalOf(people...))
	got, complete, err := readAll(context.Background(), b.client(t), Query{})
	if err != nil || len(got) != 1 || complete.People() != 1 || complete.Total() != len(people) {
		t.Errorf("%v, %+v, %v", got, complete, err)
	}
}

// FuzzJSON holds our walk against encoding/json.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,{"b":"}\\\""}],"c":"\u00e9"}`, `[]`, `{}`, ` [ 1 , "]" , {} , [ ] , null ] `, `{"":"","\"":[[[]]]}`, `"x"`, `-1.5e3`, `{"a":1,"a":2}`, `["\\"]`, `["\\\\\""]`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		raw := []byte(s)
		if !json.Valid(raw) || !utf8.Valid(raw) { // encoding/json mends UTF-8 in its own way
			_, _ = parseAnswer(raw)
			return
		}
		var object map[string]json.RawMessage
		if json.Unmarshal(raw, &object) == nil && object != nil {
			got := map[string]string{}
			members(raw, func(name, value []byte) { got[string(name)] = string(value) })
			for name, value := range object {
				if got[name] != strings.TrimSpace(string(value)) {
					t.Errorf("%q: %q is %q, want %q", s, name, got[name], value)
				}
			}
		}
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) == nil && list != nil {
			i := 0
			elements(raw, func(value []byte) {
				if i >= len(list) || string(value) != string(list[i]) {
					t.Fatalf("%q: element %d is %q", s, i, value)
				}
				i++
			})
			if i != len(list) {
				t.Errorf("%q: %d elements, want %d", s, i, len(list))
			}
		}
		var text string
		if json.Unmarshal(raw, &text) == nil && kindOf(raw) == '"' {
			if got := parseText(raw).value; got != text {
				t.Errorf("%q reads as %q, want %q", s, got, text)
			}
		}
		_, _ = parsePage(raw, nil)
		_, _ = parseBatch(raw, Webhook{})
	})
}

// TestNobody: a portal without anybody, and one that shows no addresses.
func TestNobody(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.HandlerFunc{
		"no people":        portalOf(),
		"nobody is active": portalOf(`{"ID":"1","ACTIVE":false,"EMAIL":"a@b.c"}`),
		"no total": func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/batch") {
				_, _ = io.WriteString(w, `{"result":{"result":{"p00":[{"ID":"1","ACTIVE":true}]},"result_error":[],"result_total":[]}}`)
				return
			}
			_, _ = io.WriteString(w, `{"result":[{"ID":"1"}]}`)
		},
	} {
		err := readOnce(t, newHandlerBench(t, h).client(t))
		if err == nil {
			t.Fatalf("%s: no error", name)
		}
		wantCode(t, err, "portal_answer")
	}
}
