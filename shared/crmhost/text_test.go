package crmhost

import (
	"io"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"booking/shared/secret"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain ➕ ⚠️ имя":       "plain ➕ ⚠️ имя",
		"a\nb\r\tc\x00\x1b[0m": "a b  c  [0m",
		"a\u2028b\u0085c":      "a b c",
		"\u202eevil\u2066":     "evil",
		"\xff\xfe":             "\ufffd\ufffd",
		strings.Repeat("я", 9): "яяяяя…",
		"1234567890":           "1234567890",
	} {
		limit := 64
		if strings.HasPrefix(in, "яя") {
			limit = 11 // in the middle of a letter
		}
		if got := clean(in, limit); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzEntry(f *testing.F) {
	for _, seed := range []string{`{"@message":42}`, `{"@message":"m","@level":"warn","k":[1,{"a":null}]}`, "[WARN] x", "panic: y", "{", "\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		e, ok := parseEntry(append([]byte("{"), line...))
		if !ok {
			return
		}
		b := &logBridge{secrets: &redactor{}, words: &lastWords{}}
		for _, a := range b.attrs(e.fields) {
			if text := a.Value.String(); strings.ContainsAny(a.Key+text, "\n\r\x00\x1b") || !utf8.ValidString(a.Key+text) || len(text) > maxValue+8 {
				t.Errorf("field %q = %q", a.Key, text)
			}
		}
	})
}

func TestHideAddresses(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"get https://p.example/rest/1/secret/user.get?x=1 failed": "get https://p.example/*** failed",
		`Get "https://p.example/rest/1/secret/": EOF`:             `Get "https://p.example/***": EOF`,
		"postgres://u:pw@db:5432/x":                               "postgres://db:5432/***",
		"open u:pw@tcp(127.0.0.1:3306)/booking?x=y: refused":      "open *** refused",
		"no address here: a/b":                                    "no address here: a/b",
	} {
		if got := hideAddresses(in); got != want {
			t.Errorf("hideAddresses(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestRedactor(t *testing.T) {
	t.Parallel()
	r := &redactor{}
	r.add(secret.New("user:pa:ss@word1@tcp(db)/x"))
	r.add(secret.New("https://u:longpass@p.example/rest/1/a1b2c3d4e5/"))
	r.add(secret.New("abc")) // too short to be looked for
	for in, want := range map[string]string{
		"dial user:pa:ss@word1@tcp(db)/x": "dial ***", "pa:ss@word1": "***", "a1b2c3d4e5": "***", "longpass!": "***!", "abc": "abc", "rest": "rest",
	} {
		if got := r.mask(in); got != want {
			t.Errorf("mask(%q) = %q, want %q", in, got, want)
		}
	}
	for i := range keptSecrets {
		r.add(secret.New("another secret " + string(rune('a'+i%26)) + strings.Repeat("x", i/26)))
	}
	if len(r.order) != keptSecrets || len(r.known) != keptSecrets {
		t.Errorf("%d secrets kept, want %d", len(r.order), keptSecrets)
	}
}

func TestLastWords(t *testing.T) {
	t.Parallel()
	w := &lastWords{}
	for range 20 {
		w.add("noise")
	}
	if got := len(strings.Split(w.String(), "\n")); got != keptLines {
		t.Errorf("%d lines kept", got)
	}
	w.add("panic: boom")
	for range 100 {
		w.add("goroutine")
	}
	if lines := strings.Split(w.String(), "\n"); lines[0] != "panic: boom" || len(lines) != keptPanicLines {
		t.Errorf("%d lines, the first %q", len(lines), lines[0])
	}
	if w.brief() != "panic: boom" || !w.sawPanic() {
		t.Errorf("brief %q", w.brief())
	}
}

func TestThrottle(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	limit := throttle{clock: func() time.Time { return now }}
	for i := range 2 * maxLogLines {
		if pass, dropped := limit.take(); pass != (i < maxLogLines) || dropped != 0 {
			t.Fatalf("line %d: %v, %d", i, pass, dropped)
		}
	}
	now = now.Add(time.Second)
	if pass, dropped := limit.take(); !pass || dropped != maxLogLines {
		t.Errorf("the next second: %v, %d", pass, dropped)
	}
	if _, dropped := limit.take(); dropped != 0 {
		t.Errorf("told twice: %d", dropped)
	}
}

func TestEachLine(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 3*maxLine)
	var got []string
	eachLine(strings.NewReader("a\r\n\n"+long+"\nb\nno end"), func(b []byte) { got = append(got, string(b)) })
	want := []string{"a", "", long[:maxLine], "b", "no end"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("%d lines", len(got))
	}
}

// Only the first line passes; the writer is never blocked by what follows it.
func TestHandshakePipe(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("y", 1<<20)
	for in, want := range map[string]string{
		"1|1|unix|/s|grpc|\nmore\n" + long: "1|1|unix|/s|grpc|\n",
		long:                               long[:maxHandshake-1] + "\n",
		"cut":                              "cut",
	} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.WriteString(w, in); w.Close() }()
		h := &handshakePipe{file: r}
		got, err := io.ReadAll(h)
		if err != nil || string(got) != want {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if h.spoke.Load() != strings.HasSuffix(want, "\n") {
			t.Errorf("spoke = %v", h.spoke.Load())
		}
	}
}
