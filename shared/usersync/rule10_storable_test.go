package usersync

import (
	"strings"
	"testing"

	"booking/shared/crm"
)

func TestRule10AnIDIsAWholeNumber(t *testing.T) {
	t.Parallel()
	for id, valid := range map[string]bool{
		"1": true, "9223372036854775807": true, "777": true,
		"": false, "0": false, "9223372036854775808": false, "99999999999999999999": false, "007": false, "-1": false, "+1": false,
		" 1": false, "1 ": false, "1.0": false, "1e3": false, "0x1": false, "1_000": false, "٧": false, "x": false, "1\x00": false, "1\n": false,
	} {
		if got := ParseID(id) != 0; got != valid {
			t.Errorf("id %q: valid is %v, want %v", id, got, valid)
		}
	}
	plan := world{
		people: []Person{person("x", "a@x"), person("10", "b@x"), person("007", "c@x"), person("9", "d@x")},
		rows:   []Row{row(1, "e@x", "007")},
	}.plan(t)
	want := []string{
		"9 created name=Сотрудник 9 email=d@x +link", "10 created name=Сотрудник 10 email=b@x +link",
		"007 skipped/invalid:id", "x skipped/invalid:id",
	}
	if got := saidOf(plan); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRule10SkipsThatPersonAndNobodyElse(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ё", 256)
	everything := Options{Phone: true, Position: true}
	good := Person{ExternalID: "7", Name: long[:510], Email: "a@x", Phone: long[:510], Position: long[:510]}
	for _, c := range []struct {
		name    string
		change  func(*Person)
		options Options
		field   string
	}{
		{"255 characters fit, whatever their bytes", func(*Person) {}, everything, ""},
		{"a name of 256", func(p *Person) { p.Name = long }, everything, "name"},
		{"an address of 256", func(p *Person) { p.Email = long }, everything, "email"},
		{"an address of 255 and spaces around it", func(p *Person) { p.Email = "  " + long[:510] + " " }, everything, ""},
		{"a phone of 256", func(p *Person) { p.Phone = long }, everything, "phone"},
		{"which nobody asked for", func(p *Person) { p.Phone = long }, Options{Position: true}, ""},
		{"a position of 256", func(p *Person) { p.Position = long }, everything, "position"},
		{"which nobody asked for", func(p *Person) { p.Position = long }, Options{Phone: true}, ""},
		{"NUL in a name", func(p *Person) { p.Name = "a\x00b" }, everything, "name"},
		{"NUL in an address", func(p *Person) { p.Email = "a\x00@x" }, everything, "email"},
		{"broken UTF-8 in a name", func(p *Person) { p.Name = "a\xffb" }, everything, "name"},
		{"broken UTF-8 in an address, which lower-casing would mend", func(p *Person) { p.Email = "A\xff@x" }, everything, "email"},
		{"broken UTF-8 in a phone", func(p *Person) { p.Phone = "\xc3" }, everything, "phone"},
		{"several: the first is named", func(p *Person) { p.Email, p.Position = long, long }, everything, "email"},
		{"the id goes before all", func(p *Person) { p.ExternalID, p.Name = "0", long }, everything, "id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			bad := good
			c.change(&bad)
			w := world{people: []Person{person("5", "five@x"), bad, person("9", "nine@x")}, options: c.options}
			plan := w.plan(t)
			checkInvariants(t, w, plan)
			want := crm.Counts{Fetched: 3, Created: 3}
			if c.field != "" {
				want = crm.Counts{Fetched: 3, Created: 2, Skipped: 1}
			}
			if plan.Counts != want {
				t.Errorf("counts %+v, want %+v", plan.Counts, want)
			}
			for _, d := range plan.Decisions {
				if d.Person == bad && (d.Field != c.field || (d.Reason == crm.ReasonInvalid) != (c.field != "")) {
					t.Errorf("%s, want field %q", say(d), c.field)
				}
			}
		})
	}
}

