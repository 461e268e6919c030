package rest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"booking/plugin-bitrix24/internal/portalsim"
	"booking/shared/crm"
)

// TestLimitsAreSurvived: complete, nothing lost, nothing doubled, and apart from what was
// injected nothing is refused more often than we cannot know better.
func TestLimitsAreSurvived(t *testing.T) {
	t.Parallel()
	all := portalsim.People(10_000, 4)
	for name, c := range map[string]struct {
		options  portalsim.Options
		prepare  func(*portalsim.Portal)
		requests int
		sleeps   time.Duration
	}{
		"503 on every third request": {prepare: func(p *portalsim.Portal) {
			p.Inject(portalsim.Fault{Kind: portalsim.QueryLimit, Request: 3, Every: 3, Times: portalsim.Always})
		}, requests: 8},
		"503 on every second request": {prepare: func(p *portalsim.Portal) {
			p.Inject(portalsim.Fault{Kind: portalsim.QueryLimit, Request: 1, Every: 2, Times: portalsim.Always})
		}, requests: 10},
		"60 s of 429": {prepare: func(p *portalsim.Portal) {
			p.Inject(portalsim.Fault{Kind: portalsim.OperationLimit, Request: 3, For: time.Minute})
		}, requests: 12, sleeps: time.Minute},
		"60 s of 429 within the batch": {prepare: func(p *portalsim.Portal) {
			p.Inject(portalsim.Fault{Kind: portalsim.CommandOperationLimit, Request: 2, Command: 1, For: time.Minute})
		}, requests: 12, sleeps: time.Minute},
		"a bucket filled to the brim":    {prepare: func(p *portalsim.Portal) { p.FillBucket(50) }, requests: 8},
		"a bucket filled twice over":     {prepare: func(p *portalsim.Portal) { p.FillBucket(100) }, requests: 14, sleeps: 25 * time.Second},
		"others use nearly all of it":    {options: portalsim.Options{Bucket: portalsim.Bucket{Others: 1.5}}, prepare: func(p *portalsim.Portal) { p.FillBucket(50) }, requests: 14},
		"refused requests count as well": {options: portalsim.Options{Bucket: portalsim.Bucket{CountBlocked: true}}, prepare: func(p *portalsim.Portal) { p.FillBucket(60) }, requests: 14},
		"the time budget is used up":     {prepare: func(p *portalsim.Portal) { p.Charge("user.get", 481*time.Second) }, requests: 20, sleeps: time.Minute},
		"and nobody says until when": {
			options:  portalsim.Options{Operating: portalsim.Operating{Hidden: true}},
			prepare:  func(p *portalsim.Portal) { p.Charge("user.get", 481*time.Second) },
			requests: 20, sleeps: time.Minute,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.options.People = all
			b := newBench(t, c.options)
			c.prepare(b.portal)
			got, _, err := readAll(context.Background(), b.client(t), Query{})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(wanted(all), got) {
				t.Error("the list is not the portal's")
			}
			if n := b.portal.Requests(); n > c.requests {
				t.Errorf("%d requests, want at most %d", n, c.requests)
			}
			if b.clock.Slept() < c.sleeps || b.clock.Slept() > DefaultLimitWait {
				t.Errorf("waited %s", b.clock.Slept())
			}
		})
	}
}

// TestBurst: two readings of 100,000 people by two tenants stay within the bucket they share.
func TestBurst(t *testing.T) {
	t.Parallel()
	b := newBench(t, portalsim.Options{People: portalsim.People(100_000, 5)})
	for range 2 {
		if _, _, err := readAll(context.Background(), b.client(t), Query{}); err != nil {
			t.Fatal(err)
		}
	}
	if s := b.portal.Stats(); s.Refused > 0 || s.Requests != 82 {
		t.Errorf("%d requests, %d refused", s.Requests, s.Refused)
	}
	if slept := b.clock.Slept(); slept < 15*time.Second || slept > 17*time.Second {
		t.Errorf("82 requests with a bucket of 50 and 2 a second need 16 s, took %s", slept)
	}
}

