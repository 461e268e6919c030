package crmhost

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"booking/shared/crm"
)

// Limits of one log entry of a plugin; lengths in bytes.
const (
	maxMessage = 4 << 10
	maxValue   = 1 << 10
	maxKey     = 64
	maxFields  = 32
)

// levelTrace is hclog's lowest level, one step below slog's.
const levelTrace = slog.LevelDebug - 4

// logBridge turns the lines of a plugin's standard error into log records of the
// host. It trusts none of them: types are asked, sizes limited, strings cleaned,
// known secrets masked, floods cut.
type logBridge struct {
	log     *slog.Logger // carries the field "plugin"
	name    string
	locale  string
	secrets *redactor
	words   *lastWords

	mu   sync.Mutex
	rate throttle
}

// line takes one line of standard error.
func (b *logBridge) line(raw []byte) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return
	}
	entry, structured := parseEntry(raw)
	if !structured {
		entry = b.rawEntry(string(raw))
	} else if entry.level >= slog.LevelError {
		b.words.note(entry.message)
	}
	b.emit(entry)
}

// emit writes an entry unless there are too many.
func (b *logBridge) emit(e entry) {
	ctx := context.Background()
	if !b.log.Enabled(ctx, e.level) {
		return
	}
	b.mu.Lock()
	pass, dropped := b.rate.take()
	b.mu.Unlock()
	b.report(dropped)
	if !pass {
		return
	}
	if e.raw {
		e.message = hideAddresses(e.message)
	}
	b.log.LogAttrs(ctx, e.level, clean(b.secrets.mask(e.message), maxMessage), b.attrs(e.fields)...)
}

// flush reports what the end of the plugin would leave unreported.
func (b *logBridge) flush() {
	b.mu.Lock()
	dropped := b.rate.dropped
	b.rate.dropped = 0
	b.mu.Unlock()
	b.report(dropped)
}

func (b *logBridge) report(dropped int) {
	if dropped > 0 {
		text := crm.Text{RU: "плагин пишет в журнал слишком много: отброшено строк: %d", EN: "the plugin logs too much: %d lines dropped"}
		b.log.Warn(fmt.Sprintf(text.In(b.locale), dropped))
	}
}

// stray is for what a plugin writes to os.Stdout or os.Stderr after its start,
// where it should use its logger.
func (b *logBridge) stray(stream string) io.Writer { return &strayWriter{bridge: b, stream: stream} }

type strayWriter struct {
	bridge *logBridge
	stream string
}

// Write implements io.Writer. go-plugin hands over blocks of 1 KiB: a line that
// crosses their border becomes two.
func (w *strayWriter) Write(block []byte) (int, error) {
	for line := range bytes.Lines(block) {
		if text := strings.TrimSpace(string(line)); text != "" {
			w.bridge.emit(entry{level: slog.LevelWarn, message: text, raw: true, fields: map[string]any{"stream": w.stream}})
		}
	}
	return len(block), nil
}

// rawEntry judges a line that is no JSON: hclog's "[WARN] text" marks, Go's panic
// traces, and anything else. All of them may be the last thing the plugin says.
func (b *logBridge) rawEntry(text string) entry {
	panicking := b.words.add(text)
	for mark, level := range rawMarks {
		if strings.HasPrefix(text, mark) {
			return entry{level: level, message: strings.TrimSpace(strings.TrimPrefix(text, mark))}
		}
	}
	if panicking {
		return entry{level: slog.LevelError, message: text, raw: true}
	}
	return entry{level: slog.LevelInfo, message: text, raw: true}
}

var rawMarks = map[string]slog.Level{
	"[TRACE]": levelTrace, "[DEBUG]": slog.LevelDebug, "[INFO]": slog.LevelInfo, "[WARN]": slog.LevelWarn, "[ERROR]": slog.LevelError,
}

// entry is one line, understood.
type entry struct {
	level   slog.Level
	message string
	fields  map[string]any
	// raw text did not come through a logger: it may show addresses.
	raw bool
}

// levels by hclog's names and slog's, lower case.
var levels = map[string]slog.Level{
	"trace": levelTrace, "debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "warning": slog.LevelWarn, "error": slog.LevelError,
}

// parseEntry reads hclog's JSON (@level, @message) and slog's (level, msg). A JSON
// object without a message of type string is no entry.
func parseEntry(raw []byte) (entry, bool) {
	if raw[0] != '{' {
		return entry{}, false
	}
	var fields map[string]any
	in := json.NewDecoder(bytes.NewReader(raw))
	in.UseNumber()
	if in.Decode(&fields) != nil || in.More() {
		return entry{}, false
	}
	for _, names := range [][3]string{{"@message", "@level", "@timestamp"}, {"msg", "level", "time"}} {
		message, ok := fields[names[0]].(string)
		if !ok {
			continue
		}
		name, _ := fields[names[1]].(string)
		level, known := levels[strings.ToLower(name)]
		if !known {
			level = slog.LevelInfo
		}
		for _, name := range names {
			delete(fields, name)
		}
		return entry{level: level, message: message, fields: fields}, true
	}
	return entry{}, false
}

// attrs are an entry's fields, in the order of their names. hclog's own (@module,
// @caller) lose their mark; a name the host uses itself gets one.
func (b *logBridge) attrs(fields map[string]any) []slog.Attr {
	if len(fields) == 0 {
		return nil
	}
	keys := slices.Sorted(maps.Keys(fields))
	keys = keys[:min(len(keys), maxFields)]
	attrs := make([]slog.Attr, 0, len(keys))
	for _, key := range keys {
		if key == "@module" && fields[key] == b.name {
			continue // says nothing that the field "plugin" does not
		}
		attrs = append(attrs, slog.Any(fieldName(key), b.value(fields[key])))
	}
	return attrs
}

func fieldName(key string) string {
	name := clean(strings.TrimPrefix(key, "@"), maxKey)
	switch name {
	case "", slog.TimeKey, slog.LevelKey, slog.MessageKey, slog.SourceKey, "plugin":
		return "plugin_" + name
	}
	return name
}

// value keeps numbers and truth values, and makes text of everything else.
func (b *logBridge) value(v any) any {
	switch v := v.(type) {
	case nil, bool:
		return v
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		if n, err := v.Float64(); err == nil {
			return n
		}
		return clean(v.String(), maxValue)
	case string:
		return clean(b.secrets.mask(v), maxValue)
	default:
		text, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		return clean(b.secrets.mask(string(text)), maxValue)
	}
}
