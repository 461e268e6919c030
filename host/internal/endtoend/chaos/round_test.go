//go:build chaos || cluster

package chaos

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"booking/shared/testdb"
)

// epoch is when compressed time begins, and rate how fast it goes: an hour in 3 s.
var epoch = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

const rate = 1200

// acts are until when the clock goes in the two acts of a round. In between all that is
// due is waited for, and the portals' people change.
var acts = [2]time.Time{epoch.Add(2*time.Hour + 20*time.Minute), epoch.Add(4*time.Hour + 20*time.Minute)}

// enough bounds an act, when the clock stands still.
const enough = 5 * time.Minute

// round is one night of the hosts on a database of its own.
type round struct {
	*lab
	t        testing.TB
	database string
	folder   string // of what hosts say
	slots    []slot // all that must have been dealt with at the end
	// cuts counts connections that were cut at a statement, lates statements that were late.
	cuts, lates atomic.Int64
}

// begin makes a round's database and starts the hosts.
func (l *lab) begin(t *testing.T, name string) *round {
	t.Helper()
	r := &round{lab: l, t: t, database: l.copyTemplate(t.Context(), t), folder: filepath.Join(l.dir, name)}
	if err := os.MkdirAll(r.folder, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.confess)
	for tenant := int64(1); tenant <= int64(l.tenants); tenant++ {
		r.slots = append(r.slots, l.slots(t, tenant, acts[1])...)
	}
	r.observe()
	l.setPortals(t, 1)
	r.stand(epoch)
	for _, h := range l.hosts {
		h.t, h.env, h.quits = t, l.environment(h, r.database, r.folder), nil
		_ = os.Remove(filepath.Join(h.dir, "said"))
		h.with(func(*process) { h.start() })
		t.Cleanup(h.destroy)
	}
	return r
}

// stand makes the clock stand still.
func (r *round) stand(at time.Time) {
	r.t.Helper()
	if err := (clock{Began: time.Now(), From: at, Until: at, Rate: rate}).write(filepath.Join(r.dir, "clock")); err != nil {
		r.t.Fatal(err)
	}
}

// play lets both acts pass with their faults, and the hosts end.
func (r *round) play(faults [][]fault) {
	r.t.Helper()
	from := epoch
	for act, until := range acts {
		var happens []fault
		if faults != nil {
			happens = faults[act]
		}
		if act > 0 {
			r.setPortals(r.t, act+1)
		}
		r.act(clock{From: from, Until: until, Rate: rate}, happens)
		from = until
	}
	for _, h := range r.hosts {
		h.road.Forget()
		h.end()
		if h.crashed() {
			r.t.Errorf("%s has crashed", h.name)
		}
	}
	if err := r.ground.settle(r.t.Context(), r.database); err != nil {
		r.t.Error(err)
	}
}

// act lets the clock go and waits until all that is due then is done.
func (r *round) act(c clock, faults []fault) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), c.lasts()+enough)
	defer cancel()
	c.Began = time.Now()
	if err := c.write(filepath.Join(r.dir, "clock")); err != nil {
		r.t.Fatal(err)
	}
	var happening sync.WaitGroup
	for _, f := range faults {
		happening.Go(func() {
			if err := r.happen(ctx, f); err != nil {
				r.t.Errorf("%s: %v", f, err)
			}
		})
	}
	happening.Wait()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		left, err := r.left(ctx, c.Until)
		if err == nil && left == "" {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			r.t.Fatalf("not done: %s, error %v", left, err)
		}
	}
}

// left says what of an act is still to be done. Time is compressed for retries, too:
// those that wait for theirs have it now.
func (r *round) left(ctx context.Context, until time.Time) (string, error) {
	due := 0
	for _, s := range r.slots {
		if !s.start.After(until) {
			due++
		}
	}
	db, err := r.ground.open(ctx, r.database)
	if err != nil {
		return "", err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, `UPDATE crm_runs SET not_before = UTC_TIMESTAMP(6), queue_at = UTC_TIMESTAMP(6)
		WHERE retry > 0 AND status = 'waiting' AND not_before > UTC_TIMESTAMP(6)`); err != nil {
		return "", err
	}
	var slots, behind, runs int
	err = db.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM crm_slots), (SELECT COUNT(*) FROM crm_schedules WHERE next_at <= ?),
		(SELECT COUNT(*) FROM crm_runs AS r WHERE status IN ('queued', 'waiting', 'running')
			OR (status = 'reserved' AND EXISTS (SELECT 1 FROM crm_slots AS l WHERE l.run_id = r.id)))`, until).Scan(&slots, &behind, &runs)
	if err != nil || (slots >= due && behind == 0 && runs == 0) {
		return "", err
	}
	return fmt.Sprintf("%d slots of %d are dealt with, %d schedules are behind, %d runs wait or go on", slots, due, behind, runs), nil
}

// confess keeps what a round that failed has left, and says where.
func (r *round) confess() {
	if !r.t.Failed() {
		_ = os.RemoveAll(r.folder)
		return
	}
	for _, h := range r.hosts {
		if text, err := os.ReadFile(filepath.Join(h.dir, "said")); err == nil {
			_ = os.WriteFile(filepath.Join(r.folder, h.name+".said"), text, 0o600)
		}
	}
	r.dump()
	r.t.Logf("what the hosts wrote, and the tables, are in %s", r.folder)
}

// seeds are the rounds' seeds: ROUNDS of them, or the one of TEST_SEED.
func seeds(t *testing.T) []uint64 {
	t.Helper()
	if text := os.Getenv("TEST_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return []uint64{seed}
	}
	var all []uint64
	for range number(t, "ROUNDS", 1) {
		all = append(all, rand.Uint64N(1_000_000))
	}
	return all
}

// rounds plays rounds until one fails.
func (l *lab) rounds(t *testing.T) {
	all := seeds(t)
	for i, seed := range all {
		done := t.Run(fmt.Sprint("TEST_SEED=", seed), func(t *testing.T) { l.disturbed(t, fmt.Sprintf("round %d of %d", i+1, len(all)), seed) })
		if !done {
			return // the servers may be in any state
		}
	}
}

func (l *lab) disturbed(t *testing.T, name string, seed uint64) {
	began := time.Now()
	r := l.begin(t, fmt.Sprint("seed-", seed))
	r.cutCommits(seed)
	var happens []string
	for kind := range l.ground.faults() {
		happens = append(happens, kind)
	}
	var lasts [2]time.Duration
	from := epoch
	for i, until := range acts {
		lasts[i], from = clock{From: from, Until: until, Rate: rate}.lasts(), until
	}
	faults := draw(rand.New(rand.NewPCG(seed, 0)), happens, l.ground.lease(), lasts)
	t.Logf("%s, TEST_SEED=%d: %v, then %v", name, seed, faults[0], faults[1])
	r.play(faults[:])
	r.checkSlots()
	r.checkWriters()
	r.checkEnds()
	r.checkTables()
	t.Logf("%s after %s: %s", name, time.Since(began).Round(100*time.Millisecond), r.summary())
}

func lines(t testing.TB, db *sql.DB, query string) []string {
	t.Helper()
	all, err := testdb.Lines(context.Background(), db, query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return all
}
