package provider

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"booking/shared/crm"
	"booking/shared/secret"
)

func TestDescription(t *testing.T) {
	t.Parallel()
	d, err := New().Describe(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Validate(); err != nil {
		t.Error(err)
	}
	if d.Name != "bitrix24" || d.ExternalIDColumn != "bitrix24_user_id" {
		t.Errorf("%+v", d)
	}
	var keys []string
	for _, f := range d.Fields {
		keys = append(keys, f.Key)
		if f.Label.RU == "" || f.Label.EN == "" || f.Help.RU == "" || f.Help.EN == "" {
			t.Errorf("%s is not described in both languages", f.Key)
		}
		if f.Secret != (f.Key == "webhook_url" || f.Key == "event_token") || f.Required != (f.Key == "webhook_url") {
			t.Errorf("%s: secret %v, required %v", f.Key, f.Secret, f.Required)
		}
	}
	if diff := cmp.Diff([]string{"webhook_url", "event_token", "departments", "sync_phone", "sync_position", "rate_limit"}, keys); diff != "" {
		t.Error(diff)
	}
}

func TestCheckSettings(t *testing.T) {
	t.Parallel()
	p := New()
	if err := p.Configure(context.Background(), crm.Configuration{HTTPPortals: []string{"box.local"}}); err != nil {
		t.Fatal(err)
	}
	const good = "https://Portal.bitrix24.ru/rest/1/" + testSecret + "/"
	for name, c := range map[string]struct {
		settings map[string]string
		portal   string
		problems []string
	}{
		"good":           {map[string]string{"webhook_url": good}, "portal.bitrix24.ru", nil},
		"all":            {map[string]string{"webhook_url": good, "departments": "1, 15,15 ", "sync_phone": "true", "sync_position": "false"}, "portal.bitrix24.ru", nil},
		"nothing":        {nil, "", []string{"webhook_url"}},
		"spaces":         {map[string]string{"webhook_url": "  "}, "", []string{"webhook_url"}},
		"wrong form":     {map[string]string{"webhook_url": "https://portal.bitrix24.ru/" + testSecret}, "", []string{"webhook_url"}},
		"http":           {map[string]string{"webhook_url": "http://portal.bitrix24.ru/rest/1/" + testSecret + "/"}, "portal.bitrix24.ru", []string{"webhook_url"}},
		"allowed http":   {map[string]string{"webhook_url": "http://box.local:81/rest/1/" + testSecret + "/"}, "box.local", nil},
		"departments":    {map[string]string{"webhook_url": good, "departments": "1,x"}, "portal.bitrix24.ru", []string{"departments"}},
		"zero":           {map[string]string{"webhook_url": good, "departments": "0"}, "portal.bitrix24.ru", []string{"departments"}},
		"flags":          {map[string]string{"webhook_url": good, "sync_phone": "yes", "sync_position": "1"}, "portal.bitrix24.ru", []string{"sync_phone", "sync_position"}},
		"event token":    {map[string]string{"webhook_url": good, "event_token": "https://portal.bitrix24.ru/" + testSecret}, "portal.bitrix24.ru", []string{"event_token"}},
		"several at one": {map[string]string{"webhook_url": testSecret, "departments": "-1"}, "", []string{"departments", "webhook_url"}},
	} {
		settings := crm.Settings{}
		for key, value := range c.settings {
			settings[key] = secret.New(value)
		}
		got, err := p.CheckSettings(context.Background(), settings)
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, problem := range got.Problems {
			keys = append(keys, problem.Key)
			if problem.Message.RU == "" || problem.Message.EN == "" || strings.Contains(problem.Message.RU+problem.Message.EN, testSecret) {
				t.Errorf("%s: message %+v", name, problem.Message)
			}
		}
		if diff := cmp.Diff(c.problems, keys); diff != "" || got.Portal != c.portal {
			t.Errorf("%s: portal %q, problems %s", name, got.Portal, diff)
		}
	}
}
