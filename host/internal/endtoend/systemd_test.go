package endtoend

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"booking/shared/testdb/proxy"
)

// manager is the service manager's end of NOTIFY_SOCKET.
type manager struct {
	t      testing.TB
	socket *net.UnixConn
}

// managed makes what is started next in this world a service; watchdog is its
// WatchdogSec=, 0 for none.
func (w *world) managed(watchdog time.Duration) *manager {
	w.t.Helper()
	dir, err := os.MkdirTemp("", "notify-") // t.TempDir is too long for a socket
	must(w.t, err)
	w.t.Cleanup(func() { _ = os.RemoveAll(dir) })
	address := &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"}
	socket, err := net.ListenUnixgram(address.Net, address)
	must(w.t, err)
	w.t.Cleanup(func() { _ = socket.Close() })
	w.env["NOTIFY_SOCKET"] = address.Name
	if watchdog > 0 {
		w.env["WATCHDOG_USEC"] = strconv.FormatInt(watchdog.Microseconds(), 10)
	}
	return &manager{t: w.t, socket: socket}
}

// told is one message: its variables.
type told map[string]string

// next is the next message; ok is false when none comes within a time.
func (m *manager) next(within time.Duration) (message told, ok bool) {
	m.t.Helper()
	must(m.t, m.socket.SetReadDeadline(time.Now().Add(within)))
	buffer := make([]byte, 4096)
	n, err := m.socket.Read(buffer)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, false
	}
	must(m.t, err)
	message = told{}
	for line := range strings.Lines(string(buffer[:n])) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		message[name] = value
	}
	return message, true
}

// until reads messages to the first that is so.
func (m *manager) until(what string, so func(told) bool) (before []told) {
	m.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		message, ok := m.next(time.Until(deadline))
		if !ok {
			m.t.Fatalf("the service manager was not told of %s, but: %v", what, before)
		}
		if so(message) {
			return before
		}
		before = append(before, message)
	}
}

func ready(message told) bool   { return message["READY"] == "1" }
func isAlive(message told) bool { return message["WATCHDOG"] == "1" }

// A service from its start to its end: it is ready when it answers, not before, gives
// signs of life, and says that it stops.
func TestTheServiceManagerIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.managed(2 * time.Second)
	w.env["BOOKING_ADDR"] = freeAddress(t)
	serving := w.start("serve")
	start := m.until("the start", ready)
	if got := ask(t, "http://"+w.env["BOOKING_ADDR"]+"/readyz", ""); got != "200 ok\n" {
		t.Errorf("it is ready and answers %q", got)
	}
	if len(start) != 1 || start[0]["STATUS"] != "открывает базу данных" {
		t.Errorf("before it was ready: %v", start)
	}
	for range 3 {
		m.until("a sign of life", isAlive)
	}
	serving.signal(syscall.SIGTERM)
	m.until("the stop", func(message told) bool {
		return message["STOPPING"] == "1" && strings.HasPrefix(message["STATUS"], "останавливается")
	})
	if r := serving.wait(); r.code != 0 {
		t.Error(r)
	}
	if message, ok := m.next(time.Millisecond); ok {
		t.Errorf("after it has stopped: %v", message)
	}
}

// The private database's server speaks the same protocol. It is not the service.
func TestThePrivateDatabaseDoesNotSpeakForTheService(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	delete(w.env, "BOOKING_DSN_FILE")
	m := w.managed(0)
	serving := w.start("serve")
	all := m.until("the start", func(message told) bool {
		return strings.HasPrefix(message["STATUS"], "работает: страницы")
	})
	serving.stops()
	for message, ok := m.next(time.Millisecond); ok; message, ok = m.next(time.Millisecond) {
		all = append(all, message)
	}
	if len(all) != 2 || all[0]["STATUS"] != "открывает базу данных" || all[1]["STOPPING"] != "1" {
		t.Errorf("beside READY the service manager was told: %v", all)
	}
}

// A loop of the host waits for an answer that never comes, while everything else goes on
// and the pages answer: there is no sign of life until it moves again, and the status says why.
func TestAHungHostGivesNoSignOfLife(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]struct {
		statement proxy.Match
		says      string
	}{
		"queue":    {proxy.Match{Statement: "(SELECT `r`.`id`"}, "не движется: очередь"},
		"schedule": {looks, "не движется: расписание"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.must("", "migrate", "up")
			p := proxy.New(t, w.dsn)
			w.env["BOOKING_DSN_FILE"] = w.file("secret/dsn", p.Through(w.dsn))
			m := w.managed(2 * time.Second)
			serving, base := w.serveOn(nil)
			m.until("the start", ready)
			held := p.Hold(one.statement, 2, proxy.Before)
			<-held.Reached()
			hung := func(message told) bool { return message["STATUS"] == one.says }
			m.until("its trouble", hung)
			for range 3 {
				if message, _ := m.next(patience); !hung(message) {
					t.Errorf("while it hangs: %v", message)
				}
			}
			if got := ask(t, base+"/readyz", ""); got != "200 ok\n" {
				t.Errorf("the pages: %q", got)
			}
			held.GoOn()
			m.until("its recovery", func(message told) bool {
				return isAlive(message) && strings.HasPrefix(message["STATUS"], "работает: ")
			})
			serving.stops()
		})
	}
}
