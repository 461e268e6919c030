package notice

import (
	"strings"
	"testing"
)

func TestInlineKeepsANameANameInASentence(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Анна Мюллер":                    "Анна Мюллер",
		"Anna\r\nBcc: thief@example.com": "Anna Bcc: thief@example.com",
		"  Anna\t \u00a0Muller\n\n":      "Anna Muller",
		"<b>Anna</b> {link}":             "<b>Anna</b> {link}",
		"Anna\u202egnp.exe":              "Anna gnp.exe",
		"Anna\x1b[31m\x00":               "Anna [31m",
		"דנה":                            "\u2068דנה\u2069",
		"علي Ali":                        "\u2068علي Ali\u2069",
		"\u2069\u202aדנה":                "\u2068דנה\u2069",
		"Анна 🙂 O'Neill-Müller":          "Анна 🙂 O'Neill-Müller",
		"👩\u200d👧 علی\u200cرضا":          "\u2068👩\u200d👧 علی\u200cرضا\u2069",
		"":                               "",
	} {
		if got := inline(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	if long := []rune(inline(strings.Repeat("я", 255))); len(long) != longestName || long[longestName-1] != '…' {
		t.Errorf("%d characters are left of a long name", len(long))
	}
}
