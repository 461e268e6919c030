package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"

	"booking/shared/crm"
	"booking/shared/secret"
)

// people is a host's PeopleEvents.
type people []crm.Person

func (p *people) Person(person crm.Person) error { *p = append(*p, person); return nil }
func (p *people) Progress(crm.Progress) error    { return nil }

func read(t *testing.T, content string) ([]crm.Person, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return readFile(t, path)
}

func readFile(t *testing.T, path string) ([]crm.Person, error) {
	t.Helper()
	var got people
	err := table{}.ReadPeople(t.Context(), crm.PeopleRequest{Tenant: crm.Tenant{ID: 1}, Settings: crm.Settings{keyFile: secret.New(path)}}, &got)
	return got, err
}

func windows1251(text string) string {
	out, err := charmap.Windows1251.NewEncoder().String(text)
	if err != nil {
		panic(err)
	}
	return out
}

const russian = "id;email;name;phone;position\n7;ivan@x;Иван Ёлкин;+7 900;врач\n"

var ivan = crm.Person{ExternalID: "7", Email: "ivan@x", Name: "Иван Ёлкин", Phone: "+7 900", Position: "врач"}

func TestEveryFormOfATableIsRead(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"semicolons":             russian,
		"commas":                 strings.ReplaceAll(russian, ";", ","),
		"tabs":                   strings.ReplaceAll(russian, ";", "\t"),
		"byte order mark":        "\uFEFF" + russian,
		"windows-1251":           windows1251(russian),
		"CRLF":                   strings.ReplaceAll(russian, "\n", "\r\n"),
		"no last line end":       strings.TrimSuffix(russian, "\n"),
		"empty lines":            strings.ReplaceAll(russian, "\n", "\n\n") + ";;;;\n",
		"other columns":          "salary;name;id;PHONE; Email ;position\n1;Иван Ёлкин;7;+7 900;ivan@x;врач\n",
		"quotes and a separator": "id;email;name;phone;position\n7;ivan@x;\"Иван Ёлкин\";\"+7 900\";врач\n",
		"nameless columns":       "id;email;;;name;phone;position\n7;ivan@x;1;2;Иван Ёлкин;+7 900;врач\n",
	} {
		got, err := read(t, content)
		if diff := cmp.Diff([]crm.Person{ivan}, got); err != nil || diff != "" {
			t.Errorf("%s: error %v (-want +got):\n%s", name, err, diff)
		}
	}
	if got, err := read(t, "id,email\n1,a@x\n2,\n"); err != nil || len(got) != 2 || got[1] != (crm.Person{ExternalID: "2"}) {
		t.Errorf("only the needed columns: %+v, error %v", got, err)
	}
	if got, err := read(t, "id,email\n"); err != nil || len(got) != 0 {
		t.Errorf("nobody: %+v, error %v", got, err)
	}
}

func TestABadLineFailsTheReadingAndIsNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		content string
		line    int
	}{
		"empty file":             {"", 1},
		"no id column":           {"number,email\n1,a@x\n", 1},
		"no email column":        {"id,name\n1,A\n", 1},
		"other separator":        {"id|email\n1|a@x\n", 1},
		"a column twice":         {"id,email,Email\n1,a@x,b@x\n", 1},
		"too few columns":        {"id,email,name\n1,a@x,A\n2,b@x\n", 3},
		"too many columns":       {"id,email\n1,a@x\n\n2,b@x,B\n", 4},
		"broken quotes":          {"id,email\n1,a@x\n2,\"b\"@x\n", 3},
		"open quotes":            {"id,email\n1,a@x\n2,\"b@x\n3,c@x\n", 3},
		"no id":                  {"id,email\n1,a@x\n,b@x\n", 3},
		"id is no number":        {"id,email\n1,a@x\nx2,b@x\n", 3},
		"id with a zero":         {"id,email\n01,a@x\n", 2},
		"id twice":               {"id,email\n1,a@x\n\n1,b@x\n", 4},
		"id twice, quoted lines": {"id,email,name\n1,a@x,\"A\nB\"\n1,b@x,B\n", 4},
		"one broken byte":        {"id,email,name\n1,a@x,Иван\n2,b@x,Пётр\xff\n", 3},
		"UTF-16":                 {"\xff\xfei\x00d\x00,\x00e\x00\n\x00", 1},
		"not in windows-1251":    {windows1251("id,email,name\n1,a@x,Иван\n") + "2,b@x,\x98\n", 2},
	} {
		got, err := read(t, c.content)
		want := fmt.Sprintf("Line %d: ", c.line)
		if crm.CodeOf(err) != crm.CodePortalAnswer || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %d people, error %v, want %q", name, len(got), err, want)
		}
	}
}

func TestAFileThatCannotBeReadIsNoEmptyTable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, path := range []string{filepath.Join(dir, "none"), dir, "/dev/zero", ""} {
		if _, err := readFile(t, path); crm.CodeOf(err) != crm.CodePortalUnreachable {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func TestThePortalIsTheFilesName(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{"/srv/People.csv": "people.csv", "\t/x/a.csv\n": "a.csv", "people.csv": "", "": ""} {
		check, err := table{}.CheckSettings(t.Context(), crm.Settings{keyFile: secret.New(path)})
		if err != nil || check.Portal != want || (len(check.Problems) == 0) != (want != "") {
			t.Errorf("%q: %+v, error %v", path, check, err)
		}
	}
}

func TestTheExampleStaysShort(t *testing.T) {
	t.Parallel()
	lines := 0
	for _, name := range []string{"main.go", "parse.go"} {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines += strings.Count(string(content), "\n")
	}
	if lines > 200 {
		t.Errorf("%d lines, the issue allows 200", lines)
	}
}
