package logging

import (
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// guard lets a record pass as one line of printable characters: everything that
// ends a line, moves a cursor or turns the reading direction is written as
// \uXXXX, which inside a JSON string means the same character. slog's handlers
// hand over one record a call, and escape less: JSON lets U+0085, the eight-bit
// control characters and the bidi controls through.
type guard struct{ out io.Writer }

// Write writes one record. Like any writer it returns len(p) when all went well.
func (g *guard) Write(p []byte) (int, error) {
	record := p
	if n := len(record); n > 0 && record[n-1] == '\n' {
		record = record[:n-1]
	}
	line := append(Printable(record), '\n')
	if _, err := g.out.Write(line); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Printable returns text with every character that does not print replaced by its
// \uXXXX form. Letters, marks, symbols (emoji) and the space stay.
func Printable[T ~string | ~[]byte](text T) []byte {
	clean := make([]byte, 0, len(text)+1)
	for rest := []byte(text); len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		switch {
		case r == utf8.RuneError && size == 1:
			clean = fmt.Appendf(clean, `\u%04x`, unicode.ReplacementChar)
		case unicode.IsPrint(r):
			clean = append(clean, rest[:size]...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			clean = fmt.Appendf(clean, `\u%04x\u%04x`, high, low)
		default:
			clean = fmt.Appendf(clean, `\u%04x`, r)
		}
		rest = rest[size:]
	}
	return clean
}
