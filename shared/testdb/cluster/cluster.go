// Package cluster brings up three database servers that hold one set of data, on
// loopback and in a temporary folder, for tests of a program that works on such a
// cluster while its nodes die, fall silent and come back: Galera (MariaDB) and Group
// Replication with a single primary (Oracle MySQL).
//
// Every server keeps its defaults where a cluster's behaviour hangs on them. All that is
// started ends with the test, also when the test process itself is killed (keeper.go).
// A part that cannot be had is an error. Tests that use it have the build tag cluster
// and are run by `make test-cluster`.
package cluster

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"golang.org/x/sync/errgroup"
)

// Nodes is how many servers a cluster has. They are numbered from 0.
const Nodes = 3

// patience bounds every wait for a server; a machine with other work to do is slow.
const patience = 3 * time.Minute

// Kind is how the servers keep their data alike.
type Kind string

const (
	// Galera lets every node take writes; a conflict shows when a transaction ends (1213).
	Galera Kind = "galera"
	// Group is Group Replication: one node, the primary, takes writes.
	Group Kind = "group"
)

// EnvKinds names the kinds to test, separated by spaces; both when it is not set.
const EnvKinds = "TEST_CLUSTERS"

// Kinds are the kinds that are to be tested.
func Kinds(t testing.TB) []Kind {
	t.Helper()
	said, set := os.LookupEnv(EnvKinds)
	if !set {
		return []Kind{Galera, Group}
	}
	var kinds []Kind
	for _, word := range strings.Fields(said) {
		if Kind(word) != Galera && Kind(word) != Group {
			t.Fatalf("%s names %q: only %s and %s are known", EnvKinds, word, Galera, Group)
		}
		kinds = append(kinds, Kind(word))
	}
	return kinds
}

// Cluster is three servers.
type Cluster struct {
	Kind    Kind
	folder  string
	nodes   [Nodes]*node
	servers servers
}

// node is one server.
type node struct {
	number int
	dir    string
	ports  []int   // ports[0] is for SQL
	root   *sql.DB // may do anything
}

func (n *node) address() string { return loopback(n.ports[0]) }

// execute runs statements as an account that may do anything.
func (n *node) execute(ctx context.Context, statements ...string) error {
	for _, statement := range statements {
		if _, err := n.root.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// servers is what differs between the kinds.
type servers interface {
	// start starts a node's server and asks it into the cluster; the first one is the
	// cluster. When it returns the node answers, but need not be ready yet.
	start(ctx context.Context, n *node, first bool) error
	// state says what the node thinks of the cluster.
	state(ctx context.Context, n *node) (state, error)
	// rejoin asks a running node in again that is out.
	rejoin(ctx context.Context, n *node) error
	// revive makes a node that has lost the majority the whole cluster.
	revive(ctx context.Context, n *node) error
	// upToDate is the statement that makes a session read what was written anywhere.
	upToDate() string
}

// state is what a node thinks of the cluster.
type state struct {
	// Ready: it belongs to the majority and has caught up with it.
	Ready bool
	// Out: the others have put it out, and it may not come back by itself.
	Out bool
	// Writes: it takes writes.
	Writes bool
	// Members is how many nodes it sees, itself included.
	Members int
}

// New brings a cluster up, for the length of the test.
func New(t testing.TB, kind Kind) *Cluster {
	t.Helper()
	began := time.Now()
	c := &Cluster{Kind: kind}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := c.bringUp(ctx, t); err != nil {
		t.Fatalf("bring the %s cluster up: %v", kind, err)
	}
	t.Logf("%s cluster of %d: up after %s", kind, Nodes, time.Since(began).Round(100*time.Millisecond))
	return c
}

func (c *Cluster) bringUp(ctx context.Context, t testing.TB) error {
	var err error
	if c.folder, err = keptFolder(t); err != nil {
		return err
	}
	ports, err := reservePorts(t)
	if err != nil {
		return err
	}
	for i := range c.nodes {
		n := &node{number: i, dir: filepath.Join(c.folder, fmt.Sprint("node", i)), ports: ports[i*portsPerNode : (i+1)*portsPerNode]}
		connector, err := mysql.NewConnector(c.account(n, "root", "", "")) // a DSN would forget the logger
		if err != nil {
			return err
		}
		n.root = sql.OpenDB(connector)
		t.Cleanup(func() { _ = n.root.Close() })
		c.nodes[i] = n
	}
	t.Cleanup(func() { c.confess(t) })
	if c.servers, err = c.prepare(ctx); err != nil {
		return err
	}
	if err := c.start(ctx, 0, true); err != nil {
		return err
	}
	// The next two at once: whoever comes second waits for the first one by itself.
	var joiners errgroup.Group
	for i := 1; i < Nodes; i++ {
		joiners.Go(func() error { return c.start(ctx, i, false) })
	}
	if err := joiners.Wait(); err != nil {
		return err
	}
	return c.openAccount(ctx)
}

func (c *Cluster) prepare(ctx context.Context) (servers, error) {
	if c.Kind == Galera {
		return newGalera(ctx, c)
	}
	return newGroup(c)
}

// confess shows what the servers said last, when the test has failed.
func (c *Cluster) confess(t testing.TB) {
	if !t.Failed() {
		return
	}
	for _, n := range c.nodes {
		if n == nil {
			continue
		}
		logs, _ := filepath.Glob(filepath.Join(n.dir, "*.log"))
		for _, path := range logs {
			text, _ := os.ReadFile(path)
			lines := strings.Split(strings.TrimSpace(string(text)), "\n")
			t.Logf("node %d, the end of %s:\n%s", n.number, filepath.Base(path), strings.Join(lines[max(0, len(lines)-20):], "\n"))
		}
	}
}

// account is how somebody reaches a node.
func (c *Cluster) account(n *node, user, password, database string) *mysql.Config {
	config := mysql.NewConfig()
	config.User, config.Passwd, config.DBName = user, password, database
	config.Net, config.Addr = "tcp", n.address()
	config.Collation, config.ParseTime, config.InterpolateParams = "utf8mb4_unicode_ci", true, true
	config.Timeout = 5 * time.Second
	config.Logger = &mysql.NopLogger{}
	return config
}
