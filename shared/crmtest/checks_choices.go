package crmtest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"booking/shared/crm"
)

var choicesChecks = []check{
	{"choices", both("для каждого перечислимого поля — значения, которые можно сохранить", "for each listable field there are values, and they can be saved"),
		both("значение узла — в том виде, в каком его примет CheckSettings", "a node's value is in the form that CheckSettings takes"), needChoices | needSettings, checkChoices},
	{"choices_unknown", both("поле, которое не перечислимо, — отказ", "a field that is not listable is refused"),
		both("отвечайте только о полях с listable, и только когда есть компания", "answer about fields with listable only, and only with a tenant"), needChoices | needSettings, checkChoicesUnknown},
	{"choices_broken", both("портал не читается — отказ, а не пустой список", "a portal that cannot be read is a failure, not an empty list"),
		both("пустой список значит «в портале ничего нет»", "an empty list means that the portal has nothing"), needChoices | needSettings, checkChoicesBroken},
}

// listable are the keys of the fields whose values can be listed.
func (x *exam) listable() (keys []string) {
	for _, f := range x.description.Fields {
		if f.Listable {
			keys = append(keys, f.Key)
		}
	}
	return keys
}

func (x *exam) choices(ctx context.Context, tenant int64, values map[string]string, field string) (crm.Choices, error) {
	s, err := x.session(ctx)
	if err != nil {
		return crm.Choices{}, err
	}
	return s.client.Choices(ctx, crm.ChoicesRequest{Tenant: crm.Tenant{ID: tenant}, Settings: settings(values), Field: field})
}

func checkChoices(ctx context.Context, x *exam) error {
	if len(x.listable()) == 0 {
		return errors.New("it lists the capability, and no field is listable")
	}
	for _, key := range x.listable() {
		choices, err := x.choices(ctx, tenantA, x.Settings, key) // which checks the trees and the numbers
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		if len(choices.Nodes) == 0 {
			return fmt.Errorf("%s: nothing is listed: these settings prove nothing", key)
		}
		var all []string
		for _, n := range choices.Nodes {
			all = append(all, n.Value)
		}
		check, err := x.checkSettings(ctx, with(x.Settings, key, strings.Join(all, ",")))
		if err != nil {
			return err
		}
		if hasProblem(check, key) {
			return fmt.Errorf("%s: CheckSettings does not take what is listed", key)
		}
	}
	return nil
}

func checkChoicesUnknown(ctx context.Context, x *exam) error {
	fields := []string{"a_field_of_tomorrow"}
	for _, f := range x.description.Fields {
		if !f.Listable {
			fields = append(fields, f.Key)
		}
	}
	for _, field := range fields {
		if _, err := x.choices(ctx, tenantA, x.Settings, field); err == nil {
			return fmt.Errorf("it lists values of %s", field)
		}
	}
	for _, key := range x.listable() {
		if _, err := x.choices(ctx, 0, x.Settings, key); err == nil {
			return errors.New("it lists values for no tenant")
		}
	}
	return nil
}

func checkChoicesBroken(ctx context.Context, x *exam) error {
	broken, err := x.brokenSettings()
	if err != nil {
		return err
	}
	for _, key := range x.listable() {
		choices, err := x.choices(ctx, tenantA, broken, key)
		if err == nil {
			return fmt.Errorf("%s: %d values of a portal that cannot be read", key, len(choices.Nodes))
		}
		if code := crm.CodeOf(err); code == crm.CodePluginLost || code == crm.CodePluginAnswer {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}
