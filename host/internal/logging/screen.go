package logging

import (
	"bytes"
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// eraseLine returns to the first column and clears to the end of the line
// (ECMA-48 EL), which every terminal of the last decades knows.
const eraseLine = "\r\x1b[K"

// Screen is standard error as log lines and one progress bar share it: a line
// pushes the bar down instead of running into it. Where the output is no terminal
// there is no bar and lines simply pass. It is safe for use by several goroutines.
type Screen struct {
	mu       sync.Mutex
	out      io.Writer
	terminal bool
	bar      []byte // the bar as it was last drawn; empty while there is none
}

// NewScreen makes the Screen of a file, usually os.Stderr.
func NewScreen(file *os.File) *Screen {
	return newScreen(file, term.IsTerminal(int(file.Fd())))
}

// NewPlainScreen makes the Screen of an output that is no terminal.
func NewPlainScreen(out io.Writer) *Screen { return newScreen(out, false) }

func newScreen(out io.Writer, terminal bool) *Screen {
	return &Screen{out: out, terminal: terminal}
}

// Terminal reports whether a bar can be shown.
func (s *Screen) Terminal() bool { return s.terminal }

// Write writes whole log lines: above the bar, when there is one.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.bar) == 0 {
		return s.out.Write(p)
	}
	// One write, so that no other process's output comes between.
	together := make([]byte, 0, len(eraseLine)+len(p)+len(s.bar))
	together = append(together, eraseLine...)
	together = append(together, p...)
	if _, err := s.out.Write(append(together, s.bar...)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Bar is where a progress bar draws itself (progressbar.OptionSetWriter). What
// follows the last carriage return is the bar; without a terminal it goes nowhere.
func (s *Screen) Bar() io.Writer { return barWriter{s} }

// EndBar wipes the bar away; the next log line stands in its place.
func (s *Screen) EndBar() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.bar) > 0 {
		_, _ = io.WriteString(s.out, eraseLine)
		s.bar = nil
	}
}

type barWriter struct{ screen *Screen }

func (w barWriter) Write(p []byte) (int, error) {
	s := w.screen
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.terminal {
		return len(p), nil
	}
	if at := bytes.LastIndexAny(p, "\r\n"); at >= 0 {
		s.bar = bytes.Clone(p[at+1:])
	} else {
		s.bar = append(s.bar, p...)
	}
	return s.out.Write(p)
}
