package usersync

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"
)

// Silence is how long a database may take to answer before it counts as away: longer
// than any lock is waited for there (lock_wait_timeout, 30 s). A server that was stopped,
// or whose machine has gone, closes nothing and never answers.
const Silence = 35 * time.Second

// bounded is a connector whose transactions end, in time or with their connection.
// database/sql gives COMMIT and ROLLBACK no context, so that at a silent server they would
// wait for ever, and uses a connection again at which they have failed.
type bounded struct {
	driver.Connector
	silence time.Duration
}

// Connect implements driver.Connector.
func (b bounded) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := b.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	all, ok := conn.(connection)
	if !ok {
		return nil, fmt.Errorf("the driver's connection is a %T, which lacks a method", conn)
	}
	return &boundedConn{connection: all, silence: b.silence}, nil
}

// connection is all that a connection of the driver can do; database/sql must find each
// of it in ours, too.
type connection interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type boundedConn struct {
	connection
	silence time.Duration
	// open: a transaction did not end as it was told to. The server may have it open
	// still, and the next one on this connection would commit it.
	open bool
}

// IsValid implements driver.Validator.
func (c *boundedConn) IsValid() bool { return !c.open && c.connection.IsValid() }

// BeginTx implements driver.ConnBeginTx.
func (c *boundedConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	if _, err := c.connection.BeginTx(ctx, o); err != nil {
		return nil, err
	}
	return boundedTx{c}, nil
}

// boundedTx ends its connection's transaction.
type boundedTx struct{ conn *boundedConn }

// Commit implements driver.Tx.
func (t boundedTx) Commit() error { return t.end("COMMIT") }

// Rollback implements driver.Tx.
func (t boundedTx) Rollback() error { return t.end("ROLLBACK") }

func (t boundedTx) end(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), t.conn.silence)
	defer cancel()
	_, err := t.conn.ExecContext(ctx, statement, nil)
	t.conn.open = err != nil
	return err
}
