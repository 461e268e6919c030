package endtoend

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// compareJSON is `json SHAPE`: standard output of the last command must be exactly
// the JSON documents of the file, with the same fields. In the file, "<int>",
// "<text>", "<time>", "<sha256>" and "<any>" stand for a value of that kind.
func compareJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: json FILE")
	}
	got, err := documents(ts.ReadFile("stdout"))
	ts.Check(err)
	want, err := documents(ts.ReadFile(args[0]))
	ts.Check(err)
	if err := matches("", want, got); err != nil {
		ts.Fatalf("standard output is not as %s says: %v\n%s", args[0], err, ts.ReadFile("stdout"))
	}
}

// documents reads JSON documents one after the other; anything else is an error.
func documents(text string) ([]any, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	list := []any{}
	for {
		var document any
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, fmt.Errorf("not only JSON: %w\n%s", err, text)
		}
		list = append(list, document)
	}
}

var sha256Form = regexp.MustCompile(`^[0-9a-f]{64}$`)

var kinds = map[string]func(any) bool{
	"<any>":  func(any) bool { return true },
	"<text>": func(v any) bool { s, ok := v.(string); return ok && s != "" },
	"<int>": func(v any) bool {
		n, ok := v.(json.Number)
		return ok && !strings.ContainsAny(n.String(), ".eE-")
	},
	"<time>": func(v any) bool {
		s, _ := v.(string)
		at, err := time.Parse(time.RFC3339, s)
		return err == nil && strings.HasSuffix(s, "Z") && time.Since(at).Abs() < time.Hour
	},
	"<sha256>": func(v any) bool { s, _ := v.(string); return sha256Form.MatchString(s) },
}

// matches reports where a value differs from its shape.
func matches(path string, want, got any) error {
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return fmt.Errorf("%s is %v, want an object", path, got)
		}
		if w, g := sortedNames(want), sortedNames(object); !slices.Equal(w, g) {
			return fmt.Errorf("%s has the fields %v, want %v", path, g, w)
		}
		for name := range want {
			if err := matches(path+"."+name, want[name], object[name]); err != nil {
				return err
			}
		}
		return nil
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return fmt.Errorf("%s is %v, want a list of %d", path, got, len(want))
		}
		for i := range want {
			if err := matches(fmt.Sprintf("%s[%d]", path, i), want[i], list[i]); err != nil {
				return err
			}
		}
		return nil
	case string:
		if kind, ok := kinds[want]; ok {
			if !kind(got) {
				return fmt.Errorf("%s is %v, want %s", path, got, want)
			}
			return nil
		}
	}
	if want != got {
		return fmt.Errorf("%s is %#v, want %#v", path, got, want)
	}
	return nil
}

func sortedNames(object map[string]any) []string {
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// The comparison of shapes must see every kind of difference.
func TestShapesTellDifferences(t *testing.T) {
	t.Parallel()
	shape := `{"a":"<int>","b":["<text>"],"c":true,"d":"<time>"}`
	now := time.Now().UTC().Format(time.RFC3339)
	for text, same := range map[string]bool{
		`{"a":1,"b":["x"],"c":true,"d":"` + now + `"}`:            true,
		`{"a":"1","b":["x"],"c":true,"d":"` + now + `"}`:          false,
		`{"a":1.5,"b":["x"],"c":true,"d":"` + now + `"}`:          false,
		`{"a":1,"b":[""],"c":true,"d":"` + now + `"}`:             false,
		`{"a":1,"b":[],"c":true,"d":"` + now + `"}`:               false,
		`{"a":1,"b":["x"],"c":null,"d":"` + now + `"}`:            false,
		`{"a":1,"b":["x"],"c":true,"d":"` + now + `","e":0}`:      false,
		`{"a":1,"b":["x"],"c":true}`:                              false,
		`{"a":1,"b":["x"],"c":true,"d":"2020-01-01 00:00:00"}`:    false,
		`{"a":1,"b":["x"],"c":true,"d":"` + now + `"} {"more":1}`: false,
	} {
		want, err := documents(shape)
		if err != nil {
			t.Fatal(err)
		}
		got, err := documents(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := matches("", want, got); (err == nil) != same {
			t.Errorf("%s: %v, want a match: %v", text, err, same)
		}
	}
}
