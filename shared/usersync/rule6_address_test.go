package usersync

import (
	"slices"
	"testing"
)

func TestRule6OneAddressOneOwner(t *testing.T) {
	t.Parallel()
	check(t, []scenario{
		{"first the linked person whose row holds it", world{
			people: []Person{person("1", "a@x"), person("9", "A@x")},
			rows:   []Row{row(1, "a@x", "9")},
		}, []string{"1 conflict/duplicate_email vs 9#1", "9 unchanged #1"}},
		{"also when it is spelled otherwise there", world{
			people: []Person{person("1", "jose@x"), person("9", "jose@x")},
			rows:   []Row{row(1, "josé@x", "9")},
		}, []string{"1 conflict/duplicate_email vs 9#1", "9 updated #1 email=jose@x"}},
		{"then the person who matches the row that holds it", world{
			people: []Person{person("1", "a@x"), person("9", "a@x")},
			rows:   []Row{row(1, "c@x", "1"), row(2, "a@x", "")},
		}, []string{"1 conflict/duplicate_email #1 vs 9#2", "9 updated/linked #2 +link"}},
		{"matching is exact, colliding is the database's", world{
			people: []Person{person("1", "jose@x"), person("9", "josé@x")},
			rows:   []Row{row(2, "José@x", "")},
		}, []string{"1 conflict/duplicate_email vs 9#2", "9 updated/linked #2 +link"}},
		{"then the lowest number, which is no order of texts", world{
			people: []Person{person("10", "a@x"), person("9", "A@x"), person("100", "á@x")},
		}, []string{"9 created name=Сотрудник 9 email=a@x +link", "10 conflict/duplicate_email vs 9#0", "100 conflict/duplicate_email vs 9#0"}},
		{"linked or not", world{
			people: []Person{person("1", "a@x"), person("9", "a@x")},
			rows:   []Row{row(1, "c@x", "9")},
		}, []string{"1 created name=Сотрудник 1 email=a@x +link", "9 conflict/duplicate_email #1 vs 1#0"}},
		{"the person of an administrator's row wants none", world{
			people: []Person{person("1", "a@x"), person("9", "a@x")},
			rows:   []Row{withRole(row(1, "admin@x", "1"), "admin")},
		}, []string{"1 conflict/admin_email #1", "9 created name=Сотрудник 9 email=a@x +link"}},
		{"who cannot be stored wants none", world{
			people: []Person{{ExternalID: "1", Name: "\x00", Email: "a@x"}, person("9", "a@x")},
		}, []string{"1 skipped/invalid:name", "9 created name=Сотрудник 9 email=a@x +link"}},
		{"two contenders while the holder leaves", world{
			people: []Person{person("3", "a@x"), person("2", "A@x"), person("9", "free@x")},
			rows:   []Row{row(1, "a@x", "9")},
		}, []string{
			"2 created name=Сотрудник 2 email=a@x +link group=1",
			"3 conflict/duplicate_email vs 2#0",
			"9 updated #1 email=free@x group=1",
		}},
	})
}

