//go:build cluster

package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"booking/migrations"
	"booking/shared/crm"
	"booking/shared/secret"
	"booking/shared/testdb/cluster"
	"booking/shared/testdb/proxy"
)

const (
	clusterTenants = 6
	clusterSlots   = 4
	clusterLease   = 2 * time.Second
	// clusterChunks is what a run writes before it ends.
	clusterChunks = 4
)

// clusterHost is a host with its address of the cluster: with Galera it prefers a node
// of its own, with Group all of them go to the primary.
type clusterHost struct {
	*Store
	name string
	road *proxy.Proxy
}

// race is several hosts on one cluster, and what they were told.
type race struct {
	t     *testing.T
	c     *cluster.Cluster
	name  string // of the database
	seed  uint64
	hosts []*clusterHost

	mu     sync.Mutex
	told   told
	faults map[string]int
}

// told is what callers were told, to be held against what the database says.
type told struct {
	slots   map[string]int  // StartSlot: mine
	claims  map[string]int  // ClaimRun, StartRun: mine, by run and fence
	ends    map[int64]int   // FinishRun: done
	marks   map[string]bool // written for sure
	unknown map[string]bool // nobody knows
}

func newRace(t *testing.T, c *cluster.Cluster, seed uint64) *race {
	t.Helper()
	r := &race{t: t, c: c, name: c.NewDatabase(t), seed: seed, faults: map[string]int{}}
	r.told = told{map[string]int{}, map[string]int{}, map[int64]int{}, map[string]bool{}, map[string]bool{}}
	for i := range 3 {
		road := c.Router(t, i)
		s, err := Open(t.Context(), secret.New(road.Through(c.Config(i, r.name))), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		r.hosts = append(r.hosts, &clusterHost{s, fmt.Sprint("host", i), road})
	}
	for _, set := range []migrations.Set{migrations.Host, migrations.Usersync} {
		if _, err := set.Up(t.Context(), r.hosts[0].DB()); err != nil {
			t.Fatal(err)
		}
	}
	r.exec("CREATE TABLE lab_tenants (tenant_id BIGINT PRIMARY KEY, seq BIGINT NOT NULL)")
	r.exec("CREATE TABLE lab_marks (tenant_id BIGINT, seq BIGINT, run_id BIGINT, number BIGINT, fence BIGINT, host VARCHAR(20), PRIMARY KEY (tenant_id, seq), UNIQUE (run_id, number))")
	for tenant := range clusterTenants {
		r.exec("INSERT INTO lab_tenants VALUES (?, 0)", tenant+1)
	}
	if err := c.Agree(t.Context(), r.name); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *race) exec(query string, args ...any) {
	r.t.Helper()
	if _, err := r.hosts[0].DB().NewRaw(query, args...).Exec(r.t.Context()); err != nil {
		r.t.Fatalf("%s: %v", query, err)
	}
}

// note keeps an error that a caller was told, by what was being done.
func (r *race) note(doing string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for inner := err; inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	kind := fmt.Sprintf("%.60v", err)
	r.faults[doing+": "+kind]++
}

// slotsOf are the slots of a tenant in this round.
func (r *race) slotOf(tenant int64, n int) Slot {
	return Slot{TenantID: tenant, Task: TaskSyncUsers, At: slotTime.Add(time.Duration(n) * time.Hour)}
}

// schedule starts every slot, again and again, as many hosts do.
func (r *race) schedule(ctx context.Context, h *clusterHost) {
	for n := range clusterSlots {
		if h == r.hosts[0] { // the first one does as a scheduler does: everybody's slot at once
			var all []DueSlot
			for tenant := int64(1); tenant <= clusterTenants; tenant++ {
				all = append(all, DueSlot{Slot: r.slotOf(tenant, n), Plugin: "acme"})
			}
			if _, err := h.StartSlots(ctx, all); err != nil {
				r.note("start slots", err)
			}
		}
		for tenant := int64(1); tenant <= clusterTenants; tenant++ {
			slot := r.slotOf(tenant, n)
			run := &Run{TenantID: tenant, Plugin: "acme", Mode: crm.ModeApply, Trigger: "schedule"}
			for ctx.Err() == nil {
				mine, err := h.StartSlot(ctx, slot, run)
				if err != nil {
					r.note("start a slot", err)
					continue
				}
				if mine {
					r.mu.Lock()
					r.told.slots[fmt.Sprint(tenant, slot.At)]++
					r.mu.Unlock()
				}
				break
			}
		}
	}
}

// work claims and carries out what waits.
func (r *race) work(ctx context.Context, h *clusterHost, random *rand.Rand) {
	for ctx.Err() == nil {
		waiting, err := h.QueuedRuns(ctx, 20)
		if err != nil {
			r.note("look into the queue", err)
			continue
		}
		if h == r.hosts[1] && len(waiting) > 0 { // the second one does as a worker does: for two places at once
			claimed, err := h.ClaimRuns(ctx, waiting[:min(2, len(waiting))], h.name, clusterLease)
			if err != nil {
				r.note("claim runs", err)
			}
			var places sync.WaitGroup
			for _, run := range claimed {
				luck := rand.New(rand.NewPCG(random.Uint64(), 1))
				places.Go(func() { r.carryOut(ctx, h, run, luck) })
			}
			places.Wait()
			continue
		}
		for _, run := range waiting {
			mine, err := h.ClaimRun(ctx, &run, h.name, clusterLease)
			if err != nil {
				r.note("claim a run", err)
			}
			if mine {
				r.carryOut(ctx, h, run, random)
			}
		}
		if sleep(ctx, 50*time.Millisecond) != nil {
			return
		}
	}
}

// foreground starts a run of a tenant past the queue.
func (r *race) foreground(ctx context.Context, h *clusterHost, random *rand.Rand) {
	for ctx.Err() == nil {
		run := Run{TenantID: 1 + random.Int64N(clusterTenants), Plugin: "acme", Mode: crm.ModeApply, Trigger: "cli", Host: h.name}
		err := h.StartRun(ctx, &run, clusterLease)
		var busy *BusyError
		switch {
		case err == nil:
			r.carryOut(ctx, h, run, random)
		case !errors.As(err, &busy):
			r.note("start a run", err)
		}
		if sleep(ctx, 300*time.Millisecond) != nil {
			return
		}
	}
}

// carryOut writes a run's chunks as the engine does, and ends it. One of twenty hosts dies
// in the middle, and one falls asleep until somebody else has taken the run over.
func (r *race) carryOut(ctx context.Context, h *clusterHost, run Run, random *rand.Rand) {
	r.mu.Lock()
	r.told.claims[fmt.Sprint(run.ID, " ", run.Fence)]++
	r.mu.Unlock()
	for range clusterChunks {
		switch random.IntN(20 * clusterChunks) {
		case 0:
			return
		case 1:
			r.sleepOver(ctx, h, run)
		}
		if err := r.mark(ctx, h, run); err != nil {
			r.note("write a chunk", err)
			return
		}
		if err := h.RenewLease(ctx, run, clusterLease); err != nil {
			r.note("renew a lease", err)
			if errors.Is(err, ErrLeaseLost) {
				return
			}
		}
	}
	run.Status = StatusSucceeded
	if err := h.FinishRun(ctx, &run); err != nil {
		r.note("finish a run", err)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told.ends[run.ID]++
}

// sleepOver returns when the run is somebody else's.
func (r *race) sleepOver(ctx context.Context, h *clusterHost, run Run) {
	for ctx.Err() == nil {
		now, err := h.Run(ctx, run.ID)
		if err == nil && now.Fence > run.Fence && now.Status != StatusQueued {
			return
		}
		_ = sleep(ctx, 100*time.Millisecond)
	}
}

// mark writes a row under the run's fence, with its place in the order of all writes for
// the tenant.
func (r *race) mark(ctx context.Context, h *clusterHost, run Run) error {
	key := ""
	err := h.write(ctx, "mark", func(ctx context.Context, tx bunTx) error {
		key = ""
		fenced, err := tx.ExecContext(ctx, "UPDATE crm_runs SET chunks = LAST_INSERT_ID(chunks + 1) WHERE id = ? AND fence = ? AND status = 'running'", run.ID, run.Fence)
		if err != nil {
			return err
		}
		if err := leaseHeld(fenced); err != nil {
			return err
		}
		number, err := fenced.LastInsertId()
		if err != nil {
			return err
		}
		place, err := tx.ExecContext(ctx, "UPDATE lab_tenants SET seq = LAST_INSERT_ID(seq + 1) WHERE tenant_id = ?", run.TenantID)
		if err != nil {
			return err
		}
		seq, err := place.LastInsertId()
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO lab_marks VALUES (?, ?, ?, ?, ?, ?)", run.TenantID, seq, run.ID, number, run.Fence, h.name)
		key = fmt.Sprint(run.ID, " ", number, " ", run.Fence)
		return err
	})
	if key == "" {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.told.marks[key] = true
	} else {
		r.told.unknown[key] = true
	}
	return err
}

// pending counts the slots whose run has not ended.
func (r *race) pending(ctx context.Context) (int, error) {
	var n int
	err := r.hosts[0].read(ctx, "count", func(ctx context.Context) error {
		return r.hosts[0].DB().NewRaw(`SELECT ? - COUNT(*) FROM crm_slots AS l JOIN crm_runs AS r ON r.id = l.run_id WHERE r.status = 'succeeded'`,
			clusterTenants*clusterSlots).Scan(ctx, &n)
	})
	return n, err
}

// run lets all hosts work until every slot's run has ended; meanwhile disturb is called
// once, when some have.
func (r *race) run(disturb func()) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 4*time.Minute)
	defer cancel()
	var hosts sync.WaitGroup
	for i, h := range r.hosts {
		hosts.Go(func() { r.schedule(ctx, h) })
		hosts.Go(func() { r.work(ctx, h, rand.New(rand.NewPCG(r.seed, uint64(2*i)))) })
		hosts.Go(func() { r.foreground(ctx, h, rand.New(rand.NewPCG(r.seed, uint64(2*i+1)))) })
	}
	for disturbed := false; ; {
		left, err := r.pending(ctx)
		if err == nil && left < clusterTenants*clusterSlots-3 && !disturbed {
			disturbed = true
			disturb()
		}
		if err == nil && left == 0 {
			break
		}
		if sleep(ctx, 100*time.Millisecond) != nil {
			r.t.Errorf("%d slots are not done: %v", left, err)
			break
		}
	}
	cancel()
	hosts.Wait()
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
	rounds := 1
	if text := os.Getenv("ROUNDS"); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	var all []uint64
	for range rounds {
		all = append(all, rand.Uint64N(1_000_000))
	}
	return all
}

