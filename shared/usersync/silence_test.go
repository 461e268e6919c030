package usersync

import (
	"context"
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
