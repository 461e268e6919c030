package crm

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"booking/shared/crm/internal/crmpb"
	"booking/shared/secret"
)

// The converters are pairs xToProto and xFromProto and nothing else: no check, no
// default. Empty and nil maps and slices are the same on the wire and arrive as nil.
// Every text goes through [valid]: one broken byte of a portal's name would
// otherwise make gRPC refuse the whole message.

// valid returns s with every run of bytes that is not UTF-8 as one U+FFFD.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func each[A, B any](in []A, convert func(A) B) []B {
	if len(in) == 0 {
		return nil
	}
	out := make([]B, len(in))
	for i, a := range in {
		out[i] = convert(a)
	}
	return out
}

func same(s string) string { return s }

func textToProto(t Text) *crmpb.Text { return &crmpb.Text{Ru: valid(t.RU), En: valid(t.EN)} }

func textFromProto(t *crmpb.Text) Text { return Text{RU: t.GetRu(), EN: t.GetEn()} }

func tenantToProto(t Tenant) *crmpb.Tenant { return &crmpb.Tenant{Id: t.ID, Name: valid(t.Name)} }

func tenantFromProto(t *crmpb.Tenant) Tenant { return Tenant{ID: t.GetId(), Name: t.GetName()} }

func timeToProto(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// timeFromProto takes a time outside years 1 to 9999 for none.
func timeFromProto(t *timestamppb.Timestamp) time.Time {
	if t.CheckValid() != nil {
		return time.Time{}
	}
	return t.AsTime()
}

func durationToProto(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}

func settingsToProto(s Settings) map[string]string {
	if len(s) == 0 {
		return nil
	}
	out := make(map[string]string, len(s))
	for key, value := range s {
		out[valid(key)] = valid(value.Reveal())
	}
	return out
}

func settingsFromProto(s map[string]string) Settings {
	if len(s) == 0 {
		return nil
	}
	out := make(Settings, len(s))
	for key, value := range s {
		out[key] = secret.New(value)
	}
	return out
}

func valuesToProto(values map[string]any) map[string]*crmpb.Value {
	if len(values) == 0 {
		return nil
	}
	out := make(map[string]*crmpb.Value, len(values))
	for column, value := range values {
		out[valid(column)] = valueToProto(value)
	}
	return out
}

func valuesFromProto(values map[string]*crmpb.Value) map[string]any {
	if len(values) == 0 {
		return nil
	}
	out := make(map[string]any, len(values))
	for column, value := range values {
		out[column] = valueFromProto(value)
	}
	return out
}

// valueToProto carries nil, string, int64 and bool as they are. Pointers to them,
// other integers and bytes become one of the four; anything else its text.
func valueToProto(value any) *crmpb.Value {
	switch v := value.(type) {
	case nil:
		return &crmpb.Value{}
	case string:
		return &crmpb.Value{Kind: &crmpb.Value_Text{Text: valid(v)}}
	case int64:
		return &crmpb.Value{Kind: &crmpb.Value_Number{Number: v}}
	case bool:
		return &crmpb.Value{Kind: &crmpb.Value_Flag{Flag: v}}
	case []byte:
		return valueToProto(string(v))
	case fmt.Formatter, fmt.Stringer: // a time, a secret that masks itself
		return valueToProto(fmt.Sprint(v))
	}
	switch v := reflect.ValueOf(value); v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return &crmpb.Value{}
		}
		return valueToProto(v.Elem().Interface())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return valueToProto(v.Int())
	case reflect.Bool:
		return valueToProto(v.Bool())
	case reflect.String:
		return valueToProto(v.String())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return valueToProto(int64(v.Uint())) //nolint:gosec // at most 32 bits, or 64 of which a column's id uses 63
	default:
		return valueToProto(fmt.Sprint(value))
	}
}

func valueFromProto(value *crmpb.Value) any {
	switch kind := value.GetKind().(type) {
	case *crmpb.Value_Text:
		return kind.Text
	case *crmpb.Value_Number:
		return kind.Number
	case *crmpb.Value_Flag:
		return kind.Flag
	default:
		return nil
	}
}
