package crmhost

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// What is kept of a plugin's last words: lines before anything went wrong, and
// lines of a panic (its message and the place).
const (
	keptLines      = 8
	keptPanicLines = 24
)

// lastWords keeps the end of what a plugin said: the text of a panic, or else the
// last errors of its log and lines it wrote outside of it.
type lastWords struct {
	// polish makes a line fit for people; it is costly, and only the lines that are
	// shown meet it. nil: nothing is done.
	polish func(string) string

	mu       sync.Mutex
	lines    []string
	panicked bool
}

// add takes a line and says whether a panic has begun.
func (w *lastWords) add(line string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.panicked && startsPanic(line) {
		w.panicked, w.lines = true, nil
	}
	w.keep(line)
	return w.panicked
}

// note takes an error of the plugin's log.
func (w *lastWords) note(line string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keep(line)
}

func (w *lastWords) keep(line string) {
	switch {
	case !w.panicked:
		w.lines = append(w.lines, line)
		w.lines = w.lines[max(0, len(w.lines)-keptLines):]
	case len(w.lines) < keptPanicLines:
		w.lines = append(w.lines, line)
	}
}

func startsPanic(line string) bool {
	// Without the space: the line has been trimmed, and a panic may have no text.
	return strings.HasPrefix(line, "panic:") || strings.HasPrefix(line, "fatal error:") ||
		strings.HasPrefix(line, "runtime/cgo: ") || signals.MatchString(line)
}

// Of a signal that it cannot turn into a panic Go's runtime says the name first and the
// registers last. Its collector dies of one when there is no memory (Go 1.26).
var signals = regexp.MustCompile(`^SIG[A-Z0-9]+: `)

// String returns the kept lines.
func (w *lastWords) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.shown(), "\n")
}

// shown are the kept lines, polished; w.mu is held.
func (w *lastWords) shown() []string {
	lines := slices.Clone(w.lines)
	for i := range lines {
		if w.polish != nil {
			lines[i] = w.polish(lines[i])
		}
		lines[i] = hideAddresses(lines[i])
	}
	return lines
}

// sawPanic reports whether one of the lines began a panic.
func (w *lastWords) sawPanic() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.panicked
}

// A panic shows values: those that look like an address with a secret in it lose
// everything behind the host's name. DSNs are go-sql-driver's.
var (
	addresses = regexp.MustCompile(`(?i)\b([a-z][a-z0-9+.-]*://)(?:[^\s/@"']*@)?([^\s/?#"'<>]*)[^\s"'<>]*`)
	dsns      = regexp.MustCompile(`[^\s"']*@(?:tcp|unix)\([^)\s]*\)[^\s"']*`)
)

func hideAddresses(line string) string {
	line = dsns.ReplaceAllString(line, "***")
	return addresses.ReplaceAllString(line, "$1$2/***")
}

// brief is the last words as one line of at most 400 bytes: the panic's message,
// or the last line.
func (w *lastWords) brief() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	lines := w.shown()
	switch {
	case len(lines) == 0:
		return ""
	case w.panicked:
		return clean(lines[0], 400)
	default:
		return clean(lines[len(lines)-1], 400)
	}
}
