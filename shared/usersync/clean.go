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

// plain reports whether s is clean already, as far as that is easily seen: printable
// ASCII, accented Latin and Cyrillic letters without a space at either end, as most
// values are. None of these changes by NFC: only marks from U+0300 on combine.
func plain(s string) bool {
	for _, r := range s {
		switch {
		case r >= 0x20 && r <= 0x7e, r > 0xa0 && r < 0x300, r >= 0x400 && r < 0x483:
		default:
			return false
		}
	}
	return s == "" || s[0] != ' ' && s[len(s)-1] != ' '
}