func TestRule7WhoKeepsHolds(t *testing.T) {
	t.Parallel()
	newcomer := person("9", "a@x")
	invalid := person("1", "b@x")
	invalid.Name = "\x00"
	check(t, []scenario{
		{"a local person", world{people: []Person{newcomer}, rows: []Row{row(1, "A@x", "99")}},
			[]string{"9 conflict/email_taken vs 99#1"}},
		{"somebody of another tenant, of whom nothing is told", world{people: []Person{newcomer}, foreign: []string{"Á@x"}},
			[]string{"9 conflict/email_taken"}},
		{"an administrator, whatever the portal says", world{
			people: []Person{person("1", "b@x"), newcomer}, rows: []Row{withRole(row(1, "a@x", "1"), "super_admin")},
		}, []string{"1 conflict/admin_email #1", "9 conflict/email_taken vs 1#1"}},
		{"an administrator whose address the portal confirms", world{
			people: []Person{person("1", "a@x"), newcomer}, rows: []Row{withRole(row(1, "a@x", "1"), "admin")},
		}, []string{"1 unchanged #1", "9 conflict/email_taken vs 1#1"}},
		{"who has none in the portal", world{people: []Person{person("1", ""), newcomer}, rows: []Row{row(1, "a@x", "1")}},
			[]string{"1 unchanged #1", "9 conflict/email_taken vs 1#1"}},
		{"who cannot be stored", world{people: []Person{invalid, newcomer}, rows: []Row{row(1, "a@x", "1")}},
			[]string{"1 skipped/invalid:name #1", "9 conflict/email_taken vs 1#1"}},
		{"who lost another address", world{
			people: []Person{person("1", "b@x"), person("2", "b@x"), newcomer}, rows: []Row{row(1, "b@x", "1"), row(2, "a@x", "2")},
		}, []string{"1 unchanged #1", "2 conflict/duplicate_email #2 vs 1#1", "9 conflict/email_taken vs 2#2"}},
		{"also against several, who quarrel first", world{
			people: []Person{person("8", "a@x"), newcomer}, rows: []Row{row(1, "a@x", "")},
		}, []string{"8 updated/linked #1 +link", "9 conflict/duplicate_email vs 8#1"}},
		{"against several from outside too", world{people: []Person{person("8", "a@x"), newcomer}, foreign: []string{"a@x"}},
			[]string{"8 conflict/email_taken", "9 conflict/duplicate_email vs 8#0"}},
		{"but nobody holds against oneself", world{people: []Person{person("1", "jose@x")}, rows: []Row{row(1, "josé@x", "1")}},
			[]string{"1 updated #1 email=jose@x"}},
		{"an unlinked row whose stray spaces hide that its address is taken", world{
			people: []Person{newcomer}, rows: []Row{row(1, " a@x", ""), row(2, "a@x", "99")},
		}, []string{"9 conflict/email_taken #1 vs 99#2"}},
	})
}

func TestRule7IsAppliedUntilNothingChanges(t *testing.T) {
	t.Parallel()
	chain := []Person{person("1", "b@x"), person("2", "c@x"), person("3", "d@x")}
	rows := []Row{row(1, "a@x", "1"), row(2, "b@x", "2"), row(3, "c@x", "3")}
	refused := []string{"1 conflict/email_taken #1 vs 2#2", "2 conflict/email_taken #2 vs 3#3"}
	check(t, []scenario{
		{"a chain that ends at a local person", world{people: chain, rows: append([]Row{row(4, "d@x", "")}, rows...)},
			append(refused[:2:2], "3 conflict/email_taken #3 vs #4")},
		{"at an administrator", world{people: append([]Person{person("4", "e@x")}, chain...), rows: append([]Row{withRole(row(4, "d@x", "4"), "admin")}, rows...)},
			append(refused[:2:2], "3 conflict/email_taken #3 vs 4#4", "4 conflict/admin_email #4")},
		{"in another tenant", world{people: chain, rows: rows, foreign: []string{"d@x"}},
			append(refused[:2:2], "3 conflict/email_taken #3")},
		{"with a loser in the middle", world{
			people: []Person{person("1", "b@x"), person("4", "c@x"), person("2", "c@x"), person("3", "d@x")},
			rows:   []Row{row(1, "a@x", "1"), row(4, "b@x", "4"), row(2, "e@x", "2"), row(3, "c@x", "3")},
		}, []string{
			"1 conflict/email_taken #1 vs 4#4", "2 updated #2 email=c@x group=1",
			"3 updated #3 email=d@x group=1", "4 conflict/duplicate_email #4 vs 2#2",
		}},
		{"with a newcomer at its head", world{people: append([]Person{person("9", "a@x")}, chain...), rows: rows, foreign: []string{"d@x"}},
			append(refused[:2:2], "3 conflict/email_taken #3", "9 conflict/email_taken vs 1#1")},
		{"a ring that nobody can break", world{
			people: []Person{person("1", "b@x"), person("2", "a@x"), person("9", "a@x")},
			rows:   []Row{row(1, "a@x", "1"), row(2, "b@x", "2")},
		}, []string{
			"1 updated #1 email=b@x group=1", "2 updated #2 email=a@x group=1", "9 conflict/duplicate_email vs 2#2",
		}},
		{"a ring in which one does not win", world{
			people: []Person{person("3", "b@x"), person("2", "a@x"), person("1", "a@x")},
			rows:   []Row{row(3, "a@x", "3"), row(2, "b@x", "2")},
		}, []string{
			"1 conflict/email_taken vs 3#3", "2 conflict/duplicate_email #2 vs 1#0", "3 conflict/email_taken #3 vs 2#2",
		}},
	})
}

