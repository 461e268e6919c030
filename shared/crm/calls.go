package crm

import (
	"context"
	"errors"
	"sync"
	"time"
)

// errStopping is the cause of contexts that end because the plugin's process was
// told to, and not because the host gave a call up.
var errStopping = errors.New("the plugin was told to stop")

// calls are the calls a plugin is answering: Serve waits for them before the
// process ends, and can ask them to stop.
type calls struct {
	mu       sync.Mutex
	running  map[*context.CancelCauseFunc]struct{}
	stopping bool
	idle     chan struct{} // closed while nothing runs
}

func newCalls() *calls {
	idle := make(chan struct{})
	close(idle)
	return &calls{running: map[*context.CancelCauseFunc]struct{}{}, idle: idle}
}

// begin registers a call; its context ends with ctx and with [calls.stop].
func (c *calls) begin(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopping {
		cancel(errStopping)
	}
	if len(c.running) == 0 {
		c.idle = make(chan struct{})
	}
	c.running[&cancel] = struct{}{}
	return ctx, func() { c.end(&cancel) }
}

func (c *calls) end(cancel *context.CancelCauseFunc) {
	(*cancel)(context.Canceled)
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.running, cancel)
	if len(c.running) == 0 {
		close(c.idle)
	}
}

// stop ends the contexts of all calls, also of those that are still to come.
func (c *calls) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopping = true
	for cancel := range c.running {
		(*cancel)(errStopping)
	}
}

// wait returns true as soon as no call runs, false when limit passes first.
func (c *calls) wait(limit time.Duration) bool {
	c.mu.Lock()
	idle := c.idle
	c.mu.Unlock()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-idle:
		return true
	case <-timer.C:
		return false
	}
}
