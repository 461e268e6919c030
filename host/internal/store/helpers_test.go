package store

import (
	"io"
	"net"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/uptrace/bun"
)

type bunTx = bun.Tx

func databaseName(t *testing.T, dsn string) string {
	t.Helper()
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return config.DBName
}

// relay passes every connection on to another address until the listener is closed.
func relay(listener net.Listener, network, address string) {
	for {
		from, err := listener.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial(network, address)
		if err != nil {
			from.Close()
			continue
		}
		go func() { _, _ = io.Copy(to, from); to.Close() }()
		go func() { _, _ = io.Copy(from, to); from.Close() }()
	}
}
