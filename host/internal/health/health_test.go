package health

import (
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"booking/host/internal/secrets"
	"booking/host/internal/store"
	"booking/migrations"
	"booking/shared/secret"
	"booking/shared/testdb"
)

func TestMain(m *testing.M) { os.Exit(testdb.Main(m)) }

// host is a database that can be taken away, and what looks at it.
type host struct {
	*Checker
	store *store.Store
	door  *door
	data  string
	now   time.Time
}

func newHost(t *testing.T) *host {
	t.Helper()
	ctx := t.Context()
	config, err := mysql.ParseDSN(testdb.New(t))
	if err != nil {
		t.Fatal(err)
	}
	h := &host{door: newDoor(t, config.Net, config.Addr), data: t.TempDir(), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	config.Net, config.Addr = "tcp", h.door.listener.Addr().String()
	if h.store, err = store.Open(ctx, secret.New(config.FormatDSN()), nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.store.Close() })
	for _, set := range sets {
		if _, err := set.Up(ctx, h.store.DB()); err != nil {
			t.Fatal(err)
		}
	}
	box, err := secrets.Unlock(ctx, h.store.DB(), secrets.Options{DataDir: h.data})
	if err != nil {
		t.Fatal(err)
	}
	h.Checker = New(h.store, box, sets, func() time.Time { return h.now })
	return h
}

var sets = []migrations.Set{migrations.Host, migrations.Usersync}

// later asks anew, when the former answer is not good any more.
func (h *host) later(t *testing.T, want ...Reason) {
	t.Helper()
	h.now = h.now.Add(fresh)
	h.same(t, want...)
}

func (h *host) same(t *testing.T, want ...Reason) {
	t.Helper()
	got := h.Ready(t.Context())
	if len(got) != len(want) || len(want) == 1 && got[0] != want[0] {
		t.Errorf("reasons %v, want %v", got, want)
	}
}

func TestAHostIsReadyUntilSomethingIsMissing(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.same(t)
	exec := func(statement string) {
		t.Helper()
		if _, err := h.store.DB().ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	exec("RENAME TABLE crm_slots TO crm_slots_away")
	h.same(t) // within a second nobody looks again
	h.later(t, Migrations)
	exec("RENAME TABLE crm_slots_away TO crm_slots")
	h.later(t)
	exec("DELETE FROM booking_migrations_usersync")
	h.later(t, Migrations)
	for _, set := range sets {
		if _, err := set.Up(t.Context(), h.store.DB()); err != nil {
			t.Fatal(err)
		}
	}
	h.later(t)
	if _, err := secrets.Rotate(t.Context(), h.store.DB(), secrets.Options{DataDir: h.data}, secret.Text{}); err != nil {
		t.Fatal(err)
	}
	h.later(t, KeyChanged)
}

func TestAHostWithoutItsDatabaseIsNotReadyAndComesBack(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.same(t)
	h.door.close()
	h.later(t, Database)
	h.door.open(t)
	h.later(t)
}

func TestAHostThatStopsIsNotReadyAnyMore(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.same(t)
	h.Drain()
	h.same(t, Draining) // at once, whatever was known a moment ago
}

// door is an address in front of the server that can be closed, with everybody who has
// gone through it.
type door struct {
	network, address string

	mu       sync.Mutex
	listener net.Listener
	inside   []net.Conn
}

func newDoor(t *testing.T, network, address string) *door {
	t.Helper()
	d := &door{network: network, address: address}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d.start(t, listener)
	return d
}

func (d *door) start(t *testing.T, listener net.Listener) {
	d.listener = listener
	t.Cleanup(d.close)
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial(d.network, d.address)
			if err != nil {
				from.Close()
				continue
			}
			d.mu.Lock()
			d.inside = append(d.inside, from, to)
			d.mu.Unlock()
			go func() { _, _ = io.Copy(to, from); to.Close() }()
			go func() { _, _ = io.Copy(from, to); from.Close() }()
		}
	}()
}

func (d *door) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.listener.Close()
	for _, conn := range d.inside {
		conn.Close()
	}
	d.inside = nil
}

// open opens it again at the same address.
func (d *door) open(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp", d.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	d.start(t, listener)
}
