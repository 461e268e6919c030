package store

import (
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/uptrace/bun"
)

type (
	bunTx    = bun.Tx
	bunEvent = bun.QueryEvent
)

func databaseName(t *testing.T, dsn string) string {
	t.Helper()
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return config.DBName
}
