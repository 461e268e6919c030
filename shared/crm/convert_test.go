package crm

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"booking/shared/crm/internal/crmpb"
	"booking/shared/secret"
)

var secrets = cmp.Comparer(func(a, b secret.Text) bool { return a.Reveal() == b.Reveal() })

// pair is a converter in both directions, with the types erased.
type pair struct {
	goType  reflect.Type
	message proto.Message
	there   func(any) proto.Message
	back    func(proto.Message) any
}

func pairOf[A any, M proto.Message](there func(A) M, back func(M) A) pair {
	var a A
	var m M
	return pair{
		goType:  reflect.TypeOf(a),
		message: m.ProtoReflect().New().Interface(),
		there:   func(v any) proto.Message { return there(v.(A)) },
		back:    func(m proto.Message) any { return back(m.(M)) },
	}
}

// pairs are all converters; TestEveryMessageIsConverted counts them.
var pairs = map[string]pair{
	"Text":              pairOf(textToProto, textFromProto),
	"Tenant":            pairOf(tenantToProto, tenantFromProto),
	"Error":             pairOf(func(e Error) *crmpb.Failure { return failureToProto(&e) }, func(f *crmpb.Failure) Error { return *failureFromProto(f) }),
	"Description":       pairOf(descriptionToProto, descriptionFromProto),
	"Field":             pairOf(fieldToProto, fieldFromProto),
	"Choice":            pairOf(choiceToProto, choiceFromProto),
	"Configuration":     pairOf(configurationToProto, configurationFromProto),
	"Migration":         pairOf(migrationToProto, migrationFromProto),
	"MigrationResult":   pairOf(migrationResultToProto, migrationResultFromProto),
	"SettingsCheck":     pairOf(settingsCheckToProto, settingsCheckFromProto),
	"FieldProblem":      pairOf(problemToProto, problemFromProto),
	"ConnectionRequest": pairOf(connectionRequestToProto, connectionRequestFromProto),
	"ConnectionCheck":   pairOf(connectionCheckToProto, connectionCheckFromProto),
	"Finding":           pairOf(findingToProto, findingFromProto),
	"SyncRequest":       pairOf(syncRequestToProto, syncRequestFromProto),
	"Progress":          pairOf(progressToProto, progressFromProto),
	"Change":            pairOf(changeToProto, changeFromProto),
	"SyncResult":        pairOf(syncResultToProto, syncResultFromProto),
	"PeopleRequest":     pairOf(peopleRequestToProto, peopleRequestFromProto),
	"Person":            pairOf(personToProto, personFromProto),
	"ChoicesRequest":    pairOf(choicesRequestToProto, choicesRequestFromProto),
	"Choices":           pairOf(choicesToProto, choicesFromProto),
	"ChoiceNode":        pairOf(choiceNodeToProto, choiceNodeFromProto),
	"ChoiceOverlap":     pairOf(choiceOverlapToProto, choiceOverlapFromProto),
	"ImportRequest":     pairOf(importRequestToProto, importRequestFromProto),
	"ImportedSettings":  pairOf(importedToProto, importedFromProto),
	"EventMessage":      pairOf(eventMessageToProto, eventMessageFromProto),
	"PortalEvent":       pairOf(portalEventToProto, portalEventFromProto),
}

// A field added to a struct and forgotten in its converter is lost on the way
// and found here.
func TestFullAndZeroGoValuesSurviveTheWire(t *testing.T) {
	t.Parallel()
	for name, p := range pairs {
		full := reflect.New(p.goType).Elem()
		fillGo(t, full, name)
		for kind, value := range map[string]any{"full": full.Interface(), "zero": reflect.Zero(p.goType).Interface()} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				got := p.back(overWire(t, p.there(value)))
				if diff := cmp.Diff(value, got, secrets); diff != "" {
					t.Errorf("lost on the way (-sent +arrived):\n%s", diff)
				}
			})
		}
	}
}

// A field added to a message and forgotten in its converter is found here.
func TestFullMessagesSurviveGo(t *testing.T) {
	t.Parallel()
	for name, p := range pairs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := p.message.ProtoReflect().New()
			fillMessage(want, name)
			got := p.there(p.back(want.Interface()))
			if diff := cmp.Diff(want.Interface(), got, protocmp.Transform()); diff != "" {
				t.Errorf("lost on the way (-sent +arrived):\n%s", diff)
			}
		})
	}
}

// An empty message, as an old or careless plugin sends it, is a zero value.
func TestEmptyMessagesAreZeroValues(t *testing.T) {
	t.Parallel()
	for name, p := range pairs {
		got := p.back(p.message.ProtoReflect().New().Interface())
		if diff := cmp.Diff(reflect.Zero(p.goType).Interface(), got, secrets); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

// Every message of the proto that has fields has a pair, but for the envelopes
// that client and server open themselves.
func TestEveryMessageIsConverted(t *testing.T) {
	t.Parallel()
	envelopes := map[protoreflect.Name]bool{"CheckSettingsRequest": true, "SyncUsersResponse": true, "Changes": true, "Value": true, "Policy": true,
		"PeopleResponse": true, "PeopleBatch": true, "PeopleComplete": true, "ImportSettingsResponse": true, "ImportComplete": true}
	seen := map[protoreflect.Name]bool{}
	for _, p := range pairs {
		seen[p.message.ProtoReflect().Descriptor().Name()] = true
	}
	messages := crmpb.File_crm_proto.Messages()
	for i := range messages.Len() {
		m := messages.Get(i)
		if m.Fields().Len() > 0 && !seen[m.Name()] && !envelopes[m.Name()] {
			t.Errorf("message %s has no converters in pairs", m.Name())
		}
	}
}

func TestEveryTextIsMadeValid(t *testing.T) {
	t.Parallel()
	for name, p := range pairs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			value := reflect.New(p.goType).Elem()
			fillGo(t, value, "Иван\xff\xfe")
			if _, err := proto.Marshal(p.there(value.Interface())); err != nil {
				t.Errorf("marshal: %v", err)
			}
		})
	}
	if got := valid("Ива\xd0н\xff\xfe!"); got != "Ива\uFFFDн\uFFFD!" {
		t.Errorf("valid = %q", got)
	}
}

