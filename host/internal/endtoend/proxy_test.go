package endtoend

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// proxy stands between a program and the database. It knows a chunk when it sees one:
// a transaction that begins with the check of the run's fence. So a test can stop the
// world at the COMMIT of the N-th chunk, or cut every connection there.
type proxy struct {
	t       testing.TB
	address string
	target  *mysql.Config

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
	chunks   int // COMMITs of chunks so far
	stops    map[stop]*hold
}

// stop is a place: before the COMMIT of the n-th chunk reaches the database, or after
// it was done and before anybody is told.
type stop struct {
	chunk     int
	committed bool
}

// hold is a stop at which somebody waits until goesOn or drops.
type hold struct {
	reached chan struct{}
	goOn    chan bool
}

// goesOn lets what was held pass.
func (h *hold) goesOn() { h.goOn <- true }

// drops ends the held connection: who waits for it is dead.
func (h *hold) drops() { h.goOn <- false }

func newProxy(t testing.TB, target *mysql.Config) *proxy {
	t.Helper()
	p := &proxy{t: t, target: target, conns: map[net.Conn]bool{}, stops: map[stop]*hold{}}
	p.up("127.0.0.1:0")
	p.address = p.listener.Addr().String()
	t.Cleanup(p.cut)
	return p
}

// stopAt makes the next run stop at a place. Chunks are counted from the call on.
func (p *proxy) stopAt(at stop) *hold {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := &hold{reached: make(chan struct{}), goOn: make(chan bool, 1)}
	p.chunks, p.stops = 0, map[stop]*hold{at: h}
	return h
}

// counted is how many chunks were committed since the last call of stopAt.
func (p *proxy) counted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.chunks
}

// up accepts connections (again).
func (p *proxy) up(address string) {
	p.t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	p.listener = listener
	p.mu.Unlock()
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go p.serve(client)
		}
	}()
}

// cut ends every connection and refuses new ones until up.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.listener.Close()
	for conn := range p.conns {
		_ = conn.Close()
	}
	clear(p.conns)
}

func (p *proxy) serve(client net.Conn) {
	server, err := net.Dial(p.target.Net, p.target.Addr)
	if err != nil {
		_ = client.Close()
		return
	}
	p.mu.Lock()
	p.conns[client], p.conns[server] = true, true
	p.mu.Unlock()
	w := &wire{proxy: p, client: client, server: server}
	ended := make(chan struct{}, 2)
	go func() { w.questions(); ended <- struct{}{} }()
	go func() { w.answers(); ended <- struct{}{} }()
	<-ended
	_ = client.Close()
	_ = server.Close()
}

// wire is one connection with both its sides.
type wire struct {
	proxy          *proxy
	client, server net.Conn
	chunk          bool // the transaction is a chunk's

	mu    sync.Mutex
	quiet *hold // the next answer waits for its release
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
		// COM_QUERY is 3, and a command's first packet has number 0.
		if header[3] == 0 && length > 0 && packet[4] == 3 {
			if !w.passes(packet[5:]) {
				return
			}
		}
		if _, err := w.server.Write(packet); err != nil {
			return
		}
	}
}

// passes recognises what matters and waits where it has to.
func (w *wire) passes(statement []byte) bool {
	switch {
	case bytes.HasPrefix(statement, []byte("UPDATE `crm_runs` ")):
		w.chunk = true
	case bytes.EqualFold(statement, []byte("ROLLBACK")):
		w.chunk = false
	case bytes.EqualFold(statement, []byte("COMMIT")) && w.chunk:
		w.chunk = false
		p := w.proxy
		p.mu.Lock()
		p.chunks++
		before, after := p.stops[stop{p.chunks, false}], p.stops[stop{p.chunks, true}]
		p.mu.Unlock()
		if after != nil {
			w.mu.Lock()
			w.quiet = after
			w.mu.Unlock()
		}
		if before != nil {
			close(before.reached)
			return w.waits(before)
		}
	}
	return true
}

// waits for the test's word, or for the end of the client: a database notices when who
// spoke to it is dead.
func (w *wire) waits(h *hold) bool {
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
		quiet := w.quiet
		w.quiet = nil
		w.mu.Unlock()
		if quiet != nil {
			close(quiet.reached)
			if !<-quiet.goOn {
				return
			}
		}
		if _, err := w.client.Write(buffer[:n]); err != nil {
			return
		}
	}
}
