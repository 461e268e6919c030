// Package secret holds text that must never be shown: a webhook's address, a
// DSN, a key. Every room that carries such a value carries it as [Text]; only
// the one line that needs the real value calls [Text.Reveal].
package secret

import (
	"fmt"
	"log/slog"
	"unique"
)

const mask = "***"

// Text is a secret that prints as *** with every verb, in JSON and in logs.
// The zero value is an empty secret; == compares two secrets.
//
// The value lies behind a handle: fmt calls no method of an unexported field, and
// would print a plain string that stands in one.
type Text struct{ handle unique.Handle[string] }

// New wraps value.
func New(value string) Text {
	if value == "" {
		return Text{}
	}
	return Text{handle: unique.Make(value)}
}

// Reveal returns the secret itself. Keep the result out of errors and logs.
func (t Text) Reveal() string {
	if t.Empty() {
		return ""
	}
	return t.handle.Value()
}

// Empty reports whether there is nothing to hide.
func (t Text) Empty() bool { return t == Text{} }

// String implements [fmt.Stringer].
func (t Text) String() string { return mask }

// GoString implements [fmt.GoStringer].
func (t Text) GoString() string { return mask }

// Format implements [fmt.Formatter], so that %x, %q and the rest are masked too.
func (t Text) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(mask)) }

// MarshalText implements [encoding.TextMarshaler]; JSON uses it as well.
func (t Text) MarshalText() ([]byte, error) { return []byte(mask), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]: settings and environment
// variables can be read straight into a Text.
func (t *Text) UnmarshalText(b []byte) error {
	*t = New(string(b))
	return nil
}

// LogValue implements [slog.LogValuer].
func (t Text) LogValue() slog.Value { return slog.StringValue(mask) }
