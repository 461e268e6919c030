//go:build cluster

package chaos

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"booking/shared/testdb/cluster"
	"booking/shared/testdb/proxy"
)

// three is a cluster whose nodes die, fall silent and come back. With Galera each host
// prefers a node of its own, with Group all of them go to the primary.
type three struct {
	*cluster.Cluster
	roads []*proxy.Proxy
	// sick is held while something is wrong with a node: two of three must be well.
	sick sync.Mutex
}

func newThree(t testing.TB, kind cluster.Kind) *three {
	t.Helper()
	c := &three{Cluster: cluster.New(t, kind)}
	writer, err := c.Writer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range hosts {
		c.roads = append(c.roads, c.Router(t, i))
		execute(t, c.Root(writer), fmt.Sprintf("CREATE USER '%s'@'%%' IDENTIFIED BY 'lab'", accountName(i)))
		execute(t, c.Root(writer), fmt.Sprintf("GRANT ALL ON `lab\\_%%`.* TO '%s'@'%%'", accountName(i)))
	}
	return c
}

func (c *three) open(ctx context.Context, database string) (*sql.DB, error) {
	i, err := c.Writer(ctx)
	if err != nil {
		return nil, err
	}
	return openAs(c.Config(i, ""), database)
}

func (c *three) account(i int, database string) *mysql.Config {
	account := c.Config(0, database)
	account.User, account.Passwd = accountName(i), "lab"
	if c.Kind == cluster.Galera {
		// A router that goes back to a node has old connections at another one for a while.
		account.Params = map[string]string{"wsrep_sync_wait": "7"}
	}
	return account
}

func (c *three) create(t testing.TB) string {
	t.Helper()
	for i := range cluster.Nodes {
		// Or only root may make triggers, where there is a binary log. A node that died has
		// forgotten it.
		execute(t, c.Root(i), "SET GLOBAL log_bin_trust_function_creators = 1")
	}
	return c.NewDatabase(t)
}

func (c *three) road(i int) *proxy.Proxy { return c.roads[i] }

func (c *three) lease() time.Duration { return 5 * time.Second }

func (c *three) settle(ctx context.Context, database string) error {
	if err := c.Whole(ctx); err != nil {
		return err
	}
	return c.Agree(ctx, database)
}

func (c *three) faults() map[string]func(context.Context, fault) error {
	return map[string]func(context.Context, fault) error{"kill -9 node": c.killNode, "stop node": c.stopNode}
}

// victim is the node that a fault hits: two of three times, with Group, the primary.
func (c *three) victim(ctx context.Context, f fault) (int, error) {
	if c.Kind == cluster.Galera || f.host == 0 {
		return f.host, nil
	}
	return c.Writer(ctx)
}

// killNode kills a node, and starts it again after a while.
func (c *three) killNode(ctx context.Context, f fault) error {
	c.sick.Lock()
	defer c.sick.Unlock()
	i, err := c.victim(ctx, f)
	if err == nil {
		err = c.Kill(ctx, i)
	}
	if err != nil {
		return err
	}
	time.Sleep(f.lasts) // nobody notices at once
	if err := c.Start(ctx, i); err != nil {
		return err
	}
	return c.Whole(ctx)
}

// stopNode makes a node fall silent until the others have put it out, and the router ends
// the connections to it, as it must.
func (c *three) stopNode(ctx context.Context, f fault) error {
	c.sick.Lock()
	defer c.sick.Unlock()
	i, err := c.victim(ctx, f)
	if err != nil {
		return err
	}
	c.Stop(i)
	err = c.WaitMembers(ctx, (i+1)%cluster.Nodes, cluster.Nodes-1)
	for _, road := range c.roads {
		road.Cut()
	}
	c.Cont(i)
	if err != nil {
		return fmt.Errorf("wait until a stopped node is out: %w", err)
	}
	return c.Whole(ctx)
}

// TestClusterChaos is TestChaos on each kind of cluster.
func TestClusterChaos(t *testing.T) {
	for _, kind := range cluster.Kinds(t) {
		t.Run(string(kind), func(t *testing.T) { newLab(t, newThree(t, kind), 100).rounds(t) })
	}
}
