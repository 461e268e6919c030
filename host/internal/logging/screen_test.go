package logging

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/schollz/progressbar/v3"
)

// display is what a person sees after a terminal got these bytes: it knows \r, \n
// and the erase sequences.
func display(t *testing.T, bytes string) []string {
	t.Helper()
	lines, column := []string{""}, 0
	for i := 0; i < len(bytes); {
		last := len(lines) - 1
		switch rest := bytes[i:]; {
		case strings.HasPrefix(rest, "\x1b[K"):
			lines[last] = lines[last][:min(column, len(lines[last]))]
			i += 3
		case strings.HasPrefix(rest, "\x1b[0K"):
			lines[last] = lines[last][:min(column, len(lines[last]))]
			i += 4
		case strings.HasPrefix(rest, "\x1b[2K"):
			lines[last] = ""
			i += 4
		case rest[0] == '\r':
			column, i = 0, i+1
		case rest[0] == '\n':
			lines, column, i = append(lines, ""), 0, i+1
		case rest[0] == '\x1b':
			t.Fatalf("an escape sequence this display does not know: %q", rest[:min(8, len(rest))])
		default:
			line := lines[last] + strings.Repeat(" ", max(0, column-len(lines[last])))
			lines[last] = line[:column] + rest[:1] + line[min(column+1, len(line)):]
			column, i = column+1, i+1
		}
	}
	return lines
}

func TestLogLinesStandAboveTheBar(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]progressbar.Option{
		"plain": nil,
		"ansi":  {progressbar.OptionUseANSICodes(true)},
	} {
		var out bytes.Buffer
		screen := newScreen(&out, true)
		options = append(options, progressbar.OptionSetWriter(screen.Bar()), progressbar.OptionSetWidth(10),
			progressbar.OptionThrottle(0), progressbar.OptionSetPredictTime(false), progressbar.OptionSetDescription("people"))
		bar := progressbar.NewOptions(4, options...)
		for i := range 4 {
			fmt.Fprintf(screen, "line %d\n", i)
			if err := bar.Add(1); err != nil {
				t.Fatal(err)
			}
		}
		fmt.Fprintln(screen, "last line")
		got := display(t, out.String())
		want := []string{"line 0", "line 1", "line 2", "line 3", "last line"}
		for i, line := range want {
			if strings.TrimRight(got[i], " ") != line {
				t.Errorf("%s: line %d is %q", name, i, got[i])
			}
		}
		if len(got) != 6 || !strings.Contains(got[5], "people") || !strings.Contains(got[5], "100%") {
			t.Errorf("%s: the bar is not below: %q", name, got)
		}
		screen.EndBar()
		screen.EndBar()
		fmt.Fprintln(screen, "after")
		if got := display(t, out.String()); got[5] != "after" || len(got) != 7 || got[6] != "" {
			t.Errorf("%s: after the bar: %q", name, got)
		}
	}
}

func TestABarDrawnInPiecesIsOneBar(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	screen := newScreen(&out, true)
	for _, piece := range []string{"\rhalf", " and half", "", "!"} {
		fmt.Fprint(screen.Bar(), piece)
	}
	fmt.Fprintln(screen, "line")
	if got := display(t, out.String()); len(got) != 2 || got[0] != "line" || got[1] != "half and half!" {
		t.Errorf("%q", got)
	}
}

func TestWithoutATerminalThereIsNoBar(t *testing.T) {
	t.Parallel()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	screen := NewScreen(file)
	fmt.Fprint(screen.Bar(), "\rbar")
	fmt.Fprintln(screen, "line")
	screen.EndBar()
	content, err := os.ReadFile(file.Name())
	if err != nil || string(content) != "line\n" || screen.Terminal() || NewPlainScreen(&bytes.Buffer{}).Terminal() {
		t.Errorf("%q, error %v", content, err)
	}
}

func TestManyMayWriteAtOnce(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	screen := newScreen(&out, true)
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for j := range 50 {
				fmt.Fprintf(screen.Bar(), "\r\x1b[Kbar %d", j)
				fmt.Fprintf(screen, "line %d of %d\n", j, i)
			}
		})
	}
	wait.Wait()
	screen.EndBar()
	got := display(t, out.String())
	if len(got) != 401 {
		t.Errorf("%d lines", len(got))
	}
	for _, line := range got[:400] {
		if !strings.HasPrefix(line, "line ") || strings.Contains(line, "bar") {
			t.Errorf("%q", line)
		}
	}
}
