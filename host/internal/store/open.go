package store

import (
	"database/sql"

	"github.com/go-sql-driver/mysql"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"

	"booking/shared/secret"
)

// openDB stands in for usersync.OpenDB until that lands.
func openDB(dsn secret.Text) (*bun.DB, error) {
	c, err := mysql.ParseDSN(dsn.Reveal())
	if err != nil {
		return nil, errDSN
	}
	c.ParseTime, c.Collation, c.InterpolateParams = true, "utf8mb4_unicode_ci", true
	c.Params = map[string]string{"time_zone": "'+00:00'", "innodb_lock_wait_timeout": "5"}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, errDSN
	}
	return bun.NewDB(sql.OpenDB(connector), mysqldialect.New()), nil
}
