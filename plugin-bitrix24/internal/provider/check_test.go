package provider

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"booking/plugin-bitrix24/internal/portalsim"
	"booking/shared/crm"
)

// findings are "code" or "!code", in order.
func (h *house) check() (codes []string, all string) {
	h.t.Helper()
	check, err := h.provider.CheckConnection(context.Background(), crm.ConnectionRequest{Tenant: crm.Tenant{ID: 1}, Settings: h.settings})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, f := range check.Findings {
		if f.Message.RU == "" || f.Message.EN == "" {
			h.t.Errorf("%s has no message in both languages", f.Code)
		}
		all += f.Message.RU + " | " + f.Message.EN + "\n"
		if !f.OK {
			f.Code = "!" + f.Code
		}
		codes = append(codes, f.Code)
	}
	noSecret(h.t, all)
	return codes, all
}

func TestCheckConnection(t *testing.T) {
	t.Parallel()
	good := []string{"webhook", "owner", "scopes", "email_visible", "employees", "latency", "clock", "timezone"}
	people := portalsim.People(40, 1)
	people[3].Email = ""
	people[4].Active = false
	bare := portalsim.People(3, 1)
	for i := range bare {
		bare[i].Email = ""
	}
	zone := func(o time.Duration) func() time.Time {
		return func() time.Time { return time.Now().Add(o).In(time.FixedZone("", 3*60*60)) }
	}
	for name, c := range map[string]struct {
		options     portalsim.Options
		departments string
		fault       portalsim.Kind
		want        []string
		words       []string
	}{
		"good": {options: portalsim.Options{}, want: good, words: []string{
			"Активных сотрудников: 39, с адресом почты: 38", "Active employees: 39, with an e-mail address: 38", "UTC+03:00", "department, user", "127.0.0.1", people[0].LastName,
		}},
		"brief": {options: portalsim.Options{Scopes: []string{"user_brief"}}, want: []string{"webhook", "owner", "!scopes", "!email_visible", "latency", "clock", "timezone"},
			words: []string{"user_brief", "Добавьте: user"}},
		"no scope for people":      {options: portalsim.Options{Scopes: []string{"crm"}}, want: []string{"webhook", "owner", "!scopes", "!email_visible", "latency", "clock", "timezone"}},
		"no scope for departments": {options: portalsim.Options{Scopes: []string{"user"}}, departments: "1", want: []string{"webhook", "owner", "!scopes", "!departments", "latency", "clock", "timezone"}, words: []string{"Add: department"}},
		"unknown department":       {options: portalsim.Options{Departments: portalsim.Departments()}, departments: "7777", want: []string{"webhook", "owner", "scopes", "!departments", "latency", "clock", "timezone"}, words: []string{"7777"}},
		"nobody has an address":    {options: portalsim.Options{People: bare}, want: []string{"webhook", "owner", "scopes", "!email_visible", "employees", "latency", "clock", "timezone"}},
		"revoked":                  {fault: portalsim.NoAuth, want: []string{"!webhook"}, words: []string{"отозван"}},
		"wrong clock":              {options: portalsim.Options{Now: zone(-10 * time.Minute)}, want: []string{"webhook", "owner", "scopes", "email_visible", "employees", "latency", "!clock", "timezone"}, words: []string{"на 10 мин"}},
		"cut off":                  {fault: portalsim.ResetBefore, want: []string{"!webhook"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.options.People == nil {
				c.options.People = people
			}
			h := newHouse(t, c.options)
			if c.departments != "" {
				h.set(keyDepartments, c.departments)
			}
			if c.fault != "" {
				h.provider.clock = noWait()
				h.portal.Inject(portalsim.Fault{Kind: c.fault, Times: portalsim.Always})
			}
			codes, all := h.check()
			if diff := cmp.Diff(c.want, codes); diff != "" {
				t.Errorf("%s\n%s", diff, all)
			}
			for _, word := range c.words {
				if !strings.Contains(all, word) {
					t.Errorf("%q is not in:\n%s", word, all)
				}
			}
		})
	}
}

func TestCheckConnectionOfBadSettings(t *testing.T) {
	t.Parallel()
	h := newHouse(t, portalsim.Options{People: portalsim.People(3, 1)})
	h.set(keyWebhook, "http://portal.bitrix24.ru/rest/1/"+testSecret+"/")
	h.set(keyDepartments, "x")
	codes, _ := h.check()
	if fmt.Sprint(codes) != "[!departments]" {
		t.Error(codes)
	}
	h.set(keyDepartments, "")
	codes, all := h.check()
	if fmt.Sprint(codes) != "[!webhook]" || !strings.Contains(all, "https://") {
		t.Error(codes, all)
	}
}
