package events

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"booking/host/internal/accesslog"
	"booking/host/internal/auth"
	"booking/host/internal/hosttest"
	"booking/host/internal/secrets"
	"booking/host/internal/store"
	"booking/shared/crm"
	"booking/shared/crmtest"
	"booking/shared/secret"
	"booking/shared/testdb"
)

func TestMain(m *testing.M) { os.Exit(testdb.Main(m)) }

// token proves a message to the plugin of these tests.
const token = "applicationtoken0123456789"

// house is a Server on a database of its own, with a plugin in process: the real one, and
// its portal, are in endtoend.
type house struct {
	crmtest.Fake
	*store.Store
	t       *testing.T
	server  *Server
	http    *httptest.Server
	log     *hosttest.Buffer
	tenant  int64
	address string // without the host

	mu sync.Mutex
	// queued are the people that runs were asked for.
	queued []string
	// lacks: the plugin does not list the capability; fails: it cannot be had.
	lacks bool
	fails error
	// hold, when set, makes the plugin wait in ReadEvent until it is closed.
	entered, hold chan struct{}
}

func newHouse(t *testing.T, change ...func(*Options)) *house {
	t.Helper()
	db := hosttest.Database(t, testdb.New(t))
	box := hosttest.Box(t, db)
	h := &house{t: t, Store: store.New(db), log: &hosttest.Buffer{}}
	log := slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	options := Options{Store: h.Store, Box: box, Plugins: h, Runs: h, Log: log, Secure: true}
	for _, c := range change {
		c(&options)
	}
	h.server = New(options)
	// As the host has it: the access log is around everything, and the pages beside it.
	mux := http.NewServeMux()
	mux.Handle(Base, h.server.Handler())
	h.http = httptest.NewServer(accesslog.Handler(accesslog.Options{Log: log, Clock: time.Now}, mux))
	t.Cleanup(h.http.Close)
	h.connect(box)
	return h
}

// connect makes a connected tenant with an address.
func (h *house) connect(box *secrets.Box) {
	h.t.Helper()
	tenant, err := h.AddTenant(h.t.Context(), "Ромашка")
	if err != nil {
		h.t.Fatal(err)
	}
	h.tenant = tenant.ID
	_, err = h.EditConnection(h.t.Context(), box, h.tenant, func(e *store.ConnectionEdit) error {
		e.UsePlugin("fake")
		e.Plain["portal"], e.Portal, e.Secret["token"] = "portal.example", "portal.example", secret.New(token)
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.renew()
}

func (h *house) renew() {
	h.t.Helper()
	fresh, err := auth.RenewEventAddress(h.t.Context(), h.Store, store.Actor{}, h.tenant, "fake")
	if err != nil {
		h.t.Fatal(err)
	}
	h.address = Address("", fresh)
}

// post sends a message and returns the answer's status and body.
func (h *house) post(path string, body io.Reader) (int, string) {
	h.t.Helper()
	response, err := http.Post(h.http.URL+path, "text/plain", body)
	if err != nil {
		h.t.Error(err)
		return 0, ""
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(text)
}

func (h *house) send(body string) int {
	h.t.Helper()
	status, _ := h.post(h.address, strings.NewReader(body))
	return status
}

func (h *house) asked() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.queued
}

func (h *house) exec(query string, args ...any) {
	h.t.Helper()
	if _, err := h.DB().ExecContext(h.t.Context(), query, args...); err != nil {
		h.t.Fatal(err)
	}
}

// QueuePeople implements Runs.
func (h *house) QueuePeople(_ context.Context, _ int64, ids []string) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.queued = append(h.queued, ids...)
	return len(ids), nil
}

// plugged is the house's plugin as the server sees it.
type plugged struct{ *house }

// ReadEvent implements crm.EventReader.
func (p plugged) ReadEvent(ctx context.Context, m crm.EventMessage) (crm.PortalEvent, error) {
	if p.hold != nil {
		p.entered <- struct{}{}
		<-p.hold
	}
	if string(m.Body) == "nobody "+token {
		return crm.PortalEvent{Authentic: true, Reason: crm.EventNoPeople}, nil
	}
	return p.Fake.ReadEvent(ctx, m)
}

func (p plugged) Describe(context.Context) (crm.Description, error) {
	return crmtest.FakeDescription(), nil
}

// Describe implements Plugins.
func (h *house) Describe(context.Context, string) (crm.Plugin, crm.Description, func(), error) {
	d := crmtest.FakeDescription()
	if h.lacks {
		d.Capabilities = []crm.Capability{crm.CapabilitySyncUsers}
	}
	return plugged{h}, d, func() {}, h.fails
}
