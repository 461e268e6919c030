package usersync

import (
	"testing"

	"booking/shared/crm"
)

func TestRule8WhatAConflictLeavesAlone(t *testing.T) {
	t.Parallel()
	wants := Person{ExternalID: "7", Name: "Anna", Email: "taken@x", Phone: "2", Position: "Q"}
	local := Row{ID: 1, Name: "N", Email: "a@x", Link: "7", Role: "employee", Phone: "1", Position: "P"}
	both := Options{Phone: true, Position: true}
	check(t, []scenario{
		{"a linked person gets the rest", world{people: []Person{wants}, rows: []Row{local}, foreign: []string{"taken@x"}, options: both},
			[]string{"7 conflict/email_taken #1 name=Anna phone=2 position=Q"}},
		{"of which there may be nothing", world{people: []Person{person("7", "taken@x")}, rows: []Row{local}, foreign: []string{"taken@x"}, options: both},
			[]string{"7 conflict/email_taken #1"}},
		{"also as the loser of rule 6", world{people: []Person{wants, person("1", "taken@x")}, rows: []Row{local}},
			[]string{"1 created name=Сотрудник 1 email=taken@x +link", "7 conflict/duplicate_email #1 name=Anna vs 1#0"}},
		{"an unlinked one is not created", world{people: []Person{wants}, foreign: []string{"taken@x"}, options: both},
			[]string{"7 conflict/email_taken"}},
		{"nor linked, nor changed", world{people: []Person{wants}, rows: []Row{row(1, " taken@x", "")}, foreign: []string{"taken@x"}, options: both},
			[]string{"7 conflict/email_taken #1"}},
	})
}

func TestRule8AConflictCountsOnce(t *testing.T) {
	t.Parallel()
	plan := world{
		people:  []Person{{ExternalID: "7", Name: "Anna", Email: "taken@x"}, person("8", "taken@x")},
		rows:    []Row{row(1, "a@x", "7"), row(2, "b@x", "7")},
		foreign: []string{"taken@x"},
	}.plan(t)
	if want := (crm.Counts{Fetched: 2, Conflicts: 2}); plan.Counts != want {
		t.Errorf("counts %+v, want %+v", plan.Counts, want)
	}
}

func TestRule9AnAdministratorsAddressStays(t *testing.T) {
	t.Parallel()
	boss := Person{ExternalID: "7", Name: "Boss", Email: "new@x", Phone: "2"}
	admin := withRole(row(1, "boss@x", "7"), "admin")
	unlinked := withRole(row(1, "boss@x", ""), "super_admin")
	check(t, []scenario{
		{"the rest is updated", world{people: []Person{boss}, rows: []Row{admin}, options: Options{Phone: true}},
			[]string{"7 conflict/admin_email #1 name=Boss phone=2"}},
		{"for a super_admin too", world{people: []Person{boss}, rows: []Row{withRole(admin, "super_admin")}},
			[]string{"7 conflict/admin_email #1 name=Boss"}},
		{"a manager is none", world{people: []Person{boss}, rows: []Row{withRole(admin, "manager")}},
			[]string{"7 updated #1 name=Boss email=new@x"}},
		{"an accent is another address", world{people: []Person{person("7", "bóss@x")}, rows: []Row{admin}},
			[]string{"7 conflict/admin_email #1"}},
		{"letter case is not", world{people: []Person{person("7", "BOSS@x")}, rows: []Row{admin}},
			[]string{"7 unchanged #1"}},
		{"stray spaces are not either, and stay", world{people: []Person{person("7", "boss@x")}, rows: []Row{withRole(row(1, "boss@x ", "7"), "admin")}},
			[]string{"7 unchanged #1"}},
		{"empty in the portal is no conflict", world{people: []Person{{ExternalID: "7", Name: "Boss"}}, rows: []Row{admin}},
			[]string{"7 updated #1 name=Boss"}},
		{"the same address links", world{people: []Person{person("7", "Boss@x")}, rows: []Row{unlinked}},
			[]string{"7 updated/linked #1 +link"}},
		{"whoever else wants it does not get it", world{people: []Person{boss, person("8", "boss@x")}, rows: []Row{admin}},
			[]string{"7 conflict/admin_email #1 name=Boss", "8 conflict/email_taken vs 7#1"}},
	})
}
