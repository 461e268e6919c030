package rest

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestParseWebhook(t *testing.T) {
	t.Parallel()
	const s = testSecret
	for given, want := range map[string]struct{ url, portal string }{
		"https://portal.bitrix24.ru/rest/1/" + s + "/":                {"https://portal.bitrix24.ru/rest/1/" + s + "/user.get", "portal.bitrix24.ru"},
		"https://portal.bitrix24.ru/rest/1/" + s:                      {"https://portal.bitrix24.ru/rest/1/" + s + "/user.get", "portal.bitrix24.ru"},
		" \t\nhttps://portal.bitrix24.de/rest/17/" + s + "/ \u00a0\n": {"https://portal.bitrix24.de/rest/17/" + s + "/user.get", "portal.bitrix24.de"},
		"\u200bhttps://p.bitrix24.com/rest/1/" + s + "/\ufeff":        {"https://p.bitrix24.com/rest/1/" + s + "/user.get", "p.bitrix24.com"},
		"\"https://p.bitrix24.com/rest/1/" + s + "/\"":                {"https://p.bitrix24.com/rest/1/" + s + "/user.get", "p.bitrix24.com"},
		"HTTPS://Portal.Bitrix24.RU/rest/1/" + s + "/":                {"https://portal.bitrix24.ru/rest/1/" + s + "/user.get", "portal.bitrix24.ru"},
		"https://p.bitrix24.kz/rest/1/" + s + "/user.get.json":        {"https://p.bitrix24.kz/rest/1/" + s + "/user.get", "p.bitrix24.kz"},
		"https://p.bitrix24.kz/rest/1/" + s + "/profile":              {"https://p.bitrix24.kz/rest/1/" + s + "/user.get", "p.bitrix24.kz"},
		"https://p.bitrix24.kz/rest/1/" + s + "/user.get?start=5#top": {"https://p.bitrix24.kz/rest/1/" + s + "/user.get", "p.bitrix24.kz"},
		"https://crm.example.org:8443/rest/1/" + s + "/":              {"https://crm.example.org:8443/rest/1/" + s + "/user.get", "crm.example.org"},
		"https://crm.example.org:443/rest/1/" + s + "/":               {"https://crm.example.org/rest/1/" + s + "/user.get", "crm.example.org"},
		"https://example.org/our/portal/rest/1/" + s + "/":            {"https://example.org/our/portal/rest/1/" + s + "/user.get", "example.org"},
		"https://example.org//rest//1//" + s + "//":                   {"https://example.org/rest/1/" + s + "/user.get", "example.org"},
		"https://портал.рф/rest/1/" + s + "/":                         {"https://xn--80awhdgm.xn--p1ai/rest/1/" + s + "/user.get", "xn--80awhdgm.xn--p1ai"},
		"https://portal.bitrix24.ru./rest/1/" + s + "/":               {"https://portal.bitrix24.ru/rest/1/" + s + "/user.get", "portal.bitrix24.ru"},
		"http://[::1]:8080/rest/1/" + s + "/":                         {"http://[::1]:8080/rest/1/" + s + "/user.get", "::1"},
		"http://127.0.0.1/rest/1/" + s + "/":                          {"http://127.0.0.1/rest/1/" + s + "/user.get", "127.0.0.1"},
	} {
		w, err := ParseWebhook(given)
		if err != nil {
			t.Errorf("%q: %v", given, err)
			continue
		}
		if got := w.url("user.get"); got != want.url {
			t.Errorf("%q calls %q, want %q", given, got, want.url)
		}
		if got := w.Portal(); got != want.portal {
			t.Errorf("%q: portal %q, want %q", given, got, want.portal)
		}
	}
}

