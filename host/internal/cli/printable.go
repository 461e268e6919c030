package cli

import (
	"strings"
	"unicode"
)

// printable keeps a terminal out of a portal's reach: no control characters, no
// line breaks, no change of writing direction.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || r == '\u200d' || r == '\ufe0f' {
			return r
		}
		return '\ufffd'
	}, text)
}
