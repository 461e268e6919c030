package usersync

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/uptrace/bun"

	"booking/shared/crm"
	"booking/shared/secret"
	"booking/shared/testdb"
	"booking/shared/testdb/proxy"
)

// A server that falls silent at COMMIT, or at the ROLLBACK that a lost context sends.
func TestTheEndOfATransactionIsNotWaitedForForEver(t *testing.T) {
	t.Parallel()
	config, err := mysql.ParseDSN(testdb.New(t))
	if err != nil {
		t.Fatal(err)
	}
	for statement, end := range map[string]func(bun.Tx) error{"COMMIT": bun.Tx.Commit, "ROLLBACK": bun.Tx.Rollback} {
		p := proxy.New(t, config)
		held := p.Hold(proxy.Match{Statement: statement}, 1, proxy.Before)
		db, err := openDB(secret.New(p.Through(config)), 300*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- end(tx) }()
		<-held.Reached()
		select {
		case err := <-ended:
			if !errors.Is(err, context.DeadlineExceeded) || !IsAway(err) {
				t.Errorf("%s: %v", statement, err)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s is waited for", statement)
		}
		if err := db.PingContext(t.Context()); err != nil {
			t.Errorf("another connection, after %s: %v", statement, err)
		}
	}
}

// The first two connections lead nowhere: the server is being restarted.
func TestADatabaseThatIsAwayIsWaitedFor(t *testing.T) {
	t.Parallel()
	config, err := mysql.ParseDSN(testdb.New(t))
	if err != nil {
		t.Fatal(err)
	}
	var tries atomic.Int64
	p := proxy.NewRouter(t, func() (*mysql.Config, error) {
		if tries.Add(1) <= 2 {
			return nil, errors.New("nobody is there")
		}
		return config, nil
	})
	dsn := secret.New(p.Through(config))
	if _, err := OpenDB(dsn); crm.CodeOf(err) != crm.CodeDatabase || tries.Load() != 1 {
		t.Fatalf("without waiting: error %v after %d tries", err, tries.Load())
	}
	db, err := WaitForDB(t.Context(), dsn)
	if err != nil || tries.Load() != 3 {
		t.Fatalf("error %v after %d tries", err, tries.Load())
	}
	db.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p.Refuse()
	if _, err := WaitForDB(ctx, dsn); crm.CodeOf(err) != crm.CodeDatabase {
		t.Errorf("when it is called off: %v", err)
	}
}

// refusing is a connector to a server that refuses to end transactions, and leaves them
// open: what a node of Galera does that has just come back (1047), and no other server.
type refusing struct{ driver.Connector }

func (r refusing) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := r.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return refusingConn{conn.(connection)}, nil
}

type refusingConn struct{ connection }

func (c refusingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if query == "COMMIT" || query == "ROLLBACK" {
		return nil, &mysql.MySQLError{Number: 1047, Message: "WSREP has not yet prepared node for application use"}
	}
	return c.connection.ExecContext(ctx, query, args)
}

// A connection whose transaction has not ended must not be used again: the next BEGIN on
// it would commit what counts as lost, and a BEGIN with an isolation level fails (1568).
func TestAConnectionWhoseTransactionDoesNotEndIsThrownAway(t *testing.T) {
	t.Parallel()
	dsn := testdb.New(t)
	config, err := configure(secret.New(dsn))
	if err != nil {
		t.Fatal(err)
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	db, err := openConnector(bounded{refusing{connector}, Silence})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("CREATE TABLE kept (id INT PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	for id, end := range map[int]func(bun.Tx) error{1: bun.Tx.Commit, 2: bun.Tx.Rollback} {
		tx, err := db.BeginTx(t.Context(), nil)
		if err == nil {
			_, err = tx.Exec("INSERT INTO kept VALUES (?)", id)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := end(tx); !IsAway(err) {
			t.Fatalf("the end of transaction %d: %v", id, err)
		}
		next, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
		if err != nil {
			t.Fatalf("after transaction %d: %v", id, err)
		}
		_ = next.Rollback()
	}
	if left, err := testdb.Lines(t.Context(), testdb.Open(t, dsn), "SELECT id FROM kept"); err != nil || len(left) > 0 {
		t.Errorf("committed all the same: %v, error %v", left, err)
	}
}