func TestParseWebhookRefuses(t *testing.T) {
	t.Parallel()
	const s = testSecret
	for _, given := range []string{
		"", " ", s, "portal.bitrix24.ru", "portal.bitrix24.ru/rest/1/" + s + "/", "https://portal.bitrix24.ru", "https://portal.bitrix24.ru/",
		"https://portal.bitrix24.ru/rest/", "https://portal.bitrix24.ru/rest/1/", "https://portal.bitrix24.ru/rest/" + s + "/",
		"https://portal.bitrix24.ru/rest/one/" + s + "/", "https://portal.bitrix24.ru/rest/-1/" + s + "/",
		"https://portal.bitrix24.ru/rest/1/" + s + "/user.get/more", "https://portal.bitrix24.ru/rest/1/" + s + "%2f..%2f/",
		"https://portal.bitrix24.ru/../rest/1/" + s + "/", "https://portal.bitrix24.ru/rest/1/..",
		"ftp://portal.bitrix24.ru/rest/1/" + s + "/", "javascript:alert('" + s + "')", "https:portal/rest/1/" + s,
		"https:///rest/1/" + s + "/", "https://user:" + s + "@portal.bitrix24.ru/rest/1/" + s + "/",
		"https://portal.bitrix24.ru:0/rest/1/" + s + "/", "https://portal.bitrix24.ru:99999/rest/1/" + s + "/", "https://portal.bitrix24.ru:x/rest/1/" + s,
		"https://por tal.bitrix24.ru/rest/1/" + s + "/", "https://portal..ru/rest/1/" + s + "/", "https://-portal.ru/rest/1/" + s + "/",
		"https://portal.bitrix24.ru/rest/1/" + strings.Repeat("x", 200) + "/", "https://portal.bitrix24.ru/rest/1/se cret/", "https://portal.bitrix24.ru/rest/1/%zz/",
		"https://portal.bitrix24.ru/company/personal/user/1/", "https://portal.bitrix24.ru/rest/1/" + s + "/\x00",
	} {
		_, err := ParseWebhook(given)
		if !errors.Is(err, ErrWebhookForm) {
			t.Errorf("%q: %v", given, err)
			continue
		}
		if !strings.Contains(err.Error(), RightForm) {
			t.Errorf("%q: the error does not show the right form: %v", given, err)
		}
		noSecret(t, err)
	}
}

func FuzzParseWebhook(f *testing.F) {
	f.Add("https://portal.bitrix24.ru/rest/1/abc/user.get.json")
	f.Add("http://[::1%25eth0]:80/rest/1/abc")
	f.Add("HTTPS://ПОРТАЛ.рф/x/rest/1/abc")
	f.Fuzz(func(t *testing.T, address string) {
		w, err := ParseWebhook(address)
		if err != nil {
			return
		}
		again, err := ParseWebhook(w.url(""))
		if err != nil || again.url("m") != w.url("m") || again.Portal() != w.Portal() {
			t.Errorf("%q became %q, which reads as %q (%v)", address, w.url("m"), again, err)
		}
		if w.Portal() == "" || w.Portal() != strings.ToLower(w.Portal()) {
			t.Errorf("%q: portal %q", address, w.Portal())
		}
	})
}

// TestSecretIsNotPrinted: with no verb, in no container, not even from unexported fields.
func TestSecretIsNotPrinted(t *testing.T) {
	t.Parallel()
	b := newHandlerBench(t, nil)
	c := b.client(t)
	type holder struct {
		w Webhook
		p *Webhook
	}
	for _, v := range []any{b.webhook, &b.webhook, holder{b.webhook, &b.webhook}, []Webhook{b.webhook}, map[string]Webhook{"a": b.webhook}, c, *c, Options{Webhook: b.webhook}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			out := fmt.Sprintf(verb, v)
			if strings.Contains(out, testSecret) || strings.Contains(out, fmt.Sprintf("%x", testSecret)) {
				t.Errorf("%s of %T shows the secret", verb, v)
			}
		}
		encoded, err := json.Marshal(v)
		if err == nil && strings.Contains(string(encoded), testSecret) {
			t.Errorf("JSON of %T shows the secret", v)
		}
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		if strings.Contains(log.String(), testSecret) {
			t.Errorf("a log of %T shows the secret", v)
		}
	}
}
