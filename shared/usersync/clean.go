package usersync

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Clean makes a value what a [Person] wants it to be: NFC, trimmed, control
// characters and line separators as spaces, invalid UTF-8 as U+FFFD. NUL stays, so
// that the planner can call the value invalid.
func Clean(value string) string {
	if plain(value) {
		return value
	}
	s := strings.Map(func(r rune) rune {
		if r != 0 && unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, norm.NFC.String(strings.ToValidUTF8(value, "\uFFFD")))
	return strings.TrimSpace(s)
}

// plain reports whether s is printable ASCII without a space at either end, as most
// values are.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return s == "" || s[0] != ' ' && s[len(s)-1] != ' '
}
