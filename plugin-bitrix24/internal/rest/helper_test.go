package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"booking/plugin-bitrix24/internal/portalsim"
	"booking/shared/crm"
)

// testSecret stands in every webhook of the tests; it must never be seen.
const testSecret = "s3cr3tNobodyMaySee"

// fakeClock moves only when somebody sleeps.
type fakeClock struct {
	mu    sync.Mutex
	now   time.Time
	slept time.Duration
}

func newFakeClock() *fakeClock {
	return &fakeClock{now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.FixedZone("MSK", 3*60*60))}
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.slept += d
	return ctx.Err()
}

func (c *fakeClock) Slept() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.slept
}

// bench is a portal, a clock for both sides and a way there.
type bench struct {
	clock     *fakeClock
	portal    *portalsim.Portal
	server    *httptest.Server
	transport *Transport
	portals   *Portals
	webhook   Webhook
}

func newBench(t testing.TB, o portalsim.Options) *bench {
	t.Helper()
	b := &bench{clock: newFakeClock(), portals: NewPortals()}
	o.Secret = testSecret
	o.Now, o.Sleep = b.clock.Now, b.clock.Sleep
	if o.HugeBody == 0 {
		o.HugeBody = 64 << 20
	}
	b.portal = portalsim.New(o)
	b.serve(t, b.portal)
	return b
}

// serveFunc puts a hand-made handler in the portal's place.
func newHandlerBench(t testing.TB, h http.HandlerFunc) *bench {
	t.Helper()
	b := &bench{clock: newFakeClock(), portals: NewPortals()}
	b.serve(t, h)
	return b
}

func (b *bench) serve(t testing.TB, h http.Handler) {
	t.Helper()
	b.server = httptest.NewServer(h)
	var err error
	if b.transport, err = NewTransport(Policy{HTTPPortals: []string{"127.0.0.1"}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.transport.Close()
		if b.portal != nil {
			b.portal.Close()
		}
		b.server.CloseClientConnections()
		b.server.Close()
	})
	b.webhook = mustParse(t, b.server.URL+"/rest/1/"+testSecret+"/")
}

func mustParse(t testing.TB, address string) Webhook {
	t.Helper()
	w, err := ParseWebhook(address)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (b *bench) client(t testing.TB, change ...func(*Options)) *Client {
	t.Helper()
	o := Options{
		Webhook: b.webhook, Transport: b.transport, Portals: b.portals,
		Clock:  Clock{Now: b.clock.Now, Sleep: b.clock.Sleep},
		Jitter: func() float64 { return 0.5 },
	}
	for _, c := range change {
		c(&o)
	}
	client, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func readAll(ctx context.Context, c *Client, q Query) ([]Person, Complete, error) {
	var people []Person
	complete, err := c.ReadPeople(ctx, q, nil, func(p Person) error {
		people = append(people, p)
		return nil
	})
	return people, complete, err
}

// wanted is who a portal's people are to us, worked out independently of the client.
func wanted(people []portalsim.Person) []Person {
	var out []Person
	for _, p := range people {
		if p.Active && (p.UserType == "" || p.UserType == portalsim.Employee) {
			out = append(out, Person{ID: fmt.Sprint(p.ID), Name: strings.TrimSpace(p.Name + " " + p.LastName), Email: p.Email})
		}
	}
	return out
}

// typed asserts that an error is of the closed list and carries no secret, however it
// is printed.
func typed(t testing.TB, err error) *crm.Error {
	t.Helper()
	var e *crm.Error
	if !errors.As(err, &e) {
		t.Fatalf("not a *crm.Error: %v", err)
	}
	if e.Message.RU == "" || e.Message.EN == "" {
		t.Errorf("%s has no message in both languages", e.Code)
	}
	noSecret(t, err)
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		noSecret(t, inner)
	}
	return e
}

func noSecret(t testing.TB, v any) {
	t.Helper()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if strings.Contains(fmt.Sprintf(verb, v), testSecret) {
			t.Errorf("the secret is in %s of a %T", verb, v)
		}
	}
}
