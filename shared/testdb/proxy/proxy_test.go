package proxy_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"booking/shared/testdb"
	"booking/shared/testdb/proxy"
)

func TestMain(m *testing.M) { os.Exit(testdb.Main(m)) }

// insert is the statement that these tests disturb.
const insert = "INSERT INTO kept (id) VALUES "

// road is a database, and a way there through a proxy.
type road struct {
	*proxy.Proxy
	t       testing.TB
	db      *sql.DB // through the proxy
	outside *sql.DB
}

func newRoad(t *testing.T) road {
	t.Helper()
	dsn := testdb.New(t)
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	config.Logger = &mysql.NopLogger{}
	p := proxy.New(t, config)
	r := road{Proxy: p, t: t, db: testdb.Open(t, p.Through(config)), outside: testdb.Open(t, dsn)}
	if _, err := r.outside.Exec("CREATE TABLE kept (id INT PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r road) insert(id int) error {
	_, err := r.db.Exec(insert+"(?)", id)
	return err
}

// kept are the rows that are there.
func (r road) kept() []int {
	r.t.Helper()
	rows, err := r.outside.Query("SELECT id FROM kept ORDER BY id")
	if err != nil {
		r.t.Fatal(err)
	}
	defer rows.Close()
	var ids []int
	for rows.Next() {
		var id int
		if err := rows.Scan(&id); err != nil {
			r.t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		r.t.Fatal(err)
	}
	return ids
}

func TestAConnectionIsCutBeforeAndAfterAStatement(t *testing.T) {
	t.Parallel()
	r := newRoad(t)
	before := r.Rule(proxy.Match{Statement: insert}, proxy.CutAt(2, proxy.Before))
	r.Rule(proxy.Match{Statement: insert}, proxy.CutAt(4, proxy.After))
	var failed []int
	for id := 1; id <= 5; id++ {
		if err := r.insert(id); err != nil {
			failed = append(failed, id)
		}
	}
	if !slices.Equal(failed, []int{2, 4}) || before.Count() != 5 {
		t.Errorf("failed %v of %d", failed, before.Count())
	}
	if kept := r.kept(); !slices.Equal(kept, []int{1, 3, 4, 5}) {
		t.Errorf("kept %v: the second never arrived, the fourth was done", kept)
	}
}

func TestACommitIsKnownByItsTransaction(t *testing.T) {
	t.Parallel()
	r := newRoad(t)
	r.Rule(proxy.Match{Statement: "COMMIT", First: insert + "(2)"}, proxy.CutAt(1, proxy.Before))
	for id := 1; id <= 3; id++ {
		tx, err := r.db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		if _, err = tx.Exec(insert+"(?)", id); err != nil {
			t.Fatal(err)
		}
		if err = tx.Commit(); (err != nil) != (id == 2) {
			t.Errorf("commit of %d: %v", id, err)
		}
	}
	if kept := r.kept(); !slices.Equal(kept, []int{1, 3}) {
		t.Errorf("kept %v", kept)
	}
}

func TestWhatIsHeldWaitsForAWord(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		place  proxy.Place
		goesOn bool
		kept   []int
	}{
		"before, and goes on":    {proxy.Before, true, []int{1}},
		"before, and is dropped": {proxy.Before, false, nil},
		"after, and goes on":     {proxy.After, true, []int{1}},
		"after, and is dropped":  {proxy.After, false, []int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoad(t)
			held := r.Hold(proxy.Match{Statement: insert}, 1, c.place)
			answer := make(chan error, 1)
			go func() { answer <- r.insert(1) }()
			<-held.Reached()
			if kept := r.kept(); (len(kept) == 1) != (c.place == proxy.After) {
				t.Errorf("kept %v while it is held", kept)
			}
			if c.goesOn {
				held.GoOn()
			} else {
				held.Drop()
			}
			if err := <-answer; (err == nil) != c.goesOn {
				t.Errorf("the answer is %v", err)
			}
			if kept := r.kept(); !slices.Equal(kept, c.kept) {
				t.Errorf("kept %v", kept)
			}
		})
	}
}

func TestAHeldStatementEndsWithItsProgram(t *testing.T) {
	t.Parallel()
	for _, place := range []proxy.Place{proxy.Before, proxy.After} {
		r := newRoad(t)
		held := r.Hold(proxy.Match{Statement: insert}, 1, place)
		ctx, cancel := context.WithCancel(t.Context())
		answer := make(chan error, 1)
		go func() {
			_, err := r.db.ExecContext(ctx, insert+"(1)")
			answer <- err
		}()
		<-held.Reached()
		cancel()
		if err := <-answer; err == nil {
			t.Error("no error")
		}
		if err := r.insert(2); err != nil {
			t.Errorf("another connection: %v", err)
		}
	}
}

func TestASeedDecidesAlikeAgain(t *testing.T) {
	t.Parallel()
	cuts := func(seed uint64) string {
		decide, places := proxy.CutOneIn(4, seed), map[proxy.Place]int{}
		said := ""
		for n := 1; n <= 400; n++ {
			d := decide(n)
			places[d.Place]++
			said += fmt.Sprint(d.Place)
		}
		if places[proxy.Before] < 20 || places[proxy.After] < 20 || places[0] < 250 {
			t.Errorf("seed %d cuts %v", seed, places)
		}
		return said
	}
	if once, again := cuts(1), cuts(1); once != again || once == cuts(2) {
		t.Error("a seed must decide alike again, and another one otherwise")
	}
}

func TestConnectionsAreRefusedStalledAndCut(t *testing.T) {
	t.Parallel()
	r := newRoad(t)
	conn, err := r.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r.Cut()
	if err := conn.PingContext(t.Context()); err == nil {
		t.Error("a connection outlived the cut")
	}
	if err := r.insert(1); err != nil {
		t.Errorf("after the cut: %v", err)
	}
	r.Refuse()
	if err := r.insert(2); err == nil {
		t.Error("a connection was made while they are refused")
	}
	r.Accept()
	r.Stall()
	stalled, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := r.db.ExecContext(stalled, insert+"(3)"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while nothing flows: %v", err)
	}
	r.Resume()
	if err := r.insert(4); err != nil {
		t.Errorf("after the stall: %v", err)
	}
}
