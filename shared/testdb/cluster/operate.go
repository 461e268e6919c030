package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"booking/shared/testdb/proxy"
)

// Kill ends a node's server at once, as kill -9 does, and waits until it is gone.
func (c *Cluster) Kill(ctx context.Context, i int) error {
	var killed []int
	return poll(ctx, fmt.Sprintf("node %d to be gone", i), func() (bool, string) {
		found := processes(c.nodes[i].dir)
		signal(found, syscall.SIGKILL)
		killed = append(killed, found...)
		return !slices.ContainsFunc(killed, func(pid int) bool { return !gone(pid) }), "it still runs"
	})
}

// Stop makes a node's server fall silent without ending it. Wake it up by Cont when the
// others have put it out ([Cluster.WaitMembers]), then wait for [Cluster.Whole]: for a
// moment it will believe that nothing has happened.
func (c *Cluster) Stop(i int) { signal(processes(c.nodes[i].dir), syscall.SIGSTOP) }

// Cont wakes a node up.
func (c *Cluster) Cont(i int) { signal(processes(c.nodes[i].dir), syscall.SIGCONT) }

// Wipe removes a killed node's data: it then joins with a copy of somebody else's.
func (c *Cluster) Wipe(i int) error { return os.RemoveAll(filepath.Join(c.nodes[i].dir, "data")) }

// Start starts a node's server, after a Kill, and waits until it is ready.
func (c *Cluster) Start(ctx context.Context, i int) error { return c.start(ctx, i, false) }

func (c *Cluster) start(ctx context.Context, i int, first bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := c.servers.start(ctx, c.nodes[i], first); err != nil {
		return fmt.Errorf("start node %d: %w", i, err)
	}
	return c.WaitReady(ctx, i)
}

// WaitReady waits until a node belongs to the majority and has caught up with it.
func (c *Cluster) WaitReady(ctx context.Context, i int) error {
	return c.wait(ctx, i, "to be ready", func(s state) bool { return s.Ready })
}

// Whole waits until every node sees all of them, and asks those in again that were put
// out because they had been silent.
func (c *Cluster) Whole(ctx context.Context) error {
	return poll(ctx, "all nodes to be members", func() (bool, string) {
		var seen []state
		whole := true
		for _, n := range c.nodes {
			s, err := c.state(ctx, n)
			if err == nil && s.Out {
				err = c.servers.rejoin(ctx, n)
			}
			if err != nil {
				return false, fmt.Sprintf("node %d: %v", n.number, err)
			}
			seen = append(seen, s)
			whole = whole && s.Ready && s.Members == Nodes
		}
		return whole, fmt.Sprintf("%+v", seen)
	})
}

// WaitAlone waits until a node knows that it has lost the majority, or the majority
// has lost it.
func (c *Cluster) WaitAlone(ctx context.Context, i int) error {
	return c.wait(ctx, i, "to know that it is alone", func(s state) bool { return !s.Ready })
}

// WaitMembers waits until a node sees so many members, itself included: until those
// that died are out, or those that came back are in.
func (c *Cluster) WaitMembers(ctx context.Context, i, members int) error {
	return c.wait(ctx, i, fmt.Sprintf("to see %d members", members), func(s state) bool { return s.Ready && s.Members == members })
}

func (c *Cluster) wait(ctx context.Context, i int, what string, so func(state) bool) error {
	return poll(ctx, fmt.Sprintf("node %d %s", i, what), func() (bool, string) {
		s, err := c.state(ctx, c.nodes[i])
		if err != nil {
			return false, err.Error()
		}
		return so(s), fmt.Sprintf("%+v", s)
	})
}

// Writer waits for a node that takes writes and returns its number: with Group the
// primary, with Galera the first one that is ready.
func (c *Cluster) Writer(ctx context.Context) (int, error) {
	return c.writer(ctx, 0)
}

func (c *Cluster) writer(ctx context.Context, preferred int) (found int, err error) {
	err = poll(ctx, "a node that takes writes", func() (bool, string) {
		for turn := range Nodes {
			found = (preferred + turn) % Nodes
			if s, err := c.state(ctx, c.nodes[found]); err == nil && s.Writes {
				return true, ""
			}
		}
		return false, "there is none"
	})
	return found, err
}

// Revive makes a node that has lost the majority the whole cluster: what an operator
// does who knows that the others are dead.
func (c *Cluster) Revive(ctx context.Context, i int) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := c.servers.revive(ctx, c.nodes[i]); err != nil {
		return fmt.Errorf("revive node %d: %w", i, err)
	}
	return c.WaitReady(ctx, i)
}

// Isolate cuts a node off from the others, or lets it back, while its clients still
// reach it. Only Galera can.
func (c *Cluster) Isolate(ctx context.Context, i int, off bool) error {
	if c.Kind != Galera {
		return errors.New("only a Galera node can be isolated")
	}
	option := "gmcast.isolate=0"
	if off {
		option = "gmcast.isolate=1"
	}
	return c.nodes[i].execute(ctx, "SET GLOBAL wsrep_provider_options = '"+option+"'")
}

// Router is an address of the whole cluster: each new connection leads to a node that
// takes writes, the preferred one when it does. As with any such router a connection to
// a node that falls silent stays until it is cut.
func (c *Cluster) Router(t testing.TB, preferred int) *proxy.Proxy {
	t.Helper()
	return proxy.NewRouter(t, func() (*mysql.Config, error) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		i, err := c.writer(ctx, preferred)
		return c.Config(i, ""), err
	})
}

// state asks a node. A server that was stopped does not answer.
func (c *Cluster) state(ctx context.Context, n *node) (state, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return c.servers.state(ctx, n)
}

// poll asks again and again until something is so; seen tells what is the case instead.
func poll(ctx context.Context, what string, so func() (ok bool, seen string)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, seen := so()
		if ok {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w (%s)", what, ctx.Err(), seen)
		}
	}
}
