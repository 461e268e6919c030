//go:build cluster

package cluster

import (
	"bufio"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"booking/shared/testdb"
)

// each runs a test on every kind of cluster.
func each(t *testing.T, test func(t *testing.T, c *Cluster)) {
	for _, kind := range Kinds(t) {
		t.Run(string(kind), func(t *testing.T) { test(t, New(t, kind)) })
	}
}

// lab is a cluster with one table and a program that reaches it through a router.
type lab struct {
	*Cluster
	t        *testing.T
	database string
	db       *sql.DB
	written  int
}

func newLab(t *testing.T, c *Cluster) *lab {
	l := &lab{Cluster: c, t: t, database: c.NewDatabase(t)}
	l.db = testdb.Open(t, c.Router(t, 0).Through(c.Config(0, l.database)))
	if _, err := l.db.Exec("CREATE TABLE kept (id INT PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *lab) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// write adds a row through the router: what is acknowledged must be there in the end.
func (l *lab) write() {
	l.t.Helper()
	began := time.Now()
	_, err := l.db.ExecContext(l.t.Context(), "INSERT INTO kept (id) VALUES (?)", l.written+1)
	l.must(err)
	l.written++
	if took := time.Since(began); took > time.Second {
		l.t.Logf("a write took %s", took.Round(100*time.Millisecond))
	}
}

// whole waits until all nodes are members and hold every row that was written.
func (l *lab) whole() {
	l.t.Helper()
	l.must(l.Whole(l.t.Context()))
	l.must(l.Agree(l.t.Context(), l.database))
	var rows int
	l.must(l.db.QueryRow("SELECT COUNT(*) FROM kept").Scan(&rows))
	if rows != l.written {
		l.t.Fatalf("%d rows of %d", rows, l.written)
	}
}

// without kills nodes, waits until the others know, does something, and starts them.
func (l *lab) without(nodes []int, survivor int, do func()) {
	l.t.Helper()
	for _, i := range nodes {
		l.must(l.Kill(l.t.Context(), i))
	}
	if len(nodes) == 1 {
		l.must(l.WaitMembers(l.t.Context(), survivor, Nodes-1))
	} else {
		l.must(l.WaitAlone(l.t.Context(), survivor))
	}
	do()
	for _, i := range nodes {
		if l.Kind == Group && len(nodes) > 1 {
			l.must(l.Wipe(i))
		}
		began := time.Now()
		l.must(l.Start(l.t.Context(), i))
		l.t.Logf("node %d: back after %s", i, time.Since(began).Round(100*time.Millisecond))
	}
}

func TestClusterOutlivesItsNodes(t *testing.T) {
	each(t, func(t *testing.T, c *Cluster) {
		l := newLab(t, c)
		l.write()
		first, err := c.Writer(t.Context())
		l.must(err)
		next := (first + 1) % Nodes
		l.without([]int{first}, next, l.write)
		l.whole()

		t.Log("a node that was silent comes back by itself")
		c.Stop(first)
		l.must(c.WaitMembers(t.Context(), next, Nodes-1))
		l.write()
		c.Cont(first)
		l.whole()

		t.Log("a node with nothing is filled again")
		l.must(c.Kill(t.Context(), first))
		l.must(c.Wipe(first))
		l.must(c.WaitMembers(t.Context(), next, Nodes-1))
		l.write()
		l.must(c.Start(t.Context(), first))
		l.whole()

		t.Log("one of three takes nothing until somebody says that the others are dead")
		l.without([]int{first, (first + 2) % Nodes}, next, func() {
			l.must(c.Revive(t.Context(), next))
			l.write()
		})
		l.whole()
		if c.Kind == Galera {
			l.isolated()
		}
	})
}

// isolated: a node that only its clients reach takes nothing.
func (l *lab) isolated() {
	t, c := l.t, l.Cluster
	l.must(c.Isolate(t.Context(), 2, true))
	l.must(c.WaitAlone(t.Context(), 2))
	apart := testdb.Open(t, c.Config(2, l.database).FormatDSN())
	if _, err := apart.Exec("INSERT INTO kept (id) VALUES (99)"); err == nil {
		t.Error("a node without a majority took a write")
	}
	l.write()
	l.must(c.Isolate(t.Context(), 2, false))
	l.whole()
}

// envVictim makes the test below the one that is killed.
const envVictim = "CLUSTER_VICTIM"

func TestClusterLeavesNothingWhenItsTestIsKilled(t *testing.T) {
	if kind := os.Getenv(envVictim); kind != "" {
		c := New(t, Kind(kind))
		fmt.Println("up", c.folder)
		select {} // until it is killed
	}
	for _, kind := range Kinds(t) {
		t.Run(string(kind), func(t *testing.T) {
			victim := exec.Command(os.Args[0], "-test.run=^"+strings.Split(t.Name(), "/")[0]+"$")
			victim.Env = append(os.Environ(), envVictim+"="+string(kind))
			stdout, err := victim.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := victim.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = victim.Wait() }()
			folder := ""
			for lines := bufio.NewScanner(stdout); folder == "" && lines.Scan(); {
				if after, found := strings.CutPrefix(lines.Text(), "up "); found {
					folder = after
				}
			}
			if folder == "" {
				t.Fatal("the victim's cluster did not come up")
			}
			servers := processes(folder)
			if len(servers) < Nodes {
				t.Errorf("%d processes", len(servers))
			}
			_ = syscall.Kill(victim.Process.Pid, syscall.SIGKILL)
			err = poll(t.Context(), "the cluster to be gone", func() (bool, string) {
				_, err := os.Stat(folder)
				return os.IsNotExist(err) && !slices.ContainsFunc(servers, func(pid int) bool { return !gone(pid) }), fmt.Sprint(err)
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}
