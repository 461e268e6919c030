package crm

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/google/go-cmp/cmp"

	"booking/shared/secret"
)

// written runs log against a handler and returns the lines, parsed.
func written(t *testing.T, log func(*slog.Logger)) []map[string]any {
	t.Helper()
	var out bytes.Buffer
	log(slog.New(newLogHandler(&out, "fake")))
	var lines []map[string]any
	for line := range strings.Lines(out.String()) {
		if len(line) > maxLogLine {
			t.Errorf("a line of %d bytes", len(line))
		}
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		for _, key := range []string{"@message", "@level", "@timestamp", "@module"} {
			if value, there := fields[key]; there {
				if _, ok := value.(string); !ok {
					t.Errorf("%s is %T: go-plugin's host panics", key, value)
				}
			}
		}
		lines = append(lines, fields)
	}
	return lines
}

// The rules of slog.Handler, by the standard library's own test.
func TestLogHandlerKeepsSlogsRules(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := slogtest.TestHandler(newLogHandler(&out, "fake"), func() (records []map[string]any) {
		for line := range strings.Lines(out.String()) {
			var flat map[string]any
			if err := json.Unmarshal([]byte(line), &flat); err != nil {
				t.Fatalf("line %q: %v", line, err)
			}
			records = append(records, nested(flat))
		}
		return records
	})
	if err != nil {
		t.Error(err)
	}
}

// nested undoes what hclog wants: dotted keys and names with an @.
func nested(flat map[string]any) map[string]any {
	names := map[string]string{"@level": slog.LevelKey, "@message": slog.MessageKey, "@timestamp": slog.TimeKey, "@module": "module"}
	record := map[string]any{}
	for key, value := range flat {
		if name, ok := names[key]; ok {
			key = name
		}
		in := record
		for head, rest, more := strings.Cut(key, "."); more; head, rest, more = strings.Cut(key, ".") {
			if _, ok := in[head]; !ok {
				in[head] = map[string]any{}
			}
			in, key = in[head].(map[string]any), rest
		}
		in[key] = value
	}
	return record
}

func TestLogLineIsHclogs(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	at := time.Date(2026, 9, 1, 10, 0, 0, 123456789, time.UTC)
	levels := map[slog.Level]string{-8: "trace", slog.LevelDebug: "debug", slog.LevelInfo: "info", 2: "info", slog.LevelWarn: "warn", slog.LevelError: "error", 12: "error"}
	for level, want := range levels {
		out.Reset()
		r := slog.NewRecord(at, level, "✅ готово", 0)
		r.AddAttrs(slog.Int64("tenant", 7))
		if err := newLogHandler(&out, "fake").Handle(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		wantLine := `{"@level":"` + want + `","@message":"✅ готово","@module":"fake","@timestamp":"2026-09-01T10:00:00.123456Z","tenant":7}` + "\n"
		if diff := cmp.Diff(wantLine, out.String()); diff != "" {
			t.Errorf("level %v (-want +got):\n%s", level, diff)
		}
	}
}

func TestLogValues(t *testing.T) {
	t.Parallel()
	var nobody *broken
	lines := written(t, func(l *slog.Logger) {
		l.Info("m", "text", "a\nb\r\u2028{\"@message\":42}", "broken", "\xff", "err", errors.New("bad\nnews"), "wait", 90*time.Second,
			"nan", math.NaN(), "big", int64(math.MaxInt64), "secret", secret.New("hunter2"), "settings", Settings{"w": secret.New("hunter2")},
			"struct", struct{ DSN secret.Text }{secret.New("hunter2")}, "nil", nobody, "@message", 42, "func", func() {}, "list", []int{1, 2})
	})
	got := lines[0]
	delete(got, "@timestamp")
	if f, ok := got["func"].(string); !ok || !strings.HasPrefix(f, "0x") {
		t.Errorf("func = %v", got["func"])
	}
	delete(got, "func")
	want := map[string]any{
		"@level": "info", "@message": "m", "@module": "fake", "text": "a\nb\r\u2028{\"@message\":42}", "broken": "\uFFFD", "err": "bad\nnews",
		"wait": "1m30s", "nan": "NaN", "big": "9223372036854775807", "secret": "***", "settings": map[string]any{"w": "***"},
		"struct": map[string]any{"DSN": "***"}, "nil": "!panic: nobody", "_@message": 42.0, "list": []any{1.0, 2.0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

type broken struct{}

func (b *broken) Error() string { panic("nobody") }

// The handler writes one line a record, whatever is in it, and no line is longer
// than go-plugin reads: a longer error would vanish.
func TestLogLinesAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ж", 50_000)
	controls := strings.Repeat("\x01", 50_000) // six bytes each once they are JSON
	lines := written(t, func(l *slog.Logger) {
		l.Error(long, "value", long, "list", []string{long, long}, strings.Repeat("k", 1000), 1)
		l.With("value", controls).WithGroup(controls).Error(controls, "a", controls)
		var many []any
		for range 50 {
			many = append(many, slog.String("value", long))
		}
		l.Error("many", append(many, "last", "there")...)
	})
	if len(lines) != 3 {
		t.Fatalf("%d lines, want 3", len(lines))
	}
	if lines[2]["last"] != "there" || lines[2]["@cut"] == nil {
		t.Errorf("what fits behind the long values is missing, or their number: %v", lines[2]["@cut"])
	}
	if value := lines[0]["value"].(string); !strings.HasSuffix(value, "…") || len(value) > maxLogValue {
		t.Errorf("value of %d bytes", len(value))
	}
}

func TestLogLinesOfManyGoroutinesStayWhole(t *testing.T) {
	t.Parallel()
	lines := written(t, func(l *slog.Logger) {
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				for range 50 {
					l.With("a", strings.Repeat("x", 100)).Info("m")
				}
			})
		}
		all.Wait()
	})
	if len(lines) != 1000 {
		t.Errorf("%d lines, want 1000", len(lines))
	}
}
