package laravel

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// unserialize returns the text of PHP's serialize(), s:11:"hello world"; and any other
// text as it is. (No address begins like that.)
func unserialize(text string) (string, error) {
	inner := text
	if rest, ok := strings.CutPrefix(text, "s:"); ok {
		length, quoted, found := strings.Cut(rest, ":")
		n, err := strconv.Atoi(length) // in bytes
		if !found || err != nil || n < 0 || quoted != `"`+cut(quoted, n)+`";` {
			return "", ErrBroken
		}
		inner = cut(quoted, n)
	}
	if !utf8.ValidString(inner) {
		return "", ErrBroken
	}
	return inner, nil
}

// cut is the n bytes behind the opening quote, fewer when there are not so many.
func cut(quoted string, n int) string {
	quoted = strings.TrimPrefix(quoted, `"`)
	return quoted[:min(n, len(quoted))]
}
