package usersync

import "testing"

func TestRule4FoundPeopleAreBroughtUpToDate(t *testing.T) {
	t.Parallel()
	full := Person{ExternalID: "7", Name: "Анна Ёлкина", Email: "anna@x", Phone: "+7 900", Position: "Врач"}
	local := Row{ID: 1, Name: "Anna", Email: "a@x", Link: "7", Role: "manager", Phone: "1", Position: "P"}
	same := Row{ID: 1, Name: full.Name, Email: full.Email, Link: "7", Role: "employee", Phone: full.Phone, Position: full.Position}
	unlinked := same
	unlinked.Link = ""
	both := Options{Phone: true, Position: true}
	check(t, []scenario{
		{"name and address", world{people: []Person{full}, rows: []Row{local}},
			[]string{"7 updated #1 name=Анна Ёлкина email=anna@x"}},
		{"the phone when asked for", world{people: []Person{full}, rows: []Row{local}, options: Options{Phone: true}},
			[]string{"7 updated #1 name=Анна Ёлкина email=anna@x phone=+7 900"}},
		{"the position when asked for", world{people: []Person{full}, rows: []Row{local}, options: Options{Position: true}},
			[]string{"7 updated #1 name=Анна Ёлкина email=anna@x position=Врач"}},
		{"what is right is not written", world{people: []Person{full}, rows: []Row{same}, options: both},
			[]string{"7 unchanged #1"}},
		{"only the link is missing", world{people: []Person{full}, rows: []Row{unlinked}, options: both},
			[]string{"7 updated/linked #1 +link"}},
		{"empty in the portal keeps what is here", world{people: []Person{{ExternalID: "7"}}, rows: []Row{local}, options: both},
			[]string{"7 unchanged #1"}},
		{"a phone alone", world{people: []Person{{ExternalID: "7", Phone: "2"}}, rows: []Row{local}, options: both},
			[]string{"7 updated #1 phone=2"}},
		{"letter case is a change of a name", world{people: []Person{{ExternalID: "7", Name: "ANNA"}}, rows: []Row{local}},
			[]string{"7 updated #1 name=ANNA"}},
	})
}

func TestRule4WhatIsAChangeOfAnAddress(t *testing.T) {
	t.Parallel()
	check(t, []scenario{
		{"letter case alone is none, in the portal", world{people: []Person{person("7", "A@X")}, rows: []Row{row(1, "a@x", "7")}},
			[]string{"7 unchanged #1"}},
		{"nor in the table", world{people: []Person{person("7", "ё@x")}, rows: []Row{row(1, "Ё@X", "7")}},
			[]string{"7 unchanged #1"}},
		{"spaces in the portal are none", world{people: []Person{person("7", " a@x ")}, rows: []Row{row(1, "a@x", "7")}},
			[]string{"7 unchanged #1"}},
		{"spaces in the table are one", world{people: []Person{person("7", "a@x")}, rows: []Row{row(1, "a@x ", "7")}},
			[]string{"7 updated #1 email=a@x"}},
		{"what is written is trimmed and lower-cased", world{people: []Person{person("7", " New.ЁЖ@X ")}, rows: []Row{row(1, "a@x", "7")}},
			[]string{"7 updated #1 email=new.ёж@x"}},
		{"an accent is one, and stays in the class", world{people: []Person{person("7", "jose@x")}, rows: []Row{row(1, "josé@x", "7")}},
			[]string{"7 updated #1 email=jose@x"}},
	})
}

func TestRule5PeopleWhoAreNotFound(t *testing.T) {
	t.Parallel()
	full := Person{ExternalID: "7", Name: "Анна", Email: " Anna@X", Phone: "1", Position: "Врач"}
	check(t, []scenario{
		{"are created", world{people: []Person{full}},
			[]string{"7 created name=Анна email=anna@x +link"}},
		{"with phone and position when asked for", world{people: []Person{full}, options: Options{Phone: true, Position: true}},
			[]string{"7 created name=Анна email=anna@x phone=1 position=Врач +link"}},
		{"which may be missing", world{people: []Person{person("7", "a@x")}, options: Options{Phone: true, Position: true}},
			[]string{"7 created name=Сотрудник 7 email=a@x +link"}},
		{"not without an address", world{people: []Person{{ExternalID: "7", Name: "Анна"}, person("8", " \t")}},
			[]string{"7 skipped/no_email", "8 skipped/no_email"}},
		{"while a linked one needs none", world{people: []Person{person("7", "")}, rows: []Row{row(1, "a@x", "7")}},
			[]string{"7 unchanged #1"}},
	})
}

// An unchanged run must not ask the database about a single address.
func TestOnlyAddressesThatWouldBeWrittenAreAskedAbout(t *testing.T) {
	t.Parallel()
	people := []Person{
		person("1", "A@x"), person("2", ""), person("3", "new@x"), person("4", "c@x"),
		{ExternalID: "5", Name: "\x00", Email: "bad@x"}, person("6", "NEW@x"), person("7", "moved@x"), person("8", "new@X"),
	}
	rows := []Row{row(1, "a@x", "1"), row(2, "b@x", "2"), withRole(row(3, "admin@x", "3"), "admin"), row(4, "c@x", ""), row(7, "d@x", "7")}
	draft, err := NewDraft(people, rows, everythingFits, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := draft.Wanted(); len(got) != 2 || got[0] != "new@x" || got[1] != "moved@x" {
		t.Errorf("wanted %q, once each: only persons 6, 7 and 8 would write", got)
	}
	if _, err := draft.Decide(map[string]Address{"new@x": {}}); err == nil {
		t.Error("a missing answer is not noticed")
	}
	for range 2 { // a draft may be decided again
		if _, err := draft.Decide(map[string]Address{"new@x": {Class: 1}, "moved@x": {Class: 2}}); err != nil {
			t.Error(err)
		}
	}
}
