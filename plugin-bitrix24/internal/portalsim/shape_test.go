package portalsim_test

import (
	"encoding/json"
	"strings"
	"testing"

	"booking/plugin-bitrix24/internal/portalsim"
)

func TestShapesOfIDs(t *testing.T) {
	t.Parallel()
	for shape, wanted := range map[portalsim.IDShape]string{
		portalsim.IDStrings: `[{"ID":"1"},{"ID":"2"}]`, portalsim.IDNumbers: `[{"ID":1},{"ID":2}]`, portalsim.IDMixed: `[{"ID":1},{"ID":"2"}]`,
	} {
		p := start(t, portalsim.Options{People: staff(2), Shapes: portalsim.Shapes{IDs: shape}})
		want(t, "IDs", strings.Contains(p.get("user.get?select[]=ID").text, wanted), true)
		chained := p.batch("user.get?select[]=ID", "user.get?FILTER[ID]=$result[c1][1][ID]")
		want(t, "a reference to it", chained.ids("result", "result", "c2"), "2")
	}
}

func TestShapesOfEmptyFields(t *testing.T) {
	t.Parallel()
	select4 := "user.get?select[]=EMAIL&select[]=LAST_LOGIN&select[]=TIMESTAMP_X&select[]=UF_DEPARTMENT"
	for shape, wanted := range map[portalsim.EmptyShape]string{
		portalsim.EmptyAsDocumented: `{"EMAIL":"","LAST_LOGIN":"","TIMESTAMP_X":{},"UF_DEPARTMENT":[]}`,
		portalsim.EmptyNull:         `{"EMAIL":null,"LAST_LOGIN":null,"TIMESTAMP_X":null,"UF_DEPARTMENT":null}`,
		portalsim.EmptyObject:       `{"EMAIL":{},"LAST_LOGIN":{},"TIMESTAMP_X":{},"UF_DEPARTMENT":{}}`,
		portalsim.EmptyList:         `{"EMAIL":[],"LAST_LOGIN":[],"TIMESTAMP_X":[],"UF_DEPARTMENT":[]}`,
		portalsim.EmptyFalse:        `{"EMAIL":false,"LAST_LOGIN":false,"TIMESTAMP_X":false,"UF_DEPARTMENT":false}`,
		portalsim.EmptyAbsent:       `[{}]`,
	} {
		p := start(t, portalsim.Options{People: []portalsim.Person{{ID: 1, Active: true}}, Shapes: portalsim.Shapes{Empty: shape}})
		if text := p.get(select4).text; !strings.Contains(text, wanted) {
			t.Errorf("shape %d: %s, want %s", shape, text, wanted)
		}
	}
	mixed := start(t, portalsim.Options{People: staff(30), Shapes: portalsim.Shapes{Empty: portalsim.EmptyMixed}}).get("user.get?select[]=WORK_PHONE&select[]=ID").text
	for _, form := range []string{`:""`, `:null`, `:{}`, `:[]`, `:false`} {
		want(t, "mixed has "+form, strings.Contains(mixed, `"WORK_PHONE"`+form), true)
	}
	want(t, "mixed leaves some out", strings.Count(mixed, "WORK_PHONE") < 30, true)
}

func TestRawReplacesAField(t *testing.T) {
	t.Parallel()
	people := staff(1)
	people[0].Raw = map[string]json.RawMessage{"ID": json.RawMessage(`1.0`), "EMAIL": json.RawMessage(`["a"]`), "NAME": nil}
	p := start(t, portalsim.Options{People: people})
	want(t, "raw", strings.Contains(p.get("user.get?select[]=ID&select[]=NAME&select[]=EMAIL").text, `[{"ID":1.0,"EMAIL":["a"]}]`), true)
}

// PHP's encoder escapes everything beyond ASCII, and slashes.
func TestTextsAreEscapedAsPHPDoes(t *testing.T) {
	t.Parallel()
	name := "Я/\"\\\n😀\x7f"
	people := []portalsim.Person{{ID: 1, Active: true, Name: name}}
	p := start(t, portalsim.Options{People: people})
	a := p.get("user.get?select[]=NAME")
	want(t, "on the wire", strings.Contains(a.text, `"\u042f\/\"\\\u000a\ud83d\ude00\u007f"`), true)
	want(t, "decoded", a.at("result", "0", "NAME"), name)
	plain := start(t, portalsim.Options{People: people, Shapes: portalsim.Shapes{PlainUnicode: true}}).get("user.get?select[]=NAME")
	want(t, "plain on the wire", strings.Contains(plain.text, "Я"), true)
	want(t, "plain decoded", plain.at("result", "0", "NAME"), name)
}
