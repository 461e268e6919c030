package crm

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"booking/shared/crm/internal/crmpb"
	"booking/shared/secret"
)

func eventMessage() EventMessage {
	return EventMessage{
		Tenant: Tenant{ID: 7}, Settings: Settings{"event_token": secret.New("token")},
		ContentType: "application/x-www-form-urlencoded", Body: []byte("event=ONUSERADD\xff\x00"),
	}
}

func TestAnEventArrivesAsItCame(t *testing.T) {
	t.Parallel()
	var asked EventMessage
	client := dial(t, &able{event: func(_ context.Context, m EventMessage) (PortalEvent, error) {
		asked = m
		return PortalEvent{Authentic: true, ExternalIDs: []string{"7", "8"}}, nil
	}})
	got, err := client.ReadEvent(t.Context(), eventMessage())
	if diff := cmp.Diff(PortalEvent{Authentic: true, ExternalIDs: []string{"7", "8"}}, got); err != nil || diff != "" {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff(eventMessage(), asked, secrets); diff != "" {
		t.Errorf("message (-sent +arrived):\n%s", diff)
	}
}

func TestEventsThatContradictThemselves(t *testing.T) {
	t.Parallel()
	many := make([]string, maxEventIDs+1)
	for i := range many {
		many[i] = "9" + string(rune('0'+i%10))
	}
	for name, c := range map[string]struct {
		answer *crmpb.ReadEventResponse
		ok     bool
	}{
		"about somebody":          {&crmpb.ReadEventResponse{Authentic: true, ExternalIds: []string{"9223372036854775807"}}, true},
		"about nobody":            {&crmpb.ReadEventResponse{Authentic: true, Reason: "no_people"}, true},
		"refused":                 {&crmpb.ReadEventResponse{Reason: "wrong_proof"}, true},
		"nothing":                 {&crmpb.ReadEventResponse{}, false},
		"authentic, about what?":  {&crmpb.ReadEventResponse{Authentic: true}, false},
		"refused and believed":    {&crmpb.ReadEventResponse{ExternalIds: []string{"7"}}, false},
		"refused with ids":        {&crmpb.ReadEventResponse{Reason: "wrong_proof", ExternalIds: []string{"7"}}, false},
		"authentic but malformed": {&crmpb.ReadEventResponse{Authentic: true, Reason: "malformed"}, false},
		"a reason with an echo":   {&crmpb.ReadEventResponse{Reason: "Bad token t0ken!"}, false},
		"a name for an id":        {&crmpb.ReadEventResponse{Authentic: true, ExternalIds: []string{"Ivan"}}, false},
		"leading zeros":           {&crmpb.ReadEventResponse{Authentic: true, ExternalIds: []string{"007"}}, false},
		"an id twice":             {&crmpb.ReadEventResponse{Authentic: true, ExternalIds: []string{"7", "7"}}, false},
		"everybody":               {&crmpb.ReadEventResponse{Authentic: true, ExternalIds: many}, false},
	} {
		client := dialForeign(t, &foreignPlugin{event: func() (*crmpb.ReadEventResponse, error) { return c.answer, nil }})
		if got, err := client.ReadEvent(t.Context(), eventMessage()); (err == nil) != c.ok || err != nil && CodeOf(err) != CodePluginAnswer {
			t.Errorf("%s: %+v, error %v", name, got, err)
		}
	}
}

// lean is a source of people with two more capabilities.
type lean struct{ PeopleFunc }

func (lean) Choices(context.Context, ChoicesRequest) (Choices, error) { return company(), nil }

func (lean) ReadEvent(context.Context, EventMessage) (PortalEvent, error) {
	return PortalEvent{Reason: EventNoProof}, nil
}

// A plugin without a capability refuses its call, and a source of people has those
// that it has methods for.
func TestCapabilitiesAreOptional(t *testing.T) {
	t.Parallel()
	calls := map[Capability]func(c *Client) error{
		CapabilityChoices: func(c *Client) error { _, err := c.Choices(t.Context(), choicesRequest()); return err },
		CapabilityImportSettings: func(c *Client) error {
			return c.ImportSettings(t.Context(), ImportRequest{}, func(ImportedSettings) error { return nil })
		},
		CapabilityEvents: func(c *Client) error { _, err := c.ReadEvent(t.Context(), eventMessage()); return err },
	}
	none := func(context.Context, PeopleRequest, PeopleEvents) error { return nil }
	for name, c := range map[string]struct {
		plugin Plugin
		can    []Capability
	}{
		"nothing but the contract's calls": {&fakePlugin{}, nil},
		"people":                           {people(none), []Capability{CapabilityPeople}},
		"people with more":                 {NewPeoplePlugin(Description{Name: "lean"}, lean{none}), []Capability{CapabilityPeople, CapabilityChoices, CapabilityEvents}},
	} {
		if p, ok := c.plugin.(*PeoplePlugin); ok {
			if d, _ := p.Describe(t.Context()); !cmp.Equal(d.Capabilities, c.can) {
				t.Errorf("%s: it lists %v", name, d.Capabilities)
			}
		}
		client := dial(t, c.plugin)
		for capability, call := range calls {
			err := call(client)
			if has := (Description{Capabilities: c.can}).Has(capability); has != (err == nil) || err != nil && CodeOf(err) != CodePluginAnswer && CodeOf(err) != CodeInternal {
				t.Errorf("%s, %s: %v", name, capability, err)
			}
		}
	}
}