func TestClusterStore(t *testing.T) {
	for _, kind := range cluster.Kinds(t) {
		t.Run(string(kind), func(t *testing.T) {
			c := cluster.New(t, kind)
			t.Run("another node", func(t *testing.T) { readsOfAnotherNode(t, c) })
			t.Run("clocks", func(t *testing.T) { clocksOfNodesDiffer(t, c) })
			if kind == cluster.Galera {
				t.Run("round robin", func(t *testing.T) { everyStatementAtAnotherNode(t, c) })
			} else {
				t.Run("secondary", func(t *testing.T) { aSecondaryTakesNothing(t, c) })
			}
			for _, seed := range seeds(t) {
				if !t.Run(fmt.Sprint("slots run once, TEST_SEED=", seed), func(t *testing.T) { round(t, c, seed) }) {
					return // the cluster may be in any state
				}
			}
		})
	}
}

// round kills the node that the first host works on, and brings it back, while
// connections are cut in the middle of what they do.
func round(t *testing.T, c *cluster.Cluster, seed uint64) {
	r := newRace(t, c, seed)
	for i, h := range r.hosts {
		for n, beginning := range []string{"UPDATE crm_runs SET", "INSERT INTO crm_", "COMMIT"} {
			h.road.Rule(proxy.Match{Statement: beginning}, proxy.CutOneIn(30, seed+uint64(10*i+n)))
		}
	}
	r.run(func() {
		victim, err := c.Writer(t.Context())
		if err == nil {
			err = c.Kill(t.Context(), victim)
		}
		if err == nil {
			err = c.Start(t.Context(), victim)
		}
		if err != nil {
			t.Error(err)
		}
	})
	if err := c.Whole(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.check()
}
