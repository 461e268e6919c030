// Package proxy stands between a program and its database, for tests of what a network
// does to a program: connections that end, are refused or fall silent, and a step in at
// a certain statement, before the server gets it or before the program gets the answer.
//
// What happens to a statement is counted (the n-th that begins like this) or drawn from
// a seed, never timed: the same program meets the same faults again.
//
// It reads the text protocol: the DSN must not ask for TLS, and must say
// interpolateParams=true, as usersync.OpenDB and testdb do.
package proxy

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// Proxy listens on a loopback address and passes connections on to a server.
type Proxy struct {
	t       testing.TB
	address string
	target  func() (*mysql.Config, error)

	mu       sync.Mutex
	listener net.Listener
	refuses  bool
	wires    map[*wire]bool
	rules    []*Rule
	flows    chan struct{} // closed while bytes pass
}

// New starts a proxy of one server, until the end of the test.
func New(t testing.TB, target *mysql.Config) *Proxy {
	t.Helper()
	return NewRouter(t, func() (*mysql.Config, error) { return target, nil })
}

// NewRouter is New for a server that is chosen anew for each connection, as a router of
// a cluster does. A connection for which there is none is closed at once.
func NewRouter(t testing.TB, target func() (*mysql.Config, error)) *Proxy {
	t.Helper()
	p := &Proxy{t: t, address: "127.0.0.1:0", target: target, wires: map[*wire]bool{}, flows: make(chan struct{})}
	close(p.flows)
	p.Accept()
	t.Cleanup(func() {
		p.Resume()
		p.Refuse()
	})
	return p
}

// Through is how an account reaches the server by way of the proxy.
func (p *Proxy) Through(account *mysql.Config) string {
	account = account.Clone()
	account.Net, account.Addr = "tcp", p.address
	return account.FormatDSN()
}

// Accept takes connections again, at the same address.
func (p *Proxy) Accept() {
	p.t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", p.address)
	if err != nil {
		p.t.Fatalf("listen for the database's clients: %v", err)
	}
	p.mu.Lock()
	p.listener, p.address, p.refuses = listener, listener.Addr().String(), false
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

// Refuse ends every connection and refuses new ones until Accept.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	_ = p.listener.Close()
	p.refuses = true
	p.mu.Unlock()
	p.Cut()
}

// Cut ends every connection; new ones are welcome.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for w := range p.wires {
		w.end()
	}
}

// Stall lets nothing pass in either direction, and ends nothing, until Resume.
func (p *Proxy) Stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.flows:
		p.flows = make(chan struct{})
	default: // stalled already
	}
}

// Resume lets everything pass that Stall has held up.
func (p *Proxy) Resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.flows:
	default:
		close(p.flows)
	}
}

func (p *Proxy) serve(client net.Conn) {
	w := &wire{proxy: p, client: client, ended: make(chan struct{})}
	defer w.end()
	target, err := p.target()
	if err != nil {
		return
	}
	var dialer net.Dialer
	if w.server, err = dialer.DialContext(context.Background(), target.Net, target.Addr); err != nil {
		return
	}
	if !p.enter(w) {
		return
	}
	defer p.leave(w)
	go func() {
		defer w.end()
		w.answers()
	}()
	w.questions()
}

// enter makes the connection one that Cut knows of; false when it came too late.
func (p *Proxy) enter(w *wire) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.refuses {
		p.wires[w] = true
	}
	return !p.refuses
}

func (p *Proxy) leave(w *wire) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.wires, w)
}
