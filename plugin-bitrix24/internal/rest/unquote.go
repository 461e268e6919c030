package rest

import (
	"encoding/json"
	"unicode/utf16"
	"unicode/utf8"
)

// unquote is the value of a JSON string that json.Valid has accepted. PHP escapes every
// letter beyond ASCII, so most names come this way, and encoding/json would check them
// once more. Half a surrogate pair becomes U+FFFD, as there.
func unquote(raw []byte) string {
	if !utf8.Valid(raw) { // which encoding/json mends
		var value string
		_ = json.Unmarshal(raw, &value)
		return value
	}
	var space [128]byte
	out := space[:0]
	for i := 1; i < len(raw)-1; {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			i++
			continue
		}
		if raw[i+1] != 'u' {
			out = append(out, escapes[raw[i+1]])
			i += 2
			continue
		}
		r := hex4(raw[i:])
		i += 6
		if utf16.IsSurrogate(r) {
			if pair := utf16.DecodeRune(r, hex4(raw[i:])); pair != utf8.RuneError {
				r = pair
				i += 6
			}
		}
		out = utf8.AppendRune(out, r) // a lone surrogate as U+FFFD
	}
	return string(out)
}

// escapes are the characters that a backslash may stand before, and what they mean.
var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// hex4 reads \uXXXX at the beginning of raw; -1 when there is none.
func hex4(raw []byte) rune {
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range raw[2:6] {
		switch {
		case c <= '9':
			c -= '0'
		case c <= 'F':
			c -= 'A' - 10
		default:
			c -= 'a' - 10
		}
		r = r<<4 | rune(c)
	}
	return r
}
