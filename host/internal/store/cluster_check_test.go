//go:build cluster

package store

import (
	"fmt"
	"maps"
	"slices"

	"booking/shared/testdb"
)

// mark is a row that a run wrote.
type mark struct {
	Tenant, Seq, Run, Number, Fence int64
	Host                            string
}

// check holds the database against what must be true of it, and against what the hosts
// were told.
func (r *race) check() {
	r.t.Helper()
	if err := r.c.Agree(r.t.Context(), r.name); err != nil {
		r.t.Fatal(err)
	}
	r.checkSlots()
	marks := r.marks()
	r.checkOrder(marks)
	r.checkTold(marks)
	r.t.Logf("%d marks, %d that nobody knows of", len(marks), len(r.told.unknown))
	for _, what := range slices.Sorted(maps.Keys(r.faults)) {
		r.t.Logf("%4d x %s", r.faults[what], what)
	}
}

func (r *race) checkSlots() {
	r.t.Helper()
	for what, query := range map[string]string{
		"slots": "SELECT COUNT(*) FROM crm_slots WHERE status = 'started'",
		"slots whose run was carried out": `SELECT COUNT(*) FROM crm_slots AS l JOIN crm_runs AS r ON r.id = l.run_id AND r.tenant_id = l.tenant_id
			WHERE r.status = 'succeeded' AND r.started_by = 'schedule'`,
	} {
		if n := r.number(query); n != clusterSlots*clusterTenants {
			r.t.Errorf("%d %s of %d", n, what, clusterSlots*clusterTenants)
		}
	}
	for what, query := range map[string]string{
		"runs of the schedule without a slot": `SELECT COUNT(*) FROM crm_runs AS r LEFT JOIN crm_slots AS l ON l.run_id = r.id
			WHERE r.started_by = 'schedule' AND r.status <> 'reserved' AND l.run_id IS NULL`,
		"reserved runs that began": "SELECT COUNT(*) FROM crm_runs WHERE status = 'reserved' AND (chunks > 0 OR attempt > 0)",
		"runs with a wrong number of chunks": `SELECT COUNT(*) FROM crm_runs AS r WHERE r.chunks <> (SELECT COUNT(*) FROM lab_marks AS m WHERE m.run_id = r.id)
			OR (r.status = 'succeeded' AND r.chunks < 4)`,
	} {
		if n := r.number(query); n != 0 {
			r.t.Errorf("%d %s", n, what)
		}
	}
}

func (r *race) number(query string) (n int) {
	r.t.Helper()
	if err := r.hosts[0].DB().NewRaw(query).Scan(r.t.Context(), &n); err != nil {
		r.t.Fatalf("%s: %v", query, err)
	}
	return n
}

func (r *race) marks() (all []mark) {
	r.t.Helper()
	db := testdb.Open(r.t, r.c.Config(0, r.name).FormatDSN())
	rows, err := db.QueryContext(r.t.Context(), "SELECT tenant_id, seq, run_id, number, fence, host FROM lab_marks ORDER BY tenant_id, seq")
	if err != nil {
		r.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var m mark
		if err := rows.Scan(&m.Tenant, &m.Seq, &m.Run, &m.Number, &m.Fence, &m.Host); err != nil {
			r.t.Fatal(err)
		}
		all = append(all, m)
	}
	if err := rows.Err(); err != nil {
		r.t.Fatal(err)
	}
	return all
}

// checkOrder: of a tenant never two write by turns. Whoever (run and fence) has written
// and been followed by somebody else writes no more.
func (r *race) checkOrder(marks []mark) {
	r.t.Helper()
	over := map[string]bool{}
	before := mark{}
	for _, m := range marks {
		if m.Tenant != before.Tenant {
			before = mark{Tenant: m.Tenant}
		}
		if m.Seq != before.Seq+1 {
			r.t.Errorf("tenant %d: write %d follows write %d", m.Tenant, m.Seq, before.Seq)
		}
		if m.Run != before.Run || m.Fence != before.Fence {
			over[fmt.Sprint(before.Run, " ", before.Fence)] = true
		}
		if over[fmt.Sprint(m.Run, " ", m.Fence)] {
			r.t.Errorf("tenant %d: %+v wrote although somebody else had begun", m.Tenant, m)
		}
		if m.Run == before.Run && m.Fence < before.Fence {
			r.t.Errorf("tenant %d: %+v wrote after fence %d", m.Tenant, m, before.Fence)
		}
		before = m
	}
}

// checkTold: nobody was told what is not so.
func (r *race) checkTold(marks []mark) {
	r.t.Helper()
	there := map[string]bool{}
	for _, m := range marks {
		key := fmt.Sprint(m.Run, " ", m.Number, " ", m.Fence)
		there[key] = true
		if !r.told.marks[key] && !r.told.unknown[key] {
			r.t.Errorf("%+v is there and nobody wrote it", m)
		}
	}
	for key := range r.told.marks {
		if !there[key] {
			r.t.Errorf("mark %s was acknowledged and is not there", key)
		}
	}
	for key, n := range r.told.slots {
		if n != 1 {
			r.t.Errorf("slot %s was given %d times", key, n)
		}
	}
	for key, n := range r.told.claims {
		if n != 1 {
			r.t.Errorf("run and fence %s were claimed %d times", key, n)
		}
	}
	for run, n := range r.told.ends {
		if n != 1 {
			r.t.Errorf("run %d ended %d times", run, n)
		}
	}
}