func TestLimitWaitEnds(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]portalsim.Fault{
		"bucket": {Kind: portalsim.QueryLimit, Times: portalsim.Always},
		"budget": {Kind: portalsim.OperationLimit, Times: portalsim.Always},
		"inside": {Kind: portalsim.CommandQueryLimit, Times: portalsim.Always},
	} {
		for _, wait := range []time.Duration{3 * time.Second, time.Minute, 15 * time.Minute} {
			b := newBench(t, portalsim.Options{People: portalsim.People(10, 1)})
			b.portal.Inject(fault)
			var told []time.Time
			_, _, err := readAll(context.Background(), b.client(t, func(o *Options) {
				o.LimitWait = wait
				o.OnLimited = func(until time.Time) error { told = append(told, until); return nil }
			}), Query{})
			wantCode(t, err, crm.CodeRateLimited)
			var e *crm.Error
			errors.As(err, &e)
			if !e.RetryAt.After(b.clock.Now()) {
				t.Errorf("%s: try again at %s, it is %s", name, e.RetryAt, b.clock.Now())
			}
			if slept := b.clock.Slept(); slept > wait || slept < wait/2 {
				t.Errorf("%s: waited %s of %s", name, slept, wait)
			}
			if len(told) == 0 || len(told)%2 != 0 || !told[len(told)-1].IsZero() || told[0].IsZero() {
				t.Errorf("%s: told %v", name, told)
			}
			if n := b.portal.Requests(); n > 50 {
				t.Errorf("%s: hammered with %d requests", name, n)
			}
		}
	}
}

// TestBudgetIsTheMethodsOwn: people wait for theirs, the owner can still be asked.
func TestBudgetIsTheMethodsOwn(t *testing.T) {
	t.Parallel()
	b := newBench(t, portalsim.Options{People: portalsim.People(10, 1)})
	b.portal.Charge("user.get", 500*time.Second)
	c := b.client(t, func(o *Options) { o.LimitWait = time.Second })
	if err := readOnce(t, c); crm.CodeOf(err) != crm.CodeRateLimited {
		t.Fatal(err)
	}
	slept := b.clock.Slept()
	if _, err := c.Owner(context.Background()); err != nil {
		t.Fatal(err)
	}
	if b.clock.Slept() != slept {
		t.Error("asking for the owner waited for the budget of user.get")
	}
}

func TestListenerStopsTheReading(t *testing.T) {
	t.Parallel()
	gone := errors.New("nobody listens")
	b := newBench(t, portalsim.Options{People: portalsim.People(10, 1)})
	_, err := b.client(t).ReadPeople(context.Background(), Query{}, func(Progress) error { return gone }, nil)
	if !errors.Is(err, gone) || crm.CodeOf(err) != crm.CodeCancelled {
		t.Errorf("progress: %v", err)
	}
	_, err = b.client(t).ReadPeople(context.Background(), Query{}, nil, func(Person) error { return gone })
	if !errors.Is(err, gone) {
		t.Errorf("yield: %v", err)
	}
	b.portal.Inject(portalsim.Fault{Kind: portalsim.QueryLimit})
	err = readOnce(t, b.client(t, func(o *Options) { o.OnLimited = func(time.Time) error { return gone } }))
	if !errors.Is(err, gone) {
		t.Errorf("limited: %v", err)
	}
}

// TestOtherDisturbances are those that the simulator does not have: limits without a body,
// a portal that is back after a while.
func TestOtherDisturbances(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]http.HandlerFunc{
		"429 without a body": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
		"503 in lower case": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"error":"query_limit_exceeded"}`)
		},
		"200 with the limit": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"error":"QUERY_LIMIT_EXCEEDED"}`)
		},
		"closed without a word": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"a body that is too long": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			_, _ = io.WriteString(w, `{`)
		},
		"a BOM only":          func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "\xef\xbb\xbf") },
		"a warning before it": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<b>Warning</b>"+onePerson) },
	} {
		calls := 0
		b := newHandlerBench(t, func(w http.ResponseWriter, r *http.Request) {
			if calls++; calls <= 2 {
				broken(w, r)
				return
			}
			answerOne(w, r)
		})
		if err := readOnce(t, b.client(t)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
