package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// audience are administrators who watch one run after the other.
type audience struct {
	mu sync.Mutex
	// run is the one to be watched now; told is closed when there is another one.
	run  int64
	told chan struct{}
	over bool

	watching sync.WaitGroup
	// seen counts runs that were watched to their end, by all together, and events the
	// news they were told of; failed and first are the errors.
	seen, events, failed int
	first                error
}

// arrival is between two people who come to see the same run: not even two hundred who
// wait for it open its page in the same instant.
const arrival = 5 * time.Millisecond

// gather lets visitors watch whatever is announced.
func gather(ctx context.Context, visitors []*visitor) *audience {
	a := &audience{told: make(chan struct{})}
	for i, v := range visitors {
		a.watching.Go(func() {
			for last := int64(0); ; {
				run, ok := a.next(ctx, last)
				if !ok {
					return
				}
				select {
				case <-time.After(time.Duration(i) * arrival):
				case <-ctx.Done():
					return
				}
				events, err := v.watch(ctx, run)
				a.note(events, err)
				last = run
			}
		})
	}
	return a
}

// announce says which run is on.
func (a *audience) announce(run int64) { a.change(func() { a.run = run }) }

// leave lets everybody see the last run to its end and waits for them.
func (a *audience) leave() {
	a.change(func() { a.over = true })
	a.watching.Wait()
}

func (a *audience) change(what func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	what()
	close(a.told)
	a.told = make(chan struct{})
}

// next waits for another run than the last one.
func (a *audience) next(ctx context.Context, last int64) (run int64, ok bool) {
	for {
		a.mu.Lock()
		run, told, over := a.run, a.told, a.over
		a.mu.Unlock()
		if run != last {
			return run, true
		}
		if over {
			return 0, false
		}
		select {
		case <-told:
		case <-ctx.Done():
			return 0, false
		}
	}
}

func (a *audience) note(events int, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events += events
	if err == nil {
		a.seen++
		return
	}
	a.failed++
	a.first = cmpOr(a.first, err)
}

// watch does what the script of a run's page does: it takes the news until the run is
// over, and then loads the page that stays.
func (v *visitor) watch(ctx context.Context, run int64) (events int, err error) {
	path := fmt.Sprintf("/runs/%d", run)
	if events, err = v.follow(ctx, path+"/events"); err != nil {
		return events, fmt.Errorf("watch run %d: %w", run, err)
	}
	_, err = v.want(ctx, http.StatusOK, path, nil)
	return events, err
}

// follow reads server-sent events until there are no more to come.
func (v *visitor) follow(ctx context.Context, path string) (events int, err error) {
	response, err := v.send(ctx, path, nil)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%d", response.StatusCode)
	}
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		switch kind, _ := strings.CutPrefix(lines.Text(), "event: "); kind {
		case "live":
			events++
		case "over":
			return events, nil
		}
	}
	return events, fmt.Errorf("the news ended before the run")
}
