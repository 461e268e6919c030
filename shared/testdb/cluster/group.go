package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// group runs Oracle MySQL nodes with the tool that installs one privately.
type group struct {
	cluster *Cluster
	tool    string
}

func newGroup(c *Cluster) (servers, error) {
	tool, err := mysqlTool()
	return &group{cluster: c, tool: tool}, err
}

func (g *group) upToDate() string { return "SET SESSION group_replication_consistency = 'BEFORE'" }

// flags are the smallest set with which three nodes work on one machine.
func (g *group) flags(n *node) []string {
	var seeds []string
	for _, other := range g.cluster.nodes {
		seeds = append(seeds, loopback(other.ports[1]))
	}
	return []string{
		fmt.Sprint("--port=", n.ports[0]), fmt.Sprint("--server-id=", n.number+1), "--report-host=127.0.0.1", "--relay-log=relay",
		"--plugin-load-add=group_replication.so",
		// A server that is up and not yet in the group would take writes of its own.
		"--super-read-only=ON",
		// Written at each commit, so that kill -9 loses nothing; synced now and then. With 0 a
		// killed node comes back without rows that its binary log says it has.
		"--innodb-flush-log-at-trx-commit=2", "--sync-binlog=0", "--innodb-buffer-pool-size=64M", "--innodb-redo-log-capacity=32M",
		"--performance-schema-instrument=%=OFF", "--table-definition-cache=400", "--table-open-cache=200", "--temptable-max-ram=16M",
		"--loose-group-replication-group-name=1ab01ab0-0000-4000-8000-000000000001",
		"--loose-group-replication-local-address=" + loopback(n.ports[1]),
		"--loose-group-replication-group-seeds=" + strings.Join(seeds, ","),
		"--loose-group-replication-start-on-boot=OFF", "--loose-group-replication-bootstrap-group=OFF",
		"--loose-group-replication-single-primary-mode=ON", "--loose-group-replication-recovery-get-public-key=ON",
		"--loose-group-replication-message-cache-size=134217728",
		// The one setting that is not the default (5 s): it only makes the tests shorter.
		"--loose-group-replication-member-expel-timeout=0",
	}
}

func (g *group) start(ctx context.Context, n *node, first bool) error {
	// The server trusts a dead one's lock as long as its number is somebody's.
	if err := os.Remove(filepath.Join(n.dir, "mysql.sock.lock")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	out, err := exec.CommandContext(ctx, g.tool, append([]string{"up", n.dir}, g.flags(n)...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	// Root has no password, and caching_sha2_password wants none encrypted then.
	err = n.execute(ctx, "CHANGE REPLICATION SOURCE TO SOURCE_USER = 'root', SOURCE_PASSWORD = '' FOR CHANNEL 'group_replication_recovery'")
	if err != nil {
		return err
	}
	if !first {
		return g.join(ctx, n)
	}
	return n.execute(ctx, "SET GLOBAL group_replication_bootstrap_group = ON", "START GROUP_REPLICATION",
		"SET GLOBAL group_replication_bootstrap_group = OFF")
}

// rejoin is what an operator does: its own tries are five minutes apart.
func (g *group) rejoin(ctx context.Context, n *node) error {
	if err := n.execute(ctx, "STOP GROUP_REPLICATION"); err != nil {
		return err
	}
	return g.join(ctx, n)
}

// join asks a server into the group until it is let in: the group may not have noticed
// yet that the server's former life is over.
func (g *group) join(ctx context.Context, n *node) error {
	for {
		_, err := n.root.ExecContext(ctx, "START GROUP_REPLICATION")
		if err == nil {
			return nil
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return fmt.Errorf("join the group: %w", err)
		}
	}
}

// memberState is asked of a node about itself, about the number of those it reaches,
// and about all.
const memberState = `SELECT COALESCE(MAX(IF(member_id = @@server_uuid, member_state, NULL)), ''),
	COALESCE(MAX(IF(member_id = @@server_uuid, member_role, NULL)), ''),
	COUNT(IF(member_state = 'ONLINE', 1, NULL)), COUNT(IF(member_state = 'UNREACHABLE', 1, NULL)), @@super_read_only
	FROM performance_schema.replication_group_members`

func (g *group) state(ctx context.Context, n *node) (state, error) {
	var own, role string
	var online, unreachable int
	var readOnly bool
	if err := n.root.QueryRowContext(ctx, memberState).Scan(&own, &role, &online, &unreachable, &readOnly); err != nil {
		return state{}, err
	}
	s := state{Members: online, Ready: own == "ONLINE" && online > unreachable, Out: own == "ERROR" || own == "OFFLINE"}
	s.Writes = s.Ready && role == "PRIMARY" && !readOnly
	return s, nil
}

func (g *group) revive(ctx context.Context, n *node) error {
	return n.execute(ctx, "SET GLOBAL group_replication_force_members = '"+loopback(n.ports[1])+"'", "SET GLOBAL group_replication_force_members = ''")
}
