package crm

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Limits of a log line. go-plugin reads lines of up to 64 KiB; a longer one it
// shows raw, at debug level, which loses exactly the errors that say much.
const (
	maxLogLine  = 32 << 10
	maxLogValue = 4 << 10
	maxLogKey   = 128
)

// hclogTime is how hclog writes @timestamp, and the only form go-plugin reads.
const hclogTime = "2006-01-02T15:04:05.000000Z07:00"

// processStderr is the standard error the host reads. go-plugin replaces
// os.Stderr while it serves; what is written there a host may throw away.
var processStderr = os.Stderr

// NewLogger returns a logger whose lines a host understands, with their level and
// fields. [Serve] makes one the default of slog, so most plugins need no other.
// It passes everything from debug on: what is shown is decided in the host.
func NewLogger() *slog.Logger {
	return slog.New(newLogHandler(processStderr, moduleName()))
}

func moduleName() string { return strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe") }

// logHandler writes slog records as hclog's JSON lines: groups become dotted
// keys, long values are cut, and no value can begin a line of its own. The limits
// hold for the encoded form.
type logHandler struct {
	out    *lockedWriter
	module string
	prefix string   // of the open groups: "a.b."
	fields []string // `"key":value`
}

// lockedWriter is shared by all handlers of one logger: a line is one Write.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func newLogHandler(w io.Writer, module string) slog.Handler {
	return &logHandler{out: &lockedWriter{w: w}, module: module}
}

// Enabled implements [slog.Handler].
func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelDebug
}

// WithAttrs implements [slog.Handler].
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.fields = appendFields(h.fields[:len(h.fields):len(h.fields)], h.prefix, attrs)
	return &with
}

// WithGroup implements [slog.Handler].
func (h *logHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	with := *h
	with.prefix += name + "."
	return &with
}

// Handle implements [slog.Handler].
func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	var line bytes.Buffer
	fmt.Fprintf(&line, `{"@level":"%s","@message":%s,"@module":%s`,
		hclogLevel(r.Level), encodeText(r.Message, 2*maxLogValue), encodeText(h.module, maxLogKey))
	if !r.Time.IsZero() {
		fmt.Fprintf(&line, `,"@timestamp":"%s"`, r.Time.Format(hclogTime))
	}
	fields := h.fields[:len(h.fields):len(h.fields)]
	r.Attrs(func(a slog.Attr) bool {
		fields = appendFields(fields, h.prefix, []slog.Attr{a})
		return true
	})
	const tail = len(`,"@cut":1234567890}` + "\n")
	left := 0
	for _, field := range fields {
		if line.Len()+1+len(field)+tail > maxLogLine {
			left++
			continue
		}
		line.WriteString("," + field)
	}
	if left > 0 {
		fmt.Fprintf(&line, `,"@cut":%d`, left)
	}
	line.WriteString("}\n")
	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	_, err := h.out.w.Write(line.Bytes())
	return err
}

// hclogLevel names a level as hclog's LevelFromString reads it.
func hclogLevel(level slog.Level) string {
	switch {
	case level < slog.LevelDebug:
		return "trace"
	case level < slog.LevelInfo:
		return "debug"
	case level < slog.LevelWarn:
		return "info"
	case level < slog.LevelError:
		return "warn"
	default:
		return "error"
	}
}

func appendFields(fields []string, prefix string, attrs []slog.Attr) []string {
	for _, a := range attrs {
		value := a.Value.Resolve()
		switch {
		case value.Kind() == slog.KindGroup && a.Key == "":
			fields = appendFields(fields, prefix, value.Group())
		case value.Kind() == slog.KindGroup:
			fields = appendFields(fields, prefix+a.Key+".", value.Group())
		case a.Equal(slog.Attr{}):
		default:
			fields = append(fields, encodeText(fieldKey(prefix+a.Key), maxLogKey)+":"+encodeValue(value))
		}
	}
	return fields
}

// fieldKey keeps the keys that hclog means something by out of reach: go-plugin
// 1.8.0 ends the host when @message, @level or @timestamp is no string.
func fieldKey(key string) string {
	if strings.HasPrefix(key, "@") {
		return "_" + key
	}
	return key
}

// encodeValue returns JSON of at most maxLogValue bytes.
func encodeValue(v slog.Value) string {
	switch v.Kind() {
	case slog.KindString:
		return encodeText(v.String(), maxLogValue)
	case slog.KindTime:
		return encodeText(v.Time().Format(time.RFC3339Nano), maxLogValue)
	case slog.KindInt64, slog.KindUint64:
		// The host reads numbers as float64; from 2^53 on that is another number.
		if text := v.String(); len(text) > len("-999999999999999") {
			return encodeText(text, maxLogValue)
		}
		return v.String()
	case slog.KindDuration:
		return encodeText(v.String(), maxLogValue)
	default:
		return encodeAny(v.Any())
	}
}

// encodeAny prefers JSON: secrets mask themselves in it, at any depth.
func encodeAny(value any) (encoded string) {
	defer func() {
		if cause := recover(); cause != nil { // a nil pointer's Error or MarshalJSON
			encoded = encodeText(fmt.Sprintf("!panic: %v", cause), maxLogValue)
		}
	}()
	if err, ok := value.(error); ok {
		return encodeText(err.Error(), maxLogValue)
	}
	text, ok := encodeJSON(value)
	if !ok {
		return encodeText(fmt.Sprintf("%+v", value), maxLogValue)
	}
	if len(text) > maxLogValue {
		return encodeText(text, maxLogValue)
	}
	return text
}

// encodeText returns s as a JSON string of at most limit bytes.
func encodeText(s string, limit int) string {
	s = cut(s, limit)
	encoded, _ := encodeJSON(s)
	for len(encoded) > limit { // escapes made it longer
		s = cut(s, len(s)/2)
		encoded, _ = encodeJSON(s)
	}
	return encoded
}

// encodeJSON escapes line breaks and replaces what is not UTF-8.
func encodeJSON(value any) (string, bool) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return "null", false
	}
	return strings.TrimSuffix(b.String(), "\n"), true
}
