package crmtest_test

import (
	"context"
	"testing"

	"booking/shared/crm"
	"booking/shared/crmhost"
	"booking/shared/secret"
)

// counter is a host's PeopleEvents.
type counter int

func (c *counter) Person(crm.Person) error     { *c++; return nil }
func (c *counter) Progress(crm.Progress) error { return nil }

// A host reads through crmhost: a reading without end is ended, a good one arrives.
func TestAReadingIsBounded(t *testing.T) {
	t.Parallel()
	source, ok := started(t, faulty(t, "people").Executable, crmhost.Limits{Events: 1000}).(crm.PeopleSource)
	if !ok {
		t.Fatal("a host's plugin is no crm.PeopleSource")
	}
	read := func(people string) (int, error) {
		var got counter
		err := source.ReadPeople(context.Background(), crm.PeopleRequest{Tenant: crm.Tenant{ID: 1},
			Settings: crm.Settings{"portal": secret.New("p"), "people": secret.New(people)}}, &got)
		return int(got), err
	}
	if n, err := read("900"); n != 900 || err != nil {
		t.Errorf("%d people, error %v", n, err)
	}
	if n, err := read("100000"); n > 1000 || crm.CodeOf(err) != crm.CodePluginAnswer {
		t.Errorf("%d people, error %v", n, err)
	}
}