func TestRule7WhatMovesTogetherIsOneGroup(t *testing.T) {
	t.Parallel()
	check(t, []scenario{
		{"a handover to a newcomer", world{
			people: []Person{person("1", "free@x"), person("9", "a@x")}, rows: []Row{row(1, "a@x", "1")},
		}, []string{"1 updated #1 email=free@x group=1", "9 created name=Сотрудник 9 email=a@x +link group=1"}},
		{"a handover by class: José leaves, jose comes", world{
			people: []Person{person("1", "free@x"), person("2", "jose@x")}, rows: []Row{row(1, "José@x", "1"), row(2, "b@x", "2")},
		}, []string{"1 updated #1 email=free@x group=1", "2 updated #2 email=jose@x group=1"}},
		{"a chain that ends free", world{
			people: []Person{person("1", "b@x"), person("2", "c@x"), person("3", "d@x")},
			rows:   []Row{row(1, "a@x", "1"), row(2, "b@x", "2"), row(3, "c@x", "3")},
		}, []string{"1 updated #1 email=b@x group=1", "2 updated #2 email=c@x group=1", "3 updated #3 email=d@x group=1"}},
		{"two rings and a single move, numbered by their lowest ids", world{
			people: []Person{person("1", "b@x"), person("2", "free@x"), person("3", "f@x"), person("4", "a@x"), person("5", "e@x")},
			rows:   []Row{row(1, "a@x", "1"), row(2, "d@x", "2"), row(3, "e@x", "3"), row(4, "b@x", "4"), row(5, "f@x", "5")},
		}, []string{
			"1 updated #1 email=b@x group=1", "2 updated #2 email=free@x", "3 updated #3 email=f@x group=2",
			"4 updated #4 email=a@x group=1", "5 updated #5 email=e@x group=2",
		}},
		{"an unlinked row in the chain is linked in its group", world{
			people: []Person{person("1", "free@x"), person("9", "a@x")},
			rows:   []Row{row(1, "a@x", "1"), row(2, "  a@x", "")},
		}, []string{"1 updated #1 email=free@x group=1", "9 updated/linked #2 email=a@x +link group=1"}},
	})
}

// The rows and the addresses are read one after the other, and answers in several
// statements: what came in between is taken, never free.
func TestRule7WhatCameInBetweenIsTaken(t *testing.T) {
	t.Parallel()
	people := []Person{person("1", "a@x"), person("2", "Á@x"), person("3", "b@x")}
	draft, err := NewDraft(people, nil, everythingFits, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := Holder{Taken: true, RowID: 55}, Holder{Taken: true}
	for _, c := range []struct{ first, second Holder }{{ours, Holder{}}, {Holder{}, ours}} {
		plan, err := draft.Decide(map[string]Address{
			"a@x": {Class: 1, Holder: c.first}, "á@x": {Class: 1, Holder: c.second}, "b@x": {Class: 2, Holder: theirs},
		})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"1 conflict/email_taken vs #55", "2 conflict/duplicate_email vs 1#0", "3 conflict/email_taken"}
		if got := saidOf(plan); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
