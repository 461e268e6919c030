package usersync

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"

	"booking/shared/crm"
	"booking/shared/secret"
)

const (
	// Collation of every connection. It is the one that MySQL and MariaDB have both
	// and compare alike (facts/mysql-oracle.md 5).
	collation = "utf8mb4_unicode_ci"
	// sqlMode is MySQL's own default; MariaDB's is laxer (facts/mysql-oracle.md 2).
	sqlMode = "'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'"
	// openTimeout bounds the first connection.
	openTimeout = 15 * time.Second
)

// OpenDB opens a go-sql-driver DSN with the session settings that the engine and
// the host rely on, whatever the DSN itself says about them: UTC, utf8mb4, strict
// mode, lock waits of at most 5 s. It connects once, so that every ordinary mistake
// is found here. The error is a *crm.Error with CodeDatabase that says what to do
// and shows nothing of a DSN that could not be read.
func OpenDB(dsn secret.Text) (*bun.DB, error) { return openDB(dsn, Silence) }

// WaitForDB is OpenDB for a server that may be away at the moment: it is waited for, for
// half a minute or until ctx ends.
func WaitForDB(ctx context.Context, dsn secret.Text) (*bun.DB, error) {
	const pause = 250 * time.Millisecond
	for giveUp := time.Now().Add(maxAway); ; {
		db, err := OpenDB(dsn)
		if err == nil || !IsWorthWaiting(err) || time.Now().After(giveUp) {
			return db, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, err
		}
	}
}

func openDB(dsn secret.Text, silence time.Duration) (*bun.DB, error) {
	config, err := configure(dsn)
	if err != nil {
		return nil, err
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, wrongDSN() // its text may quote the DSN
	}
	return openConnector(bounded{connector, silence})
}

// configure reads a DSN and puts our settings in the place of its own.
func configure(dsn secret.Text) (*mysql.Config, error) {
	config, err := mysql.ParseDSN(dsn.Reveal())
	if err != nil || dsn.Empty() {
		return nil, wrongDSN() // the driver's text may quote a part of the DSN
	}
	// A password with a slash or a bracket can end up in the place of the network.
	if config.Net != "tcp" && config.Net != "unix" {
		return nil, wrongDSN()
	}
	if config.DBName == "" {
		return nil, noDatabase()
	}
	config.ParseTime, config.Loc = true, time.UTC
	config.InterpolateParams = true
	config.ClientFoundRows, config.MultiStatements = false, false
	// Where a cluster's primary has become a secondary the connection is thrown away: the
	// next one leads to the new primary, if a router stands between.
	config.RejectReadOnly = true
	config.Logger = &mysql.NopLogger{} // it would write to standard error
	if config.Timeout == 0 {
		config.Timeout = openTimeout
	}
	if config.Params == nil {
		config.Params = make(map[string]string)
	}
	config.Params["time_zone"] = "'+00:00'"
	config.Params["sql_mode"] = sqlMode
	config.Params["innodb_lock_wait_timeout"] = "5"
	// For metadata locks (somebody's ALTER); by default a day or a year.
	config.Params["lock_wait_timeout"] = "30"
	if err := config.Apply(mysql.Charset("utf8mb4", collation)); err != nil {
		return nil, crm.NewError(crm.CodeInternal, crm.Text{RU: "Не удалось настроить соединение с базой данных.", EN: "The database connection could not be set up."}, err)
	}
	return config, nil
}

// openConnector is OpenDB from a driver's connector on.
func openConnector(connector driver.Connector) (*bun.DB, error) {
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(16)
	pool.SetMaxIdleConns(4)
	// Below the wait_timeout of servers and of proxies between.
	pool.SetConnMaxLifetime(5 * time.Minute)
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	if err := pool.PingContext(ctx); err != nil {
		_ = pool.Close()
		return nil, DatabaseError(err)
	}
	return bun.NewDB(pool, mysqldialect.New()), nil
}

func wrongDSN() *crm.Error {
	return crm.NewError(crm.CodeDatabase, crm.Text{
		RU: "Адрес базы данных (DSN) записан неверно. Образец: user:password@tcp(127.0.0.1:3306)/booking или user:password@unix(/run/mysqld/mysqld.sock)/booking.",
		EN: "The database address (DSN) is malformed. Examples: user:password@tcp(127.0.0.1:3306)/booking or user:password@unix(/run/mysqld/mysqld.sock)/booking.",
	}, nil)
}

func noDatabase() *crm.Error {
	return crm.NewError(crm.CodeDatabase, crm.Text{
		RU: "В адресе базы данных (DSN) не указано имя базы: добавьте его после последней косой черты, например …/booking.",
		EN: "The database address (DSN) names no database: add it after the last slash, for example …/booking.",
	}, nil)
}
