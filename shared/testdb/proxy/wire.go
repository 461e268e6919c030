package proxy

import (
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// comQuery is the command of a statement as text.
const comQuery = 3

// beginning is how much of a statement rules can see.
const beginning = 1 << 10

// wire is one connection with both its sides.
type wire struct {
	proxy          *Proxy
	client, server net.Conn
	once           sync.Once
	ended          chan struct{} // closed when both sides are

	// begun: a transaction goes on; first is its first statement.
	begun bool
	first string

	mu sync.Mutex
	// next is what happens to the next answer.
	next Decision
}

// end closes both sides.
func (w *wire) end() {
	w.once.Do(func() {
		close(w.ended)
		_ = w.client.Close()
		if w.server != nil {
			_ = w.server.Close()
		}
	})
}

// flowing waits while the proxy is stalled; false when the connection ended meanwhile.
func (w *wire) flowing() bool {
	w.proxy.mu.Lock()
	flows := w.proxy.flows
	w.proxy.mu.Unlock()
	select {
	case <-flows:
		return true
	case <-w.ended:
		return false
	}
}

// questions passes the client's packets on, one by one.
func (w *wire) questions() {
	for {
		header := make([]byte, 4)
		if _, err := io.ReadFull(w.client, header); err != nil {
			return
		}
		length := int(binary.LittleEndian.Uint32([]byte{header[0], header[1], header[2], 0}))
		packet := slices.Concat(header, make([]byte, length))
		if _, err := io.ReadFull(w.client, packet[4:]); err != nil {
			return
		}
		// A command's first packet has number 0.
		if header[3] == 0 && length > 0 && packet[4] == comQuery && !w.passes(packet[5:]) {
			return
		}
		if !w.flowing() {
			return
		}
		if _, err := w.server.Write(packet); err != nil {
			return
		}
	}
}

// passes applies the rules to a statement.
func (w *wire) passes(text []byte) bool {
	statement := string(text[:min(len(text), beginning)])
	starts := strings.HasPrefix(statement, "START TRANSACTION")
	if w.begun && w.first == "" {
		w.first = statement
	}
	made := w.proxy.decide(statement, w.first)
	if starts || statement == "COMMIT" || statement == "ROLLBACK" {
		w.begun, w.first = starts, ""
	}
	switch {
	case made.Place == After:
		w.mu.Lock()
		w.next = made
		w.mu.Unlock()
	case made.Place == Before && made.Hold == nil:
		return false
	case made.Place == Before:
		close(made.Hold.reached)
		return w.waits(made.Hold)
	}
	return true
}

// waits for the test's word, or for the end of the client: a database notices when who
// spoke to it is dead.
func (w *wire) waits(h *Hold) bool {
	dead := make(chan struct{})
	go func() {
		defer close(dead)
		// Nothing is sent by who waits for an answer: this ends with the connection, or at
		// the deadline.
		_, _ = w.client.Read(make([]byte, 1))
	}()
	select {
	case goOn := <-h.goOn:
		_ = w.client.SetReadDeadline(time.Now())
		<-dead
		_ = w.client.SetReadDeadline(time.Time{})
		return goOn
	case <-dead:
		return false
	}
}

// answers passes the server's bytes on.
func (w *wire) answers() {
	buffer := make([]byte, 64<<10)
	for {
		n, err := w.server.Read(buffer)
		if err != nil {
			return
		}
		w.mu.Lock()
		made := w.next
		w.next = Decision{}
		w.mu.Unlock()
		if made.Place == After && !w.told(made.Hold) {
			return
		}
		if !w.flowing() {
			return
		}
		if _, err := w.client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// told reports whether the client may learn the answer.
func (w *wire) told(h *Hold) bool {
	if h == nil {
		return false
	}
	close(h.reached)
	select {
	case goOn := <-h.goOn:
		return goOn
	case <-w.ended:
		return false
	}
}
