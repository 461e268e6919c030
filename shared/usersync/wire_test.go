package usersync

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync"

	"github.com/go-sql-driver/mysql"
)

// wire is a connector whose connections tell every statement to a test before and
// after it runs, BEGIN and COMMIT included, and can be cut there.
type wire struct {
	driver.Connector
	mu         sync.Mutex
	statements []string
	// before and after get the statement's number, from 1, and its text. An error
	// takes the place of the answer; errCut also closes the connection.
	before, after func(n int, statement string) error
}

// errCut is what the driver says of a connection that broke.
var errCut = mysql.ErrInvalidConn

func (w *wire) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := w.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &wireConn{mysqlConn: conn.(mysqlConn), wire: w}, nil
}

// reset forgets the statements so far and the hooks.
func (w *wire) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.statements, w.before, w.after = nil, nil, nil
}

func (w *wire) said() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.statements...)
}

// mysqlConn is what a connection of the driver can do.
type mysqlConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
	driver.NamedValueChecker
}

type wireConn struct {
	mysqlConn
	wire *wire
}

// through runs a statement between the hooks.
func through[T any](c *wireConn, statement string, run func() (T, error)) (T, error) {
	var none T
	c.wire.mu.Lock()
	c.wire.statements = append(c.wire.statements, statement)
	n, before, after := len(c.wire.statements), c.wire.before, c.wire.after
	c.wire.mu.Unlock()
	if before != nil {
		if err := before(n, statement); err != nil {
			c.cut(err)
			return none, err
		}
	}
	result, err := run()
	if err == nil && after != nil {
		if err := after(n, statement); err != nil {
			c.cut(err)
			return none, err
		}
	}
	return result, err
}

func (c *wireConn) cut(err error) {
	if errors.Is(err, errCut) {
		_ = c.Close()
	}
}

func (c *wireConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return through(c, query, func() (driver.Result, error) { return c.mysqlConn.ExecContext(ctx, query, args) })
}

func (c *wireConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return through(c, query, func() (driver.Rows, error) { return c.mysqlConn.QueryContext(ctx, query, args) })
}

func (c *wireConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	tx, err := through(c, "BEGIN", func() (driver.Tx, error) { return c.mysqlConn.BeginTx(ctx, options) })
	if err != nil {
		return nil, err
	}
	return &wireTx{Tx: tx, conn: c}, nil
}

type wireTx struct {
	driver.Tx
	conn *wireConn
}

func (t *wireTx) Commit() error {
	sent := false
	_, err := through(t.conn, "COMMIT", func() (struct{}, error) {
		sent = true
		return struct{}{}, t.Tx.Commit()
	})
	if !sent && undone(err) {
		return errors.Join(err, t.Rollback()) // as a server does that says so
	}
	return err
}
