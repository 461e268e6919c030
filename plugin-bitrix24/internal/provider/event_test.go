package provider

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"booking/plugin-bitrix24/internal/portalsim"
	"booking/shared/crm"
	"booking/shared/secret"
)

const eventToken = "0123456789abcdefEVENT"

// sent is an event of a simulated portal, changed.
func sent(t *testing.T, name string, change func(url.Values)) crm.EventMessage {
	t.Helper()
	people := portalsim.People(3, 1)
	people[1].Email = testSecret + "@example.com" // what an event says of people goes nowhere
	portal := portalsim.New(portalsim.Options{People: people, ApplicationToken: eventToken})
	t.Cleanup(portal.Close)
	kind, body := portal.Event(name, people[1].ID, "Portal.Bitrix24.ru")
	form, err := url.ParseQuery(string(body))
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(form)
	}
	return crm.EventMessage{
		Tenant: crm.Tenant{ID: 1}, ContentType: kind, Body: []byte(form.Encode()),
		Settings: crm.Settings{keyWebhook: secret.New("https://portal.bitrix24.ru/rest/1/" + testSecret + "/"), keyEventToken: secret.New(eventToken)},
	}
}

func TestReadEvent(t *testing.T) {
	t.Parallel()
	id := portalsim.People(2, 1)[1].ID
	set := func(name, value string) func(url.Values) { return func(v url.Values) { v.Set(name, value) } }
	drop := func(name string) func(url.Values) { return func(v url.Values) { v.Del(name) } }
	refused := func(reason crm.EventReason) crm.PortalEvent { return crm.PortalEvent{Reason: reason} }
	somebody := func(id string) crm.PortalEvent { return crm.PortalEvent{Authentic: true, ExternalIDs: []string{id}} }
	for name, c := range map[string]struct {
		event  string
		change func(url.Values)
		spoil  func(*crm.EventMessage)
		want   crm.PortalEvent
	}{
		"as it comes":            {want: somebody(itoa(id))},
		"lower case":             {event: "OnUserAdd", want: somebody(itoa(id))},
		"with a charset":         {spoil: func(m *crm.EventMessage) { m.ContentType += "; charset=UTF-8" }, want: somebody(itoa(id))},
		"the ID among fields":    {change: func(v url.Values) { v.Set("data[FIELDS][ID]", "77"); v.Del("data[ID]") }, want: somebody("77")},
		"a domain with a port":   {change: set("auth[domain]", "portal.bitrix24.ru:443"), want: somebody(itoa(id))},
		"about a deal":           {event: "ONCRMDEALADD", want: crm.PortalEvent{Authentic: true, Reason: crm.EventNoPeople}},
		"no event":               {change: drop("event"), want: crm.PortalEvent{Authentic: true, Reason: crm.EventNoPeople}},
		"no token":               {change: drop("auth[application_token]"), want: refused(crm.EventNoProof)},
		"another token":          {change: set("auth[application_token]", eventToken+"x"), want: refused(crm.EventWrongProof)},
		"the token's beginning":  {change: set("auth[application_token]", eventToken[:8]), want: refused(crm.EventWrongProof)},
		"the token twice":        {change: func(v url.Values) { v.Add("auth[application_token]", eventToken) }, want: refused(crm.EventMalformed)},
		"the ID twice":           {change: func(v url.Values) { v.Add("data[ID]", "8") }, want: refused(crm.EventMalformed)},
		"another portal":         {change: set("auth[domain]", "other.bitrix24.ru"), want: refused(crm.EventAnotherPortal)},
		"a portal that contains": {change: set("auth[domain]", "portal.bitrix24.ru.evil.example"), want: refused(crm.EventAnotherPortal)},
		"no portal":              {change: drop("auth[domain]"), want: refused(crm.EventAnotherPortal)},
		"no ID":                  {change: drop("data[ID]"), want: refused(crm.EventMalformed)},
		"a name for an ID":       {change: set("data[ID]", "7 OR 1=1"), want: refused(crm.EventMalformed)},
		"zero":                   {change: set("data[ID]", "0"), want: refused(crm.EventMalformed)},
		"JSON":                   {spoil: func(m *crm.EventMessage) { m.ContentType = "application/json" }, want: refused(crm.EventMalformed)},
		"no kind":                {spoil: func(m *crm.EventMessage) { m.ContentType = "" }, want: refused(crm.EventMalformed)},
		"a broken form":          {spoil: func(m *crm.EventMessage) { m.Body = append(m.Body, "&%zz"...) }, want: refused(crm.EventMalformed)},
		"empty":                  {spoil: func(m *crm.EventMessage) { m.Body = nil }, want: refused(crm.EventNoProof)},
		"as large as may be":     {change: set("x", strings.Repeat("x", crm.MaxEventBytes-2048)), want: somebody(itoa(id))},
		"larger":                 {change: set("x", strings.Repeat("x", crm.MaxEventBytes)), want: refused(crm.EventTooLarge)},
		"no token is set":        {spoil: func(m *crm.EventMessage) { delete(m.Settings, keyEventToken) }, want: refused(crm.EventNotConfigured)},
		"neither token is there": {change: set("auth[application_token]", ""), spoil: func(m *crm.EventMessage) { m.Settings[keyEventToken] = secret.New(" ") }, want: refused(crm.EventNotConfigured)},
		"no webhook is set":      {spoil: func(m *crm.EventMessage) { delete(m.Settings, keyWebhook) }, want: refused(crm.EventNotConfigured)},
	} {
		event := c.event
		if event == "" {
			event = "ONUSERADD"
		}
		m := sent(t, event, c.change)
		if c.spoil != nil {
			c.spoil(&m)
		}
		got, err := New().ReadEvent(context.Background(), m) // without Configure: it needs nothing
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s: error %v (-want +got):\n%s", name, err, diff)
		}
		noSecret(t, got)
	}
}
