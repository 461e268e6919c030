package rest

import "bytes"

// The functions below walk JSON that json.Valid has accepted, without decoding what
// nobody asks for: an answer holds some 500 KB and is looked at in four layers, and
// encoding/json would scan it anew, twice, for each of them.

// kindOf is the first byte of a value: { [ " t f n - or a digit; 0 for nothing.
func kindOf(raw []byte) byte {
	if len(raw) > 0 && raw[0] > ' ' {
		return raw[0]
	}
	if raw = bytes.TrimLeft(raw, " \t\r\n"); len(raw) > 0 {
		return raw[0]
	}
	return 0
}

// members calls f for every member of an object, in order; not at all for another value.
// A name is bytes, because most are only compared.
func members(raw []byte, f func(name, value []byte)) {
	if kindOf(raw) != '{' {
		return
	}
	for i := bytes.IndexByte(raw, '{') + 1; ; {
		i = next(raw, i)
		if i >= len(raw) || raw[i] == '}' {
			return
		}
		end := skip(raw, i)
		name := raw[i+1 : end-1]
		if bytes.IndexByte(name, '\\') >= 0 {
			name = []byte(unquote(raw[i:end]))
		}
		i = next(raw, end)
		end = skip(raw, i)
		f(name, raw[i:end])
		i = end
	}
}

// elements calls f for every element of a list, in order.
func elements(raw []byte, f func(value []byte)) {
	if kindOf(raw) != '[' {
		return
	}
	for i := bytes.IndexByte(raw, '[') + 1; ; {
		i = next(raw, i)
		if i >= len(raw) || raw[i] == ']' {
			return
		}
		end := skip(raw, i)
		f(raw[i:end])
		i = end
	}
}

// next is where the next value or closing bracket begins.
func next(raw []byte, i int) int {
	for i < len(raw) && (raw[i] <= ' ' || raw[i] == ',' || raw[i] == ':') {
		i++
	}
	return i
}

// skip is the end of the value that begins at i.
func skip(raw []byte, i int) int {
	for depth := 0; i < len(raw); {
		switch raw[i] {
		case '"':
			i = skipString(raw, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		default:
			i++
			if depth == 0 {
				for i < len(raw) && raw[i] > ' ' && raw[i] != ',' && raw[i] != '}' && raw[i] != ']' {
					i++
				}
			}
		}
		if depth == 0 {
			return i
		}
	}
	return len(raw)
}

// skipString is the end of the string whose opening quote is at i.
func skipString(raw []byte, i int) int {
	for i++; i < len(raw); i++ {
		quote := bytes.IndexByte(raw[i:], '"')
		if quote < 0 {
			break
		}
		i += quote
		slashes := 0
		for raw[i-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return i + 1
		}
	}
	return len(raw)
}
