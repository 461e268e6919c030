package provider

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"booking/plugin-bitrix24/internal/portalsim"
	"booking/plugin-bitrix24/internal/rest"
	"booking/shared/crm"
	"booking/shared/secret"
)

func (h *house) choices(field string) (crm.Choices, error) {
	h.t.Helper()
	c, err := h.provider.Choices(context.Background(), crm.ChoicesRequest{Tenant: crm.Tenant{ID: 1}, Settings: h.settings, Field: field})
	noSecret(h.t, err)
	noSecret(h.t, c)
	return c, err
}

func TestChoicesAreTheDepartments(t *testing.T) {
	t.Parallel()
	people := portalsim.People(6, 1)
	for i, of := range [][]int64{{1}, {2}, {2, 3}, {3}, {99}, nil} {
		people[i].Departments = of
	}
	people[5].Active = false
	h := newHouse(t, portalsim.Options{People: people, Departments: []portalsim.Department{
		{ID: 1, Name: "ООО «Ромашка»"}, {ID: 2, Name: "Продажи", Parent: 1}, {ID: 3, Parent: 2},
	}})
	h.set(keyDepartments, "no number") // it can be mended by choosing
	got, err := h.choices(keyDepartments)
	if err != nil {
		t.Fatal(err)
	}
	want := crm.Choices{
		Nodes:   []crm.ChoiceNode{{Value: "3", Label: "3", Parent: "2", People: 2}, {Value: "1", Label: "ООО «Ромашка»", People: 1}, {Value: "2", Label: "Продажи", Parent: "1", People: 2}},
		Counted: true, People: 5, Overlaps: []crm.ChoiceOverlap{{Values: []string{"2", "3"}, People: 1}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := h.choices(keyPhone); crm.CodeOf(err) != crm.CodeInternal {
		t.Errorf("choices of a flag: %v", err)
	}
	h.set(keyWebhook, "")
	if _, err := h.choices(keyDepartments); crm.CodeOf(err) != crm.CodeNotConfigured {
		t.Errorf("without a webhook: %v", err)
	}
}

// Going back and forth between pages asks the portal once; another webhook, or half a
// minute, asks it anew; a failure is not remembered.
func TestChoicesAreRememberedForAMoment(t *testing.T) {
	t.Parallel()
	h := newHouse(t, portalsim.Options{People: portalsim.People(3, 1), Departments: portalsim.Departments()})
	now := time.Now()
	h.provider.clock = rest.Clock{Now: func() time.Time { return now }, Sleep: noWait().Sleep}
	asked := func(want int) {
		t.Helper()
		h.portal.ResetCounters()
		if _, err := h.choices(keyDepartments); err != nil {
			t.Error(err)
		}
		if got := h.portal.Requests(); got != want {
			t.Errorf("%d requests, want %d", got, want)
		}
	}
	asked(2)
	now = now.Add(structureAge - 1)
	asked(0)
	now = now.Add(1)
	asked(2)
	h.set(keyWebhook, h.address+"user.get")
	asked(2)
	h.settings[keyWebhook] = secret.New(h.address)
	now = now.Add(structureAge)
	h.portal.Inject(portalsim.Fault{Kind: portalsim.NoAuth, Times: portalsim.Always})
	if _, err := h.choices(keyDepartments); crm.CodeOf(err) != crm.CodeUnauthorized {
		t.Errorf("a revoked webhook: %v", err)
	}
	h.portal.Heal()
	asked(2)
	if len(h.provider.structures.known) != 1 {
		t.Errorf("%d structures are kept", len(h.provider.structures.known))
	}
}

// Somebody sits in front of the list: it does not wait for limits as a run does.
func TestChoicesDoNotWaitLong(t *testing.T) {
	t.Parallel()
	h := newHouse(t, portalsim.Options{People: portalsim.People(3, 1), Departments: portalsim.Departments()})
	var waited time.Duration
	now := time.Now()
	h.provider.clock = rest.Clock{Now: func() time.Time { return now }, Sleep: func(_ context.Context, d time.Duration) error {
		now, waited = now.Add(d), waited+d
		return nil
	}}
	h.portal.Inject(portalsim.Fault{Kind: portalsim.QueryLimit, Times: portalsim.Always})
	if _, err := h.choices(keyDepartments); crm.CodeOf(err) != crm.CodeRateLimited || waited > choicesPatience {
		t.Errorf("%v after %s", err, waited)
	}
}
