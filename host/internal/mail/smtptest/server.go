// Package smtptest is a mail server for tests: it takes mails over real connections,
// keeps them, and says what a test wants it to say instead.
package smtptest

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds every wait.
const patience = 60 * time.Second

// Mail is one that the server has taken.
type Mail struct {
	From, To string // of the envelope
	Header   mail.Header
	Subject  string
	Body     string
	Raw      string
}

// Place is where in a conversation the server speaks.
type Place string

// The places.
const (
	Greeting Place = "greeting"
	Auth     Place = "AUTH"
	From     Place = "MAIL"
	To       Place = "RCPT"
	Data     Place = "DATA"
	// Taken is the answer after the last line of a mail.
	Taken Place = "taken"
)

// HangUp is an answer that ends the connection without a word.
const HangUp = "\x00"

// Answer returns what the server says at a place, "" for the usual words. What the
// client said is given; at Taken it is the mail itself. It may wait.
type Answer func(place Place, said string) string

// Server is a mail server. Its fields are set when it starts.
type Server struct {
	// Address is host:port.
	Address string
	// Extensions are announced, for example "AUTH PLAIN".
	Extensions []string
	// TLS is spoken from the first byte where it is set (smtps).
	TLS *tls.Config

	mu       sync.Mutex
	answers  Answer
	listener net.Listener
	open     map[net.Conn]bool
	mails    []Mail
	met      int
	news     chan struct{}
	work     sync.WaitGroup
}

// Start starts a server on this machine, until the test ends.
func Start(t testing.TB, set ...func(*Server)) *Server {
	t.Helper()
	s := &Server{Address: "127.0.0.1:0", open: map[net.Conn]bool{}, news: make(chan struct{})}
	for _, set := range set {
		set(s)
	}
	s.Up(t)
	t.Cleanup(s.Down)
	return s
}

// URL is the server as BOOKING_SMTP_URL names it; user may be "" or user:password.
func (s *Server) URL(user string) string {
	if user != "" {
		user += "@"
	}
	scheme := "smtp://"
	if s.TLS != nil {
		scheme = "smtps://"
	}
	return scheme + user + s.Address + "?from=calendar@example.com"
}

// Answers makes the server say something of its own from now on; nil: the usual words.
func (s *Server) Answers(answers Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = answers
}

// Up makes the server answer, at the address it had before.
func (s *Server) Up(t testing.TB) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", s.Address)
	if err != nil {
		t.Fatalf("listen for mail: %v", err)
	}
	s.mu.Lock()
	s.listener, s.Address = listener, listener.Addr().String()
	s.mu.Unlock()
	s.work.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.open[conn] = true
			s.met++
			s.mu.Unlock()
			s.work.Go(func() { s.talk(conn) })
		}
	})
}

// Down ends the server and every conversation.
func (s *Server) Down() {
	s.mu.Lock()
	_ = s.listener.Close()
	for conn := range s.open {
		_ = conn.Close()
	}
	s.mu.Unlock()
	s.work.Wait()
}

// Met is how many connections there have been.
func (s *Server) Met() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.met
}

// Mails are those taken so far, the oldest first.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// Wait waits until that many mails were taken and returns all there are.
func (s *Server) Wait(t testing.TB, n int) []Mail {
	t.Helper()
	deadline := time.After(patience)
	for {
		s.mu.Lock()
		mails, news := slices.Clone(s.mails), s.news
		s.mu.Unlock()
		if len(mails) >= n {
			return mails
		}
		select {
		case <-news:
		case <-deadline:
			t.Fatalf("%d mails came, not %d", len(mails), n)
		}
	}
}

func (s *Server) talk(conn net.Conn) {
	defer func(conn net.Conn) {
		_ = conn.Close()
		s.mu.Lock()
		delete(s.open, conn)
		s.mu.Unlock()
	}(conn)
	if s.TLS != nil {
		conn = tls.Server(conn, s.TLS)
	}
	c := conversation{Server: s, lines: bufio.NewReader(conn), out: conn}
	if c.answer(Greeting, "", "220 here") {
		c.listen()
	}
}

// conversation is one connection.
type conversation struct {
	*Server
	lines    *bufio.Reader
	out      io.Writer
	from, to string
}

// answer says something and reports whether the conversation goes on.
func (c *conversation) answer(place Place, said, usual string) bool {
	return c.speak(c.choose(place, said, usual))
}

func (c *conversation) choose(place Place, said, usual string) string {
	c.mu.Lock()
	answers := c.answers
	c.mu.Unlock()
	if answers != nil {
		if own := answers(place, said); own != "" {
			return own
		}
	}
	return usual
}

func (c *conversation) speak(answer string) bool {
	if answer == HangUp {
		return false
	}
	_, err := fmt.Fprint(c.out, answer+"\r\n")
	return err == nil && !strings.HasPrefix(answer, "421")
}

func (c *conversation) line() (string, bool) {
	line, err := c.lines.ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err == nil
}

// listen follows the conversation to its end.
func (c *conversation) listen() {
	for {
		line, ok := c.line()
		if !ok {
			return
		}
		word, _, _ := strings.Cut(strings.ToUpper(line), " ")
		switch word {
		case "EHLO":
			ok = c.answer("", line, "250-"+strings.Join(append([]string{"here"}, c.Extensions...), "\r\n250-")+"\r\n250 8BITMIME")
		case "AUTH":
			ok = c.answer(Auth, line, "235 welcome")
		case "MAIL":
			c.from = between(line)
			ok = c.answer(From, line, "250 ok")
		case "RCPT":
			c.to = between(line)
			ok = c.answer(To, line, "250 ok")
		case "DATA":
			ok = c.data()
		case "QUIT":
			_ = c.answer("", line, "221 bye")
			return
		default:
			ok = c.answer("", line, "250 ok")
		}
		if !ok {
			return
		}
	}
}

func (c *conversation) data() bool {
	answer := c.choose(Data, "", "354 go on")
	if goesOn := c.speak(answer); !goesOn || !strings.HasPrefix(answer, "354") {
		return goesOn
	}
	var raw strings.Builder
	for {
		line, ok := c.line()
		if !ok {
			return false
		}
		if line == "." {
			break
		}
		raw.WriteString(strings.TrimPrefix(line, ".") + "\r\n")
	}
	m := parse(raw.String())
	m.From, m.To = c.from, c.to
	answer = c.choose(Taken, m.Raw, "250 taken")
	if strings.HasPrefix(answer, "2") {
		c.keep(m)
	}
	return c.speak(answer)
}

func (c *conversation) keep(m Mail) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mails = append(c.mails, m)
	close(c.news)
	c.news = make(chan struct{})
}

func between(line string) string {
	_, address, _ := strings.Cut(line, "<")
	address, _, _ = strings.Cut(address, ">")
	return address
}

func parse(raw string) Mail {
	m := Mail{Raw: raw}
	message, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		return m
	}
	m.Header = message.Header
	m.Subject, _ = new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
	body := message.Body
	switch message.Header.Get("Content-Transfer-Encoding") {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	text, _ := io.ReadAll(body)
	m.Body = strings.ReplaceAll(string(text), "\r\n", "\n")
	return m
}
