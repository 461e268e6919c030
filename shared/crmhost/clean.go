package crmhost

import (
	"strings"
	"unicode"
)

// clean makes a text from a plugin fit for a log line, a page or a terminal: no
// control characters and line separators (they become spaces), nothing that turns
// the direction of writing, valid UTF-8, at most limit bytes.
func clean(s string, limit int) string {
	cut := len(s) > limit
	if cut {
		s = strings.ToValidUTF8(s[:limit], "")
	}
	s = strings.Map(harmless, s)
	if cut {
		s += "…"
	}
	return s
}

func harmless(r rune) rune {
	switch {
	case unicode.IsControl(r), r == '\u2028', r == '\u2029':
		return ' '
	case unicode.Is(unicode.Bidi_Control, r), r == '\ufeff':
		return -1
	default:
		return r // strings.Map turns broken UTF-8 into U+FFFD
	}
}
