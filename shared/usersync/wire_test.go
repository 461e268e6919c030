package usersync

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/go-sql-driver/mysql"
)

// wire is a connector whose connections tell every statement to a test before and
// after it runs, BEGIN and COMMIT included, and can be cut there.
type wire struct {
	driver.Connector
	mu         sync.Mutex
	statements []string
	open       int // prepared statements
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
	return through(c, spelled(query, args), func() (driver.Result, error) { return c.mysqlConn.ExecContext(ctx, query, args) })
}

// spelled is a statement with its arguments behind it.
func spelled(query string, args []driver.NamedValue) string {
	var b strings.Builder
	b.WriteString(query)
	for _, arg := range args {
		fmt.Fprint(&b, " ", arg.Value)
	}
	return b.String()
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

func (c *wireConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	stmt, err := through(c, "PREPARE "+query, func() (driver.Stmt, error) { return c.mysqlConn.PrepareContext(ctx, query) })
	if err != nil {
		return nil, err
	}
	c.wire.opened(1)
	return &wireStmt{mysqlStmt: stmt.(mysqlStmt), conn: c, query: query}, nil
}

func (w *wire) opened(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open += n
}

// statementsOpen is how many prepared statements were not closed.
func (w *wire) statementsOpen() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.open
}

// mysqlStmt is what a prepared statement of the driver can do.
type mysqlStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
	driver.NamedValueChecker
}

type wireStmt struct {
	mysqlStmt
	conn  *wireConn
	query string
}

func (s *wireStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return through(s.conn, "EXECUTE "+spelled(s.query, args), func() (driver.Result, error) { return s.mysqlStmt.ExecContext(ctx, args) })
}

func (s *wireStmt) Close() error {
	s.conn.wire.opened(-1)
	return s.mysqlStmt.Close()
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
