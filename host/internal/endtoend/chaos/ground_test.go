//go:build chaos || cluster

package chaos

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"booking/shared/testdb/proxy"
)

// ground is what a database is on: one server, or a cluster of them.
type ground interface {
	// open opens a database ("" for none) past the hosts' ways, for an account that may do
	// anything, on a server that takes writes. The caller closes it.
	open(ctx context.Context, database string) (*sql.DB, error)
	// create makes an empty database.
	create(t testing.TB) (name string)
	// account is how host i reaches a database, but for the address, which is its road's.
	// Each has one of its own, by which the database knows who writes.
	account(i int, database string) *mysql.Config
	// road is the way of host i. It leads to whichever server takes writes.
	road(i int) *proxy.Proxy
	// faults are what can happen to it, by name.
	faults() map[string]func(ctx context.Context, f fault) error
	// settle waits, when everything is over, until all servers are there and hold the same.
	settle(ctx context.Context, database string) error
	// lease is what the hosts' runs have.
	lease() time.Duration
}

func accountName(i int) string { return fmt.Sprint("host", i) }

func openAs(account *mysql.Config, database string) (*sql.DB, error) {
	account = account.Clone()
	account.DBName, account.Logger = database, &mysql.NopLogger{}
	connector, err := mysql.NewConnector(account)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}
