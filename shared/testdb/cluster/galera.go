package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"booking/shared/mariadbd"
)

// galera runs MariaDB nodes with the parts that .ci/galera unpacks.
type galera struct {
	cluster *Cluster
	parts   string
	binary  string
}

func newGalera(ctx context.Context, c *Cluster) (servers, error) {
	parts, err := galeraParts(ctx)
	if err != nil {
		return nil, err
	}
	found, err := mariadbd.Find()
	if err != nil {
		return nil, err
	}
	g := &galera{cluster: c, parts: parts, binary: found.Server}
	return g, g.makeTemplate(ctx)
}

func (g *galera) upToDate() string { return "SET SESSION wsrep_sync_wait = 15" }

// template is a data folder that knows the cluster's history up to its first moment:
// nodes that start from copies of it need no copy of each other's data.
func (g *galera) template() string { return filepath.Join(g.parts, "template") }

func (g *galera) makeTemplate(ctx context.Context) error {
	if _, err := os.Stat(g.template()); err == nil {
		return nil
	}
	n := g.cluster.nodes[0]
	dir := filepath.Join(g.cluster.folder, "template")
	server, err := mariadbd.Start(ctx, mariadbd.Options{Dir: dir, Flags: append(g.flags(n), "--wsrep-new-cluster"), Path: g.path()})
	if err == nil {
		err = server.Stop()
	}
	if err != nil {
		return fmt.Errorf("make the template: %w", err)
	}
	// A rename from one file system to another is no rename.
	fresh, err := os.MkdirTemp(g.parts, "template.new")
	if err != nil {
		return fmt.Errorf("make the template: %w", err)
	}
	defer os.RemoveAll(fresh)
	data := filepath.Join(dir, "data")
	if err := errors.Join(os.Remove(filepath.Join(data, "galera.cache")), copyFolder(data, filepath.Join(fresh, "data"))); err != nil {
		return fmt.Errorf("make the template: %w", err)
	}
	// Whoever was faster is right.
	if err := os.Rename(filepath.Join(fresh, "data"), g.template()); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make the template: %w", err)
	}
	return nil
}

// copyFolder copies what a server left behind, with the owner's rights.
func copyFolder(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	return os.CopyFS(to, os.DirFS(from))
}

func (g *galera) path() string { return filepath.Join(g.parts, "bin") }

// flags are the smallest set with which three nodes work on one machine.
func (g *galera) flags(n *node) []string {
	var addresses []string
	for _, other := range g.cluster.nodes {
		if other != nil {
			addresses = append(addresses, loopback(other.ports[1]))
		}
	}
	return []string{
		"--binlog-format=ROW", "--default-storage-engine=InnoDB", "--innodb-autoinc-lock-mode=2",
		// Written at each commit, so that kill -9 loses nothing; synced now and then.
		"--innodb-flush-log-at-trx-commit=2", "--innodb-log-file-size=16M", "--innodb-buffer-pool-size=64M",
		"--wsrep-on=ON", "--wsrep-provider=" + filepath.Join(g.parts, "libgalera_smm.so"), "--wsrep-cluster-name=lab",
		"--wsrep-cluster-address=gcomm://" + strings.Join(addresses, ","),
		fmt.Sprint("--wsrep-node-name=node", n.number), "--wsrep-node-address=" + loopback(n.ports[1]),
		"--wsrep-sst-method=rsync", "--wsrep-sst-receive-address=" + loopback(n.ports[3]),
		fmt.Sprintf("--wsrep-provider-options=gmcast.listen_addr=tcp://%s;ist.recv_addr=%s;gcache.size=32M", loopback(n.ports[1]), loopback(n.ports[2])),
	}
}

func (g *galera) start(ctx context.Context, n *node, first bool) error {
	flags, data := g.flags(n), filepath.Join(n.dir, "data")
	_, err := os.Stat(data)
	switch {
	case first:
		flags = append(flags, "--wsrep-new-cluster")
		err = copyFolder(g.template(), data)
	case err == nil:
		var position string
		if position, err = g.recover(ctx, n); position != "" {
			flags = append(flags, "--wsrep-start-position="+position)
		}
	default:
		err = copyFolder(g.template(), data)
	}
	if err != nil {
		return err
	}
	_, err = mariadbd.Start(ctx, mariadbd.Options{Dir: n.dir, Flags: flags, Address: n.address(), Path: g.path()})
	return err
}

var recovered = regexp.MustCompile(`Recovered position: (\S+:\d+)`)

// recover asks a killed server's data how far it came, as Debian's unit file does: with
// that the node gets only what it missed.
func (g *galera) recover(ctx context.Context, n *node) (position string, err error) {
	if err := os.MkdirAll(filepath.Join(n.dir, "tmp"), 0o700); err != nil {
		return "", err
	}
	args := []string{"--no-defaults", "--wsrep-recover", "--datadir=" + filepath.Join(n.dir, "data"), "--socket=" + filepath.Join(n.dir, "recover.sock"),
		"--pid-file=" + filepath.Join(n.dir, "recover.pid"), "--tmpdir=" + filepath.Join(n.dir, "tmp"), "--skip-networking"}
	if os.Geteuid() == 0 {
		args = append(args, "--user=root")
	}
	out, err := exec.CommandContext(ctx, g.binary, append(args, g.flags(n)...)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("recover the position: %w: %s", err, out)
	}
	if found := recovered.FindSubmatch(out); found != nil {
		position = string(found[1])
	}
	return position, nil
}

func (g *galera) state(ctx context.Context, n *node) (state, error) {
	rows, err := n.root.QueryContext(ctx, "SHOW GLOBAL STATUS WHERE Variable_name IN ('wsrep_ready', 'wsrep_local_state_comment', 'wsrep_cluster_status', 'wsrep_cluster_size')")
	if err != nil {
		return state{}, err
	}
	defer rows.Close()
	said := map[string]string{}
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return state{}, err
		}
		said[strings.ToLower(name)] = value
	}
	s := state{Ready: said["wsrep_ready"] == "ON" && said["wsrep_local_state_comment"] == "Synced" && said["wsrep_cluster_status"] == "Primary"}
	s.Writes = s.Ready
	if _, err := fmt.Sscan(said["wsrep_cluster_size"], &s.Members); err != nil {
		return state{}, fmt.Errorf("read the size of the cluster: %w", err)
	}
	return s, rows.Err()
}

// rejoin has nothing to do: a node that is put out tries to come back all the time.
func (g *galera) rejoin(context.Context, *node) error { return nil }

func (g *galera) revive(ctx context.Context, n *node) error {
	return n.execute(ctx, "SET GLOBAL wsrep_provider_options = 'pc.bootstrap=YES'")
}
