package usersync

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// longest is the most characters of a value, whatever a wider column would take (rule 10).
const longest = 255

// The values that crm.ReasonInvalid can be about, in the order they are judged.
const (
	fieldID       = "id"
	fieldName     = "name"
	fieldEmail    = "email"
	fieldPhone    = "phone"
	fieldPosition = "position"
)

// refuses returns the first value of a person that cannot be stored, or "".
// The address is judged as it would be written. The name that stands in for a
// missing one is judged once it is known that it would be written.
func (s Storable) refuses(p Person, address string, o Options) string {
	switch {
	case !s.Name.holds(p.Name):
		return fieldName
	// Lower-casing replaces broken UTF-8, so the raw address has to be looked at too.
	case !utf8.ValidString(p.Email), !s.Email.holds(address):
		return fieldEmail
	case o.Phone && !s.Phone.holds(p.Phone):
		return fieldPhone
	case o.Position && !s.Position.holds(p.Position):
		return fieldPosition
	}
	return ""
}

// holds reports whether the column stores the value unchanged. A length of 0 is
// an unknown one; a character set that is unknown is trusted with ASCII only.
func (c Column) holds(value string) bool {
	limit := longest
	if c.MaxChars > 0 && c.MaxChars < limit {
		limit = c.MaxChars
	}
	if !utf8.ValidString(value) || strings.IndexByte(value, 0) >= 0 || utf8.RuneCountInString(value) > limit {
		return false
	}
	known := repertoires[strings.ToLower(c.Charset)]
	for _, r := range value {
		if r > unicode.MaxASCII && (known == nil || !known(r)) {
			return false
		}
	}
	return true
}

// repertoires says which characters beyond ASCII a character set of MySQL has.
// Some of MySQL's tables are older than those of the same name elsewhere (its
// cp866 has no №, its greek no €): what they lack or have besides was measured,
// character by character, and is the same in MariaDB 10.11 and MySQL 9.7
// (TestRule10RepertoiresAgreeWithTheDatabase). C1 control characters are refused.
var repertoires = map[string]func(rune) bool{
	"utf8mb4": everything, "utf16": everything, "utf16le": everything, "utf32": everything,
	"utf8mb3": basicPlane, "utf8": basicPlane, "ucs2": basicPlane,
	"latin1":   table(charmap.Windows1252, "", ""), // MySQL's latin1 is cp1252, not ISO 8859-1
	"latin2":   table(charmap.ISO8859_2, "", ""),
	"latin5":   table(charmap.ISO8859_9, "", ""),
	"latin7":   table(charmap.ISO8859_13, "", ""),
	"greek":    table(charmap.ISO8859_7, "ͺ‘’€₯", "ʼʽ"),
	"hebrew":   table(charmap.ISO8859_8, "¯", "‾"),
	"cp1250":   table(charmap.Windows1250, "", ""),
	"cp1251":   table(charmap.Windows1251, "", ""),
	"cp1256":   table(charmap.Windows1256, "ٹڈڑکںھہے", ""),
	"cp1257":   table(charmap.Windows1257, "", ""),
	"cp850":    table(charmap.CodePage850, "", ""),
	"cp852":    table(charmap.CodePage852, "", ""),
	"cp866":    table(charmap.CodePage866, "¤№", "²ⁿ"),
	"koi8r":    table(charmap.KOI8R, "", ""),
	"koi8u":    table(charmap.KOI8U, "Ўў∙", "•╝╬"),
	"macroman": table(charmap.Macintosh, "", ""),
}

func everything(rune) bool { return true }

func basicPlane(r rune) bool { return r <= 0xFFFF }

// table is a single-byte character set without the characters that MySQL's lacks
// and with those it has besides.
func table(m *charmap.Charmap, lacks, besides string) func(rune) bool {
	return func(r rune) bool {
		if unicode.IsControl(r) || strings.ContainsRune(lacks, r) {
			return false
		}
		_, ok := m.EncodeRune(r)
		return ok || strings.ContainsRune(besides, r)
	}
}
