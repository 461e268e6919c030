//go:build cluster

package usersync

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"booking/migrations"
	"booking/shared/crm"
	"booking/shared/secret"
	"booking/shared/testdb"
	"booking/shared/testdb/cluster"
	"booking/shared/testdb/proxy"
)

// chunkCommit is the COMMIT of a chunk.
var chunkCommit = proxy.Match{Statement: "COMMIT", First: "UPDATE `crm_runs` "}

// estate is a database on a cluster with an engine that reaches it through a router.
type estate struct {
	*house
	c    *cluster.Cluster
	name string
	road *proxy.Proxy
}

func newEstate(t *testing.T, c *cluster.Cluster) *estate {
	t.Helper()
	e := &estate{c: c, name: c.NewDatabase(t), road: c.Router(t, 0)}
	dsn := e.road.Through(c.Config(0, e.name))
	db, err := OpenDB(secret.New(dsn))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	for _, set := range []migrations.Set{migrations.Host, migrations.Usersync, migrations.Bitrix24} {
		if _, err := set.Up(t.Context(), db); err != nil {
			t.Fatal(err)
		}
	}
	// What the test itself asks goes another way.
	own := c.Config(0, e.name)
	own.RejectReadOnly = true
	e.house = &house{t: t, dsn: dsn, tenant: 1, admin: testdb.Open(t, c.Router(t, 0).Through(own))}
	e.engine = &Engine{DB: db, Column: link, Clock: func() time.Time { return noon }, chunkRows: 20}
	for tenant := 1; tenant <= 20; tenant++ {
		e.exec("INSERT INTO tenants (id, name) VALUES (?, 'T')", tenant)
	}
	return e
}

func (e *estate) must(err error) {
	e.t.Helper()
	if err != nil {
		e.t.Fatal(err)
	}
}

// staff is that many people of a tenant.
func staff(tenant int64, n int) (people listed) {
	for i := range n {
		people = append(people, named(fmt.Sprint(i+1), "N", fmt.Sprintf("p%d@t%d", i+1, tenant)))
	}
	return people
}

// ending is how a run ended.
type ending struct {
	result crm.SyncResult
	events *listener
	err    error
}

// begin starts a run and returns where its end is told.
func (e *estate) begin(request Request, people listed) <-chan ending {
	told := make(chan ending, 1)
	go func() {
		events := &listener{}
		result, err := e.engine.Run(context.Background(), request, people, events)
		told <- ending{result, events, err}
	}()
	return told
}

// reached waits until a chunk is held.
func (e *estate) reached(h *proxy.Hold, told <-chan ending) {
	e.t.Helper()
	select {
	case <-h.Reached():
	case end := <-told:
		e.t.Fatalf("the run ended before: %v", end.err)
	}
}

// takeOver takes the run from its host at a node, as the host's store does, and returns
// how many people of the tenant are written at that moment.
func (e *estate) takeOver(node int, request Request) (people int) {
	e.t.Helper()
	db := testdb.Open(e.t, e.c.Config(node, e.name).FormatDSN())
	for {
		err := takeFence(e.t.Context(), db, request)
		if err == nil {
			break
		}
		if !IsContention(err) {
			e.t.Fatalf("take a run over: %v", err)
		}
	}
	e.must(db.QueryRow("SELECT COUNT(*) FROM users WHERE tenant_id = ?", request.Tenant.ID).Scan(&people))
	return people
}