func TestValuesKeepTheirTypes(t *testing.T) {
	t.Parallel()
	type status string
	text, number := "x", 7
	var null *string
	for _, c := range []struct{ in, want any }{
		{nil, nil}, {"", ""}, {"текст", "текст"}, {"a\xffb", "a\uFFFDb"}, {int64(-1 << 63), int64(-1 << 63)}, {int64(0), int64(0)},
		{true, true}, {false, false}, {5, int64(5)}, {int8(-5), int64(-5)}, {uint32(5), int64(5)}, {[]byte("bytes"), "bytes"},
		{&text, "x"}, {&number, int64(7)}, {null, nil}, {status("on"), "on"}, {secret.New("hidden"), "***"}, {uint64(1 << 63), "9223372036854775808"},
		{1.5, "1.5"}, {time.Minute, "1m0s"},
	} {
		sent := map[string]any{"column": c.in}
		got := valuesFromProto(valuesToProto(sent))
		if diff := cmp.Diff(map[string]any{"column": c.want}, got); diff != "" {
			t.Errorf("%T %v:\n%s", c.in, c.in, diff)
		}
	}
	if got := valueFromProto(nil); got != nil {
		t.Errorf("no value = %v, want NULL", got)
	}
}

func TestTimesThatAreNone(t *testing.T) {
	t.Parallel()
	if got := timeFromProto(&timestamppb.Timestamp{Seconds: 1 << 62}); !got.IsZero() {
		t.Errorf("a time beyond year 9999 = %v, want none", got)
	}
	local := time.Date(2026, 9, 1, 12, 0, 0, 5, time.FixedZone("MSK", 3*3600))
	if got := timeFromProto(timeToProto(local)); !got.Equal(local) || got.Location() != time.UTC {
		t.Errorf("time = %v, want %v in UTC", got, local)
	}
}

func TestCutKeepsWholeCharacters(t *testing.T) {
	t.Parallel()
	for limit := 3; limit < 40; limit++ {
		got := cut(strings.Repeat("ж", 30), limit)
		if len(got) > limit || !utf8.ValidString(got) || !strings.HasSuffix(got, "…") {
			t.Errorf("cut to %d = %q", limit, got)
		}
	}
	if got := cut("short", 5); got != "short" {
		t.Errorf("cut = %q", got)
	}
}

func overWire(t *testing.T, m proto.Message) proto.Message {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatalf("marshal: %v", err)
	}
	got := m.ProtoReflect().New().Interface()
	if err := proto.Unmarshal(b, got); err != nil {
		t.Fatalf("unmarshal: %v", err)
	}
	return got
}

// fillGo gives every field a value of its own that is not the zero value.
func fillGo(t *testing.T, v reflect.Value, path string) {
	t.Helper()
	switch v.Interface().(type) {
	case secret.Text:
		v.Set(reflect.ValueOf(secret.New(path)))
		return
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2026, 9, 1, 10, 0, 0, len(path), time.UTC)))
		return
	case []byte:
		v.SetBytes([]byte(path))
		return
	case map[string]any:
		v.Set(reflect.ValueOf(map[string]any{"null": nil, path: path, "number": int64(len(path)), "flag": true}))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(path)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(1000 + len(path)))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fillGo(t, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		value := reflect.New(v.Type().Elem()).Elem()
		fillGo(t, value, path+".value")
		v.SetMapIndex(reflect.ValueOf(path), value)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.Type != reflect.TypeFor[error]() { // a cause stays at home
				fillGo(t, v.Field(i), path+"."+f.Name)
			}
		}
	default:
		t.Fatalf("%s: teach this test the kind %s", path, v.Kind())
	}
}

// fillMessage gives every field a value of its own; of a oneof, the last.
func fillMessage(m protoreflect.Message, path string) {
	switch special := m.Interface().(type) {
	case *timestamppb.Timestamp:
		special.Seconds, special.Nanos = 1788256800, 5
		return
	case *durationpb.Duration:
		special.Seconds, special.Nanos = 900, 5
		return
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		where := path + "." + string(f.Name())
		switch {
		case f.IsList():
			list := m.Mutable(f).List()
			for range 2 {
				list.Append(sample(f, list.NewElement, where))
			}
		case f.IsMap():
			entries := m.Mutable(f).Map()
			entries.Set(protoreflect.ValueOfString(where).MapKey(), sample(f.MapValue(), entries.NewValue, where))
		default:
			m.Set(f, sample(f, func() protoreflect.Value { return m.NewField(f) }, where))
		}
	}
}

func sample(f protoreflect.FieldDescriptor, empty func() protoreflect.Value, path string) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(path)
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte(path))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(int64(1000 + len(path)))
	case protoreflect.MessageKind:
		v := empty()
		fillMessage(v.Message(), path)
		return v
	default:
		panic("teach this test the kind " + f.Kind().String() + " of " + path)
	}
}
