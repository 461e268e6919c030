//go:build cluster

package store

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"booking/shared/crm"
	"booking/shared/secret"
	"booking/shared/testdb/cluster"
	"booking/shared/testdb/proxy"
)

// at opens the database at a node, with a session variable if one is given.
func (r *race) at(node int, name, value string) *Store {
	r.t.Helper()
	config := r.c.Config(node, r.name)
	if name != "" {
		config.Params = map[string]string{name: value}
	}
	return r.open(config.FormatDSN())
}

func (r *race) open(dsn string) *Store {
	r.t.Helper()
	s, err := Open(r.t.Context(), secret.New(dsn), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = s.Close() })
	return s
}

// upToDate is what a DSN has to say so that a session reads what was written anywhere.
func upToDate(kind cluster.Kind) (name, value string) {
	if kind == cluster.Galera {
		return "wsrep_sync_wait", "7"
	}
	return "group_replication_consistency", "'BEFORE'"
}

// What one host writes another one may not see at once at its node, unless it asks so.
func readsOfAnotherNode(t *testing.T, c *cluster.Cluster) {
	r := newRace(t, c, 0)
	writer, err := c.Writer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	there := (writer + 1) % cluster.Nodes
	name, value := upToDate(c.Kind)
	here, late, waits := r.at(writer, "", ""), r.at(there, "", ""), r.at(there, name, value)
	for what, reader := range map[string]*Store{"as it is": late, "up to date": waits} {
		unseen := 0
		for range 50 {
			written, err := here.AddTenant(t.Context(), "Ромашка")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := reader.Tenant(t.Context(), written.ID); errors.Is(err, ErrNotFound) {
				unseen++
			} else if err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("%s: %d of 50 rows were not seen at once", what, unseen)
		if reader == waits && unseen != 0 {
			t.Error("a session that waits must see them all")
		}
	}
}

// A lease is judged by the clock of the node that is asked. One that is a minute ahead
// takes a run over from a host that lives; even so only one of them can write.
func clocksOfNodesDiffer(t *testing.T, c *cluster.Cluster) {
	r := newRace(t, c, 0)
	writer, err := c.Writer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	node := writer
	if c.Kind == cluster.Galera {
		node = (writer + 1) % cluster.Nodes
	}
	right := &clusterHost{r.at(writer, "", ""), "right", nil}
	ahead := &clusterHost{r.at(node, "timestamp", fmt.Sprint(time.Now().Add(time.Minute).Unix())), "ahead", nil}
	run := Run{TenantID: 1, Plugin: "acme", Mode: crm.ModeApply, Trigger: "schedule"}
	if _, err := right.EnqueueRun(t.Context(), &run); err != nil {
		t.Fatal(err)
	}
	if mine, err := right.ClaimRun(t.Context(), &run, right.name, 30*time.Second); err != nil || !mine {
		t.Fatalf("claim: %v, error %v", mine, err)
	}
	if err := c.Agree(t.Context(), r.name); err != nil {
		t.Fatal(err)
	}
	again := run
	if mine, err := ahead.ClaimRun(t.Context(), &again, ahead.name, 30*time.Second); err != nil || !mine || again.Attempt != 2 {
		t.Fatalf("take over: %v, %+v, error %v", mine, again, err)
	}
	if err := r.mark(t.Context(), ahead, again); err != nil {
		t.Error(err)
	}
	if err := c.Agree(t.Context(), r.name); err != nil {
		t.Fatal(err)
	}
	if err := r.mark(t.Context(), right, run); !errors.Is(err, ErrLeaseLost) {
		t.Errorf("the first host wrote: %v", err)
	}
	if err := right.RenewLease(t.Context(), run, time.Minute); !errors.Is(err, ErrLeaseLost) {
		t.Errorf("the first host renewed its lease: %v", err)
	}
}

// A router that sends each connection to another node breaks what a host relies on, its
// own writes, unless every statement waits.
func everyStatementAtAnotherNode(t *testing.T, c *cluster.Cluster) {
	r := newRace(t, c, 0)
	var turn atomic.Int64
	road := proxy.NewRouter(t, func() (*mysql.Config, error) { return c.Config(int(turn.Add(1)%cluster.Nodes), r.name), nil })
	late, waits := c.Config(0, r.name), c.Config(0, r.name)
	waits.Params = map[string]string{"wsrep_sync_wait": "7"}
	tenant := int64(100) // each run has one of its own: a lost one stays until its lease ends
	for what, config := range map[string]*mysql.Config{"as it is": late, "up to date": waits} {
		s := r.open(road.Through(config))
		s.DB().SetMaxIdleConns(0)
		failed := map[string]int{}
		for range 20 {
			tenant++
			run := Run{TenantID: tenant, Plugin: "acme", Mode: crm.ModeApply, Trigger: "button"}
			if err := wholeLife(t, s, &run); err != nil {
				failed[err.Error()]++
			}
		}
		t.Logf("%s: %v", what, failed)
		if config == waits && len(failed) != 0 {
			t.Error("a session that waits must not fail")
		}
	}
}

// wholeLife queues, claims and ends a run.
func wholeLife(t *testing.T, s *Store, run *Run) error {
	if _, err := s.EnqueueRun(t.Context(), run); err != nil {
		return fmt.Errorf("queue: %w", err)
	}
	if mine, err := s.ClaimRun(t.Context(), run, "host", time.Minute); err != nil || !mine {
		return errors.Join(fmt.Errorf("claim: %v", mine), err)
	}
	if err := s.RenewLease(t.Context(), *run, time.Minute); err != nil {
		return fmt.Errorf("renew: %w", err)
	}
	run.Status = StatusSucceeded
	return s.FinishRun(t.Context(), run)
}

// A host whose DSN leads to a secondary can read, and is told why it cannot write.
func aSecondaryTakesNothing(t *testing.T, c *cluster.Cluster) {
	r := newRace(t, c, 0)
	writer, err := c.Writer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := r.at((writer+1)%cluster.Nodes, "", "")
	s.Patience = 600 * time.Millisecond
	if _, err := s.Tenants(t.Context()); err != nil {
		t.Errorf("read: %v", err)
	}
	_, transaction := s.AddTenant(t.Context(), "Ромашка")
	statement := s.StartRun(t.Context(), &Run{TenantID: 1, Plugin: "acme", Mode: crm.ModeApply, Trigger: "cli"}, time.Minute)
	for what, err := range map[string]error{"a transaction": transaction, "a statement": statement} {
		if crm.CodeOf(err) != crm.CodeDatabase {
			t.Errorf("%s: %v", what, err)
			continue
		}
		wantText(t, err, "только на чтение", "takes no writes")
	}
}
