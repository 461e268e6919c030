package auth

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func TestVisitorsAddressIsBelievedAsFarAsProxiesAreTrusted(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for name, c := range map[string]struct {
		remote string
		told   []string
		want   string
	}{
		"no proxy":                    {"203.0.113.9:55", nil, "203.0.113.9"},
		"a stranger's claim":          {"203.0.113.9:55", []string{"198.51.100.1"}, "203.0.113.9"},
		"one proxy":                   {"10.1.1.1:55", []string{"198.51.100.1"}, "198.51.100.1"},
		"an invented part":            {"10.1.1.1:55", []string{"1.2.3.4, 198.51.100.1"}, "198.51.100.1"},
		"two proxies":                 {"10.1.1.1:55", []string{"1.2.3.4, 198.51.100.1, 10.2.2.2"}, "198.51.100.1"},
		"two header lines":            {"10.1.1.1:55", []string{"198.51.100.1", "10.2.2.2"}, "198.51.100.1"},
		"nonsense":                    {"10.1.1.1:55", []string{"<script>"}, "10.1.1.1"},
		"version 6":                   {"[::1]:55", []string{"2001:db8::5"}, "2001:db8::5"},
		"version 4 in version 6":      {"[::1]:55", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		"nobody but trusted machines": {"10.1.1.1:55", []string{"10.3.3.3"}, "10.3.3.3"},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{"X-Forwarded-For": c.told, "User-Agent": {strings.Repeat("ы", 1000)}}}
		v := NewVisitor(r, trusted)
		if v.Address != c.want || len(v.Agent) > 255 || strings.ContainsRune(v.Agent, '\ufffd') {
			t.Errorf("%s: %s, want %s (agent of %d bytes)", name, v.Address, c.want, len(v.Agent))
		}
	}
}

func TestVisitorsOfVersion6AreCountedByTheirNetwork(t *testing.T) {
	t.Parallel()
	one, two := Visitor{Address: "2001:db8:1:2::1"}, Visitor{Address: "2001:db8:1:2:ffff::9"}
	if one.network() != two.network() || one.network() == (Visitor{Address: "2001:db8:1:3::1"}).network() || (Visitor{Address: "192.0.2.1"}).network() != "192.0.2.1" {
		t.Error(one.network(), two.network())
	}
}