func takeFence(ctx context.Context, db *sql.DB, request Request) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for _, statement := range []string{"SELECT id FROM crm_runs WHERE id = ? FOR UPDATE", "UPDATE crm_runs SET fence = fence + 1 WHERE id = ?"} {
		if _, err := tx.ExecContext(ctx, statement, request.RunID); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// whole waits for all nodes and holds people and history against each other.
func (e *estate) whole(tenant int64, people int) {
	e.t.Helper()
	e.must(e.c.Whole(e.t.Context()))
	e.must(e.c.Agree(e.t.Context(), e.name))
	wantLines(e.t, "people, links, history", e.lines(`SELECT CONCAT_WS(' ', COUNT(*), COUNT(DISTINCT `+link+`), (SELECT COUNT(*) FROM crm_changes AS c
		JOIN users AS w ON w.id = c.user_id AND w.tenant_id = c.tenant_id AND w.`+link+` = c.external_id WHERE c.tenant_id = ? AND c.action = 'created'))
		FROM users WHERE tenant_id = ?`, tenant, tenant), fmt.Sprintf("%d %[1]d %[1]d", people))
}

func TestClusterEngine(t *testing.T) {
	for _, kind := range cluster.Kinds(t) {
		t.Run(string(kind), func(t *testing.T) {
			c := cluster.New(t, kind)
			for _, one := range []struct {
				name string
				kind cluster.Kind // "": any
				test func(*testing.T, *cluster.Cluster)
			}{
				{"whoever takes over is the last to see it write", "", takeOverIsTheLast},
				{"a primary that is handed over is followed", cluster.Group, primaryHandedOver},
				{"a run outlives the node it writes to", "", runOutlivesItsNode},
				{"a run of a node that was silent writes nothing more", "", silentNodeWritesNothing},
			} {
				if one.kind != "" && one.kind != kind {
					continue
				}
				if !t.Run(one.name, func(t *testing.T) { one.test(t, c) }) {
					return // the cluster may be in any state
				}
			}
		})
	}
}

// The node is killed when a chunk is to be committed there; connections are cut at other
// COMMITs as well, before and after.
func runOutlivesItsNode(t *testing.T, c *cluster.Cluster) {
	e := newEstate(t, c)
	const people = 400
	e.road.Rule(chunkCommit, proxy.CutOneIn(6, 1))
	held := e.road.Hold(chunkCommit, 9, proxy.Before)
	told := e.begin(e.request(), staff(1, people))
	e.reached(held, told)
	victim, err := c.Writer(t.Context())
	e.must(err)
	e.must(c.Kill(t.Context(), victim))
	held.Drop()
	end := <-told
	if end.err != nil || end.result.Counts != (crm.Counts{Fetched: people, Created: people}) {
		t.Fatalf("result %+v, error %v", end.result, end.err)
	}
	e.must(c.Start(t.Context(), victim))
	e.whole(1, people)
	wantLines(t, "chunks", e.lines("SELECT chunks FROM crm_runs"), fmt.Sprint(people/20))
	ids := map[string]string{}
	for _, line := range e.lines("SELECT CONCAT(" + link + ", ' ', id) FROM users") {
		link, id, _ := strings.Cut(line, " ")
		ids[link] = id
	}
	for _, change := range end.events.changes {
		if fmt.Sprint(change.UserID) != ids[change.ExternalID] {
			t.Errorf("person %s was reported as #%d and is #%s", change.ExternalID, change.UserID, ids[change.ExternalID])
		}
	}
}

// The node is stopped with a chunk's COMMIT on its way, the others go on without it, and
// the run is taken over there. When the node wakes up it finds the COMMIT waiting.
func silentNodeWritesNothing(t *testing.T, c *cluster.Cluster) {
	e := newEstate(t, c)
	held := e.road.Hold(chunkCommit, 3, proxy.Before)
	request := e.request()
	told := e.begin(request, staff(1, 200))
	e.reached(held, told)
	silent, err := c.Writer(t.Context())
	e.must(err)
	c.Stop(silent)
	t.Cleanup(func() { c.Cont(silent) })
	e.must(c.WaitMembers(t.Context(), (silent+1)%cluster.Nodes, cluster.Nodes-1))
	next, err := c.Writer(t.Context())
	e.must(err)
	written := e.takeOver(next, request)
	held.GoOn()
	c.Cont(silent)
	if end := <-told; !errors.Is(end.err, ErrFenced) {
		t.Errorf("the run ended with %v", end.err)
	}
	if written != 40 {
		t.Errorf("%d people were written before", written)
	}
	e.whole(1, written)
}

// One host writes at one node, another one takes the run over at another node in the
// very moment of a COMMIT. Whoever wins: what is written when the takeover is done is
// all there ever is.
func takeOverIsTheLast(t *testing.T, c *cluster.Cluster) {
	e := newEstate(t, c)
	const people = 200
	other := 0
	if c.Kind == cluster.Galera {
		other = 1
	}
	outcomes := map[int]int{}
	for tenant := int64(1); tenant <= 20; tenant++ {
		e.tenant = tenant
		e.road.Forget()
		held := e.road.Hold(chunkCommit, 3, proxy.Before)
		request := e.request()
		e.must(c.Agree(t.Context(), e.name)) // the other node has the run
		told := e.begin(request, staff(tenant, people))
		e.reached(held, told)
		if c.Kind == cluster.Group {
			var err error
			other, err = c.Writer(t.Context())
			e.must(err)
		}
		var both sync.WaitGroup
		both.Go(func() { held.GoOn() })
		written := e.takeOver(other, request)
		both.Wait()
		// A takeover that comes after the last chunk stops nobody.
		if end := <-told; !errors.Is(end.err, ErrFenced) && (end.err != nil || written < people) {
			t.Errorf("tenant %d: the run ended with %v, taken over after %d people", tenant, end.err, written)
		}
		outcomes[written]++
		e.must(c.Agree(t.Context(), e.name))
		wantLines(t, "people at last", e.lines("SELECT COUNT(*) FROM users WHERE tenant_id = ?", tenant), fmt.Sprint(written))
	}
	t.Logf("people written when the run was taken over: %v", outcomes)
}

// The engine's pool holds connections to the old primary, which goes on as a secondary.
func primaryHandedOver(t *testing.T, c *cluster.Cluster) {
	e := newEstate(t, c)
	e.sync(staff(1, 60)...)
	old, err := c.Writer(t.Context())
	e.must(err)
	var next string
	e.must(c.Root((old + 1) % cluster.Nodes).QueryRow("SELECT @@server_uuid").Scan(&next))
	_, err = c.Root(old).Exec("SELECT group_replication_set_as_primary(?)", next)
	e.must(err)
	tries := 0
	e.engine.Sleep = func(ctx context.Context, _ time.Duration) error {
		tries++
		return ctx.Err()
	}
	result, _ := e.sync(staff(1, 120)...)
	if result.Created != 60 || tries > 4 { // as many as the pool keeps idle
		t.Errorf("result %+v after %d tries", result, tries)
	}
	e.whole(1, 120)
}
