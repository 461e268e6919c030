package crmhost

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"strconv"
	"sync/atomic"
)

// Limits of what a plugin writes to its pipes, in bytes.
const (
	maxHandshake = 16 << 10
	maxLine      = 64 << 10
)

// pipes are a plugin's three standard files, both ends.
type pipes struct {
	in, out, err                *os.File // this side
	childIn, childOut, childErr *os.File
}

func openPipes() (p pipes, failed error) {
	defer func() {
		if failed != nil {
			p.closeHost()
			p.closeChild()
		}
	}()
	if p.childIn, p.in, failed = os.Pipe(); failed != nil {
		return p, failed
	}
	if p.out, p.childOut, failed = os.Pipe(); failed != nil {
		return p, failed
	}
	p.err, p.childErr, failed = os.Pipe()
	return p, failed
}

func (p pipes) closeHost()  { closeAll(p.in, p.out, p.err) }
func (p pipes) closeChild() { closeAll(p.childIn, p.childOut, p.childErr) }

func closeAll(files ...*os.File) {
	for _, f := range files {
		if f != nil {
			f.Close()
		}
	}
}

// handshakePipe gives go-plugin the first line of a plugin's standard output and
// swallows the rest: go-plugin's reader gives up at a line of 64 KiB, and the
// plugin would then block at its next write.
type handshakePipe struct {
	file  *os.File
	given int
	done  bool
	// line is the first line; it may be read once spoke is set.
	line []byte
	// spoke is set when a whole line has come.
	spoke atomic.Bool
}

// Read implements io.Reader.
func (h *handshakePipe) Read(b []byte) (int, error) {
	for {
		n, err := h.file.Read(b)
		if n > 0 && !h.done {
			return h.pass(b[:n]), nil
		}
		if err != nil {
			h.file.Close()
			return 0, io.EOF
		}
	}
}

// pass counts what of b belongs to the first line; a line that is too long ends.
func (h *handshakePipe) pass(b []byte) int {
	n := min(len(b), maxHandshake-h.given)
	if end := bytes.IndexByte(b[:n], '\n'); end >= 0 {
		n, h.done = end+1, true
	} else if h.given+n == maxHandshake {
		b[n-1], h.done = '\n', true
	}
	h.given += n
	h.line = append(h.line, b[:n]...)
	h.spoke.Store(h.done)
	return n
}

// protocol is the version of the contract in a handshake, false when there was none.
func (h *handshakePipe) protocol() (int, bool) {
	if !h.spoke.Load() {
		return 0, false
	}
	parts := bytes.Split(bytes.TrimSpace(h.line), []byte("|"))
	if len(parts) < 5 {
		return 0, false
	}
	version, err := strconv.Atoi(string(parts[1]))
	return version, err == nil
}

// Close implements io.Closer.
func (h *handshakePipe) Close() error { return h.file.Close() }

// eachLine calls use with every line of r, without its end, until r ends. Of a
// line that is too long the beginning is kept.
func eachLine(r io.Reader, use func([]byte)) {
	in := bufio.NewReaderSize(r, maxLine)
	for {
		line, err := in.ReadSlice('\n')
		if len(line) > 0 {
			use(bytes.TrimRight(line, "\r\n"))
		}
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = in.ReadSlice('\n')
		}
		if err != nil {
			return
		}
	}
}
