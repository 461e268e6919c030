package crm

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/stats"
)

// connections is the portable half of the death watch: a host's process that is
// gone, by any death, has lost its connection. It counts them as gRPC's stats
// handler and calls gone when none is left, or when none comes at all.
type connections struct {
	mu    sync.Mutex
	open  int
	seen  bool
	grace time.Duration
	timer *time.Timer
}

var _ stats.Handler = (*connections)(nil)

// watchConnections waits first for the first connection and, later, grace for a
// new one after the last has ended. gone is told whether there ever was one.
func watchConnections(first, grace time.Duration, gone func(seen bool)) *connections {
	c := &connections{grace: grace}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timer = time.AfterFunc(first, func() {
		c.mu.Lock()
		open, seen := c.open, c.seen
		c.mu.Unlock()
		if open == 0 {
			gone(seen)
		}
	})
	return c
}

// HandleConn implements [stats.Handler].
func (c *connections) HandleConn(_ context.Context, s stats.ConnStats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch s.(type) {
	case *stats.ConnBegin:
		c.open++
		c.seen = true
		c.timer.Stop()
	case *stats.ConnEnd:
		c.open--
		if c.open == 0 {
			c.timer.Reset(c.grace)
		}
	}
}

// exitStatus is that of a process that stops serving now: 1 when nobody came.
func (c *connections) exitStatus() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen {
		return 0
	}
	return 1
}

// TagConn implements [stats.Handler].
func (c *connections) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// TagRPC implements [stats.Handler].
func (c *connections) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC implements [stats.Handler].
func (c *connections) HandleRPC(context.Context, stats.RPCStats) {}
