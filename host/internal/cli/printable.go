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

// indented sets a text of several lines off from what is around it.
func indented(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		out.WriteString("    " + printable(strings.TrimRight(line, "\r\n")) + "\n")
	}
	return out.String()
}
