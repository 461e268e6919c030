package cluster

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"booking/shared/testdb"
)

// The account that programs under test get: it owns the databases of the tests and,
// unlike root, is stopped by read-only nodes.
const accountName, accountPassword = "booking", "lab"

func (c *Cluster) openAccount(ctx context.Context) error {
	writer, err := c.Writer(ctx)
	if err != nil {
		return err
	}
	return c.nodes[writer].execute(ctx, fmt.Sprintf("CREATE USER '%s'@'%%' IDENTIFIED BY '%s'", accountName, accountPassword),
		fmt.Sprintf("GRANT ALL ON `lab\\_%%`.* TO '%s'@'%%'", accountName))
}

// Root is a node's connection for an account that may do anything.
func (c *Cluster) Root(i int) *sql.DB { return c.nodes[i].root }

// Config is how a program reaches a database on a node, with an account that may do
// anything in that database.
func (c *Cluster) Config(i int, database string) *mysql.Config {
	return c.account(c.nodes[i], accountName, accountPassword, database)
}

// NewDatabase makes an empty database (utf8mb4_unicode_ci) and waits until every node
// has it.
func (c *Cluster) NewDatabase(t testing.TB) string {
	t.Helper()
	name := "lab_" + strings.ToLower(rand.Text()[:10])
	writer, err := c.Writer(t.Context())
	if err == nil {
		err = c.nodes[writer].execute(t.Context(), "CREATE DATABASE "+name+" CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
	}
	if err != nil {
		t.Fatalf("make a database: %v", err)
	}
	for i := range c.nodes {
		err := poll(t.Context(), fmt.Sprintf("node %d to have the database", i), func() (bool, string) {
			err := c.nodes[i].execute(t.Context(), "USE "+name)
			return err == nil, fmt.Sprint(err)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return name
}

// Agree waits until every node has carried out what was committed on any of them and
// returns an error unless the tables of the database are equal on all of them.
func (c *Cluster) Agree(ctx context.Context, database string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var first map[string][]string
	for i, n := range c.nodes {
		tables, err := c.tables(ctx, n, database)
		if err != nil {
			return fmt.Errorf("read the tables of node %d: %w", i, err)
		}
		if i == 0 {
			first = tables
			continue
		}
		if err := compare(first, tables); err != nil {
			return fmt.Errorf("nodes 0 and %d differ: %w", i, err)
		}
	}
	return nil
}

// tables reads every row of every table, in the order of the primary keys.
func (c *Cluster) tables(ctx context.Context, n *node, database string) (map[string][]string, error) {
	conn, err := n.root.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	// No USE: with Group it does not wait for what was committed elsewhere, a SELECT does.
	if _, err := conn.ExecContext(ctx, c.servers.upToDate()); err != nil {
		return nil, fmt.Errorf("%s: %w", c.servers.upToDate(), err)
	}
	keys, err := testdb.Lines(ctx, conn, `SELECT t.table_name, COALESCE(GROUP_CONCAT(CONCAT('`+"`', k.column_name, '`"+`') ORDER BY k.ordinal_position), '')
		FROM information_schema.tables t LEFT JOIN information_schema.key_column_usage k
		ON k.table_schema = t.table_schema AND k.table_name = t.table_name AND k.constraint_name = 'PRIMARY'
		WHERE t.table_schema = '`+database+`' GROUP BY t.table_name`)
	if err != nil {
		return nil, err
	}
	tables := make(map[string][]string, len(keys))
	for _, line := range keys {
		table, key, _ := strings.Cut(line, "\t")
		if key == "" {
			return nil, fmt.Errorf("the table %s has no primary key", table)
		}
		if tables[table], err = testdb.Lines(ctx, conn, "SELECT * FROM `"+database+"`.`"+table+"` ORDER BY "+key); err != nil {
			return nil, err
		}
	}
	return tables, nil
}

func compare(one, other map[string][]string) error {
	if len(one) != len(other) {
		return fmt.Errorf("%d and %d tables", len(one), len(other))
	}
	for table, rows := range one {
		if len(rows) != len(other[table]) {
			return fmt.Errorf("%s has %d and %d rows", table, len(rows), len(other[table]))
		}
		for i, row := range rows {
			if row != other[table][i] {
				return fmt.Errorf("%s, row %d:\n%s\n%s", table, i, row, other[table][i])
			}
		}
	}
	return nil
}
