package crm

import (
	"strings"
	"testing"
)

func TestDescriptionValidate(t *testing.T) {
	t.Parallel()
	if err := sound().Validate(); err != nil {
		t.Fatalf("a sound description: %v", err)
	}
	people := sound()
	people.Capabilities, people.ExternalIDColumn, people.MigrationSet = []Capability{CapabilityBookings}, "", ""
	if err := people.Validate(); err != nil {
		t.Errorf("no column without a sync: %v", err)
	}
	for name, spoil := range map[string]func(*Description){
		"no name":                 func(d *Description) { d.Name = "" },
		"name with a path":        func(d *Description) { d.Name = "../x" },
		"name with a line break":  func(d *Description) { d.Name = "fake\n" },
		"long name":               func(d *Description) { d.Name = strings.Repeat("a", 33) },
		"no version":              func(d *Description) { d.Version = "" },
		"long version":            func(d *Description) { d.Version = strings.Repeat("1", 65) },
		"no title":                func(d *Description) { d.Title = Text{} },
		"no column":               func(d *Description) { d.ExternalIDColumn = "" },
		"a base column":           func(d *Description) { d.ExternalIDColumn = "email" },
		"SQL for a column":        func(d *Description) { d.ExternalIDColumn = "a`b_user_id" },
		"column and a line break": func(d *Description) { d.ExternalIDColumn = "a_user_id\n" },
		"long column":             func(d *Description) { d.ExternalIDColumn = strings.Repeat("a", 60) + "_user_id" },
		"SQL for a set":           func(d *Description) { d.MigrationSet = "a; b" },
		"two fields of a key":     func(d *Description) { d.Fields[1].Key = d.Fields[0].Key },
		"key of a field":          func(d *Description) { d.Fields[0].Key = "Webhook" },
		"no label":                func(d *Description) { d.Fields[0].Label = Text{} },
		"default of a secret":     func(d *Description) { d.Fields[0].Default = "x" },
		"unknown type":            func(d *Description) { d.Fields[0].Type = "date" },
		"bool of two minds": func(d *Description) {
			d.Fields[1] = Field{Key: "b", Label: Text{EN: "B"}, Type: FieldBool, Default: "yes"}
		},
		"choices of a text":    func(d *Description) { d.Fields[0].Choices = []Choice{{Value: "x"}} },
		"no choices":           func(d *Description) { d.Fields[1].Choices = nil },
		"default not a choice": func(d *Description) { d.Fields[1].Default = "burn" },
		"a choice twice":       func(d *Description) { d.Fields[1].Choices[1].Value = "keep" },
		"an empty choice":      func(d *Description) { d.Fields[1].Choices[1].Value = "" },
	} {
		d := sound()
		spoil(&d)
		if err := d.Validate(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
