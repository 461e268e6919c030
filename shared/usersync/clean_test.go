package usersync

import (
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// What Clean returns untouched is what the long way would return: each character
// alone, and behind and before each of some that combine or are trimmed.
func TestPlainValuesAreCleanValues(t *testing.T) {
	for r := rune(0); r < 0x3000; r++ {
		for _, s := range []string{string(r), "е" + string(r), string(r) + "\u0306", string(r) + " ", "\u00a0" + string(r), "и" + string(r) + "a"} {
			if !plain(s) {
				continue
			}
			long := strings.TrimSpace(strings.Map(func(r rune) rune {
				if r != 0 && unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
					return ' '
				}
				return r
			}, norm.NFC.String(strings.ToValidUTF8(s, "\uFFFD"))))
			if long != s {
				t.Fatalf("%+q is called plain, but cleans to %+q", s, long)
			}
		}
	}
	for _, s := range []string{"Анна Ёлкина", "josé@example.com", ""} {
		if !plain(s) || Clean(s) != s {
			t.Errorf("%q is not called plain", s)
		}
	}
	for _, s := range []string{"e\u0301", "a\x00", "a\xff", " a", "a ", "a\u00a0", "a\u0085", "a\u2028b"} {
		if plain(s) {
			t.Errorf("%+q is called plain", s)
		}
	}
}
