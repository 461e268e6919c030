package crm

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"booking/shared/crm/internal/crmpb"
)

// testdata/wire.txt holds every call and every field number ever given, with its
// type. A line may be added, never changed or removed: a removed field moves to
// reserved, and its line stays.
func TestWireNumbersNeverChange(t *testing.T) {
	t.Parallel()
	recorded, err := os.ReadFile("testdata/wire.txt")
	if err != nil {
		t.Fatal(err)
	}
	current := map[string]bool{}
	for _, line := range wireLines() {
		current[line] = true
		if !strings.Contains("\n"+string(recorded), "\n"+line+"\n") {
			t.Errorf("not in testdata/wire.txt, add it there: %s", line)
		}
	}
	for line := range strings.Lines(string(recorded)) {
		if line = strings.TrimSuffix(line, "\n"); !current[line] && !isReserved(line) {
			t.Errorf("in testdata/wire.txt but not in crm.proto, and its number is not reserved: %s", line)
		}
	}
}

func wireLines() (lines []string) {
	calls := crmpb.File_crm_proto.Services().ByName("CRMService").Methods()
	for i := range calls.Len() {
		c := calls.Get(i)
		lines = append(lines, fmt.Sprintf("rpc %s %s %s stream=%t", c.FullName(), c.Input().Name(), c.Output().Name(), c.IsStreamingServer()))
	}
	messages := crmpb.File_crm_proto.Messages()
	for i := range messages.Len() {
		fields := messages.Get(i).Fields()
		for j := range fields.Len() {
			f := fields.Get(j)
			lines = append(lines, fmt.Sprintf("%s %d %s %s", messages.Get(i).Name(), f.Number(), f.Name(), wireType(f)))
		}
	}
	return lines
}

func wireType(f protoreflect.FieldDescriptor) string {
	switch {
	case f.IsMap():
		return "map:" + wireType(f.MapKey()) + ":" + wireType(f.MapValue())
	case f.Kind() == protoreflect.MessageKind:
		return f.Cardinality().String() + ":" + string(f.Message().Name())
	default:
		return f.Cardinality().String() + ":" + f.Kind().String()
	}
}

func isReserved(line string) bool {
	var message, name, kind string
	var number protoreflect.FieldNumber
	if _, err := fmt.Sscan(line, &message, &number, &name, &kind); err != nil {
		return false
	}
	m := crmpb.File_crm_proto.Messages().ByName(protoreflect.Name(message))
	return m != nil && m.ReservedRanges().Has(number) && m.ReservedNames().Has(protoreflect.Name(name))
}
