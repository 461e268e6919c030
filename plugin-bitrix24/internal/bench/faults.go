package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"booking/plugin-bitrix24/internal/portalsim"
	"booking/plugin-bitrix24/internal/rest"
	"booking/shared/benchreport"
)

// measureFaults reads from portals that refuse, by a clock that only moves while
// somebody waits: the portal is in this process, for once.
func measureFaults(ctx context.Context, l *lab, r *benchreport.Report) error {
	middle := 1
	if l.people > 50*rest.PageSize { // more than one request
		middle = 2
	}
	for _, c := range []struct {
		about string
		// spoil returns how often the fault hit, to be asked afterwards.
		spoil func(*portalsim.Portal) (hits func() int)
	}{
		{"503 on every third request", func(p *portalsim.Portal) func() int {
			return p.Inject(portalsim.Fault{Kind: portalsim.QueryLimit, Request: 1, Every: 3, Times: portalsim.Always}).Hits
		}},
		{"429 for 60 s", func(p *portalsim.Portal) func() int {
			return p.Inject(portalsim.Fault{Kind: portalsim.OperationLimit, Request: middle, For: time.Minute}).Hits
		}},
		{"bucket filled to the brim", func(p *portalsim.Portal) func() int {
			p.FillBucket(bucket)
			return func() int { return p.Stats().Refused }
		}},
	} {
		l.say("faults: %s", c.about)
		if err := l.readSpoilt(ctx, r, c.about, c.spoil); err != nil {
			return fmt.Errorf("%s: %w", c.about, err)
		}
	}
	return nil
}

func (l *lab) readSpoilt(ctx context.Context, r *benchreport.Report, about string, spoil func(*portalsim.Portal) func() int) error {
	clock := &clock{now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
	portal := portalsim.New(portalsim.Options{People: portalsim.People(l.people, 1), Now: clock.Now, Sleep: clock.Sleep})
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: portal, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	defer func() { portal.Close(); _ = server.Close() }()
	hits := spoil(portal)
	client, err := newClient(portal.WebhookURL("http://"+listener.Addr().String()), rest.Options{Clock: rest.Clock{Now: clock.Now, Sleep: clock.Sleep}})
	if err != nil {
		return err
	}
	seen := map[string]int{}
	if _, err := client.ReadPeople(ctx, rest.Query{}, nil, func(p rest.Person) error { seen[p.ID]++; return nil }); err != nil {
		return err
	}
	wrong := 0
	portal.Update(func(s *portalsim.State) {
		for _, p := range s.People() {
			if seen[fmt.Sprint(p.ID)] != 1 {
				wrong++
			}
		}
		wrong += max(0, len(seen)-s.Len())
	})
	if hits() == 0 {
		return errors.New("the fault was never met: this proves nothing")
	}
	detail := fmt.Sprintf("%d requests refused, %s waited by a clock that jumps", hits(), clock.slept().Round(time.Second))
	what := fmt.Sprintf("%d people, %s: ", l.people, about)
	r.Add("faults", what+"people lost or doubled", float64(wrong), "", benchreport.AtMost, 0, detail)
	r.Add("faults", what+"requests to the portal", float64(portal.Requests()), "", benchreport.AtMost, float64(bucket), "")
	return nil
}

// bucket is what an ordinary tariff's bucket holds (limits.md).
const bucket = 50

// clock moves only when somebody sleeps.
type clock struct {
	mu     sync.Mutex
	now    time.Time
	waited time.Duration
}

// Now is the time.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Sleep makes d pass at once.
func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.waited += d
	return ctx.Err()
}

func (c *clock) slept() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.waited
}