func TestRule10AsksTheColumns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		charset, value string
		fits           bool
	}{
		{"utf8mb4", "Ёж 🦔", true}, {"UTF8MB4", "🦔", true},
		{"utf8mb3", "Ёж", true}, {"utf8mb3", "🦔", false}, {"utf8", "\uffff", true}, {"utf8", "𐀀", false},
		{"latin1", "José “€”", true}, {"latin1", "Ёж", false}, {"cp1251", "Ёж №", true}, {"cp1251", "é", false}, {"koi8r", "Ёж", true},
		{"ascii", "Jose", true}, {"ascii", "José", false}, {"tis620", "Jose", true}, {"tis620", "ก", false}, {"", "é", false},
	} {
		if got := (Column{MaxChars: 255, Charset: c.charset}).holds(c.value); got != c.fits {
			t.Errorf("%q in %q: %v, want %v", c.value, c.charset, got, c.fits)
		}
	}
	for _, c := range []struct {
		most, length int
		fits         bool
	}{{10, 10, true}, {10, 11, false}, {65535, 255, true}, {65535, 256, false}, {0, 255, true}, {0, 256, false}} {
		if got := (Column{MaxChars: c.most, Charset: "utf8mb4"}).holds(strings.Repeat("ё", c.length)); got != c.fits {
			t.Errorf("%d characters in a column of %d: %v, want %v", c.length, c.most, got, c.fits)
		}
	}
}

// Each column is asked about its own value, the name about what would be written.
func TestRule10ByColumn(t *testing.T) {
	t.Parallel()
	narrow := func(change func(*Storable)) Storable {
		s := everythingFits
		change(&s)
		return s
	}
	full := Person{ExternalID: "12345", Name: "Имя", Email: "Имя@x", Phone: "Тел", Position: "Врач"}
	nameless := person("12345", "a@x")
	ascii := Column{MaxChars: 255, Charset: "ascii"}
	for _, c := range []struct {
		name   string
		s      Storable
		person Person
		rows   []Row
		want   string
	}{
		{"link", narrow(func(s *Storable) { s.Link.MaxChars = 4 }), full, nil, "12345 skipped/invalid:id"},
		{"name", narrow(func(s *Storable) { s.Name = ascii }), full, nil, "12345 skipped/invalid:name"},
		{"email", narrow(func(s *Storable) { s.Email = ascii }), full, nil, "12345 skipped/invalid:email"},
		{"phone", narrow(func(s *Storable) { s.Phone = ascii }), full, nil, "12345 skipped/invalid:phone"},
		{"position", narrow(func(s *Storable) { s.Position = ascii }), full, nil, "12345 skipped/invalid:position"},
		{"the name that stands in for none", narrow(func(s *Storable) { s.Name = ascii }), nameless, nil, "12345 skipped/invalid:name"},
		{"is too long", narrow(func(s *Storable) { s.Name.MaxChars = 14 }), nameless, nil, "12345 skipped/invalid:name"},
		{"fits", narrow(func(s *Storable) { s.Name.MaxChars = 15 }), nameless, nil, "12345 created name=Сотрудник 12345 email=a@x +link"},
		{"is not needed for who has one", narrow(func(s *Storable) { s.Name.MaxChars = 3 }), full, nil, "12345 created name=Имя email=имя@x phone=Тел position=Врач +link"},
		{"nor for a row that is found", narrow(func(s *Storable) { s.Name = ascii }), nameless, []Row{row(1, "a@x", "")}, "12345 updated/linked #1 +link"},
		{"nor without an address", narrow(func(s *Storable) { s.Name = ascii }), person("12345", ""), nil, "12345 skipped/no_email"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := world{people: []Person{c.person}, rows: c.rows, options: Options{Phone: true, Position: true}}
			if got := saidOf(w.planWith(t, c.s)); len(got) != 1 || got[0] != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
