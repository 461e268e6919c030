package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"booking/host/internal/problem"
	"booking/shared/secret"
)

// hostile are values as a portal could send them: they end lines, forge records,
// clear screens, turn the reading direction, or are no UTF-8.
var hostile = []string{
	"a\nlevel=INFO msg=\"✅ forged\"", "a\r\nb", "a\u2028b", "a\u2029b", "a\u0085b", "a\vb\fc", "\x1b[2J\x1b]0;title\x07", "\u009b31m",
	"a\u202eb\u2066c\u200fd", "a\x00b\x7fc\bd", "\xff\xfe\x80", "tag \U000e0041 end", `quote " and \ back`, "\t", "zero\u200bwidth\ufeff",
}

type hostileError struct{ text string }

func (e hostileError) Error() string { return e.text }

type hostileJSON struct{ text string }

func (j hostileJSON) MarshalJSON() ([]byte, error) { return json.Marshal(j.text) }

func newLogger(t *testing.T, out *bytes.Buffer, asJSON bool) *slog.Logger {
	t.Helper()
	log, closer, err := New(Options{Out: out, JSON: asJSON})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closer.Close() })
	return log
}

func TestARecordIsOneLineOfPrintableCharactersWhateverItHolds(t *testing.T) {
	t.Parallel()
	for _, asJSON := range []bool{false, true} {
		for _, value := range hostile {
			var out bytes.Buffer
			log := newLogger(t, &out, asJSON)
			log.With("with", value).WithGroup("group").Info(value, "name", value, value, "key", "error", hostileError{value},
				"json", hostileJSON{value}, "bytes", []byte(value), slog.Group("inner", "x", value), "any", map[string]string{value: value})
			line, found := strings.CutSuffix(out.String(), "\n")
			if !found {
				t.Errorf("json=%v, %q: no line end", asJSON, value)
			}
			for _, r := range line {
				if !unicode.IsPrint(r) {
					t.Errorf("json=%v, %q: the record holds %U:\n%q", asJSON, value, r, line)
					break
				}
			}
			if asJSON {
				checkRoundTrip(t, line, value)
			}
		}
	}
}

// checkRoundTrip: what is written as \uXXXX still means the value itself.
func checkRoundTrip(t *testing.T, line, value string) {
	t.Helper()
	var record struct {
		Msg   string `json:"msg"`
		Group struct {
			Name string `json:"name"`
		} `json:"group"`
	}
	if err := json.Unmarshal([]byte(line), &record); err != nil {
		t.Errorf("%q: no JSON: %v", value, err)
		return
	}
	want := strings.ToValidUTF8(value, "\ufffd")
	if got := strings.ReplaceAll(record.Group.Name, "\ufffd\ufffd\ufffd", "\ufffd"); got != want || !strings.HasPrefix(record.Msg, want[:1]) {
		t.Errorf("%q came back as %q", value, got)
	}
}

func TestWhatPrintsStaysAsItIs(t *testing.T) {
	t.Parallel()
	const text = "➕ Создан сотрудник Ёжик Müller 李 ⚠️ ❌"
	if got := string(Printable(text)); got != text {
		t.Errorf("%q", got)
	}
	for _, asJSON := range []bool{false, true} {
		var out bytes.Buffer
		newLogger(t, &out, asJSON).Info(text)
		if !strings.Contains(out.String(), text) {
			t.Errorf("json=%v: %s", asJSON, out.String())
		}
	}
}

func TestASecretIsMasked(t *testing.T) {
	t.Parallel()
	for _, asJSON := range []bool{false, true} {
		var out bytes.Buffer
		newLogger(t, &out, asJSON).Info("x", "dsn", secret.New("hidden"), "all", struct{ S secret.Text }{secret.New("hidden")})
		if strings.Contains(out.String(), "hidden") || !strings.Contains(out.String(), "***") {
			t.Error(out.String())
		}
	}
}

func TestALogFileIsAppendedToAndOnlyOurs(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "host.log")
	for range 2 {
		log, closer, err := New(Options{File: path, Level: slog.LevelWarn})
		if err != nil {
			t.Fatal(err)
		}
		log.Info("below the level")
		log.Warn("line")
		if err := closer.Close(); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(path)
	if err != nil || strings.Count(string(content), "msg=line\n") != 2 || strings.Count(string(content), "\n") != 2 {
		t.Errorf("%q, error %v", content, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
}

func TestALogFileThatCannotBeOpenedIsAClearError(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "no", "folder", "host.log")
	_, _, err := New(Options{File: path})
	text := problem.TextOf(err)
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(text.RU, path) || !strings.Contains(text.EN, "BOOKING_LOG_FILE") {
		t.Errorf("error %v, sentences %+v", err, text)
	}
}
