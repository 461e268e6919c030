package usersync

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestRandomWorldsAgainstTheDatabase runs the planner's random worlds end to end, in
// chunks of two people: nobody of another tenant is touched, no two rows have one
// e-mail (the unique key sees to that; the run must not fail on it), passwords and
// roles stay, the second run writes nothing.
func TestRandomWorldsAgainstTheDatabase(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.chunkRows = 2
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 7))
		w := randomWorld(random.IntN)
		h.furnish(w)
		foreign := h.bytes("WHERE COALESCE(tenant_id, 0) <> 1")
		held := h.table("id, password, role, is_active, COALESCE(created_at, '-')", "WHERE tenant_id = 1")
		h.options = w.options

		result, events := h.sync(w.people...)
		wantLines(t, "foreign rows", h.bytes("WHERE COALESCE(tenant_id, 0) <> 1"), foreign...)
		kept := h.table("id, password, role, is_active, COALESCE(created_at, '-')", "WHERE tenant_id = 1 AND password = 'unhashed'")
		wantLines(t, "passwords and roles", kept, held...)
		if result.Fetched != len(w.people) {
			t.Errorf("seed %d: %+v of %d people", seed, result, len(w.people))
		}
		if n := len(h.lines("SELECT id FROM crm_changes")); n != len(events.changes) {
			t.Errorf("seed %d: %d events, %d records", seed, len(events.changes), n)
		}
		if parked := h.table("email", "WHERE email LIKE '%.parked.invalid'"); len(parked) > 0 {
			t.Errorf("seed %d: still parked: %q", seed, parked)
		}

		before := h.bytes("")
		again, _ := h.sync(w.people...)
		if again.Created+again.Updated != 0 || again.Synced() != result.Synced() || again.Conflicts != result.Conflicts || again.Skipped != result.Skipped {
			t.Errorf("seed %d: %s\nfirst %+v\nsecond %+v", seed, describe(w), result, again)
		}
		wantLines(t, "the second run", h.bytes(""), before...)
		if t.Failed() {
			t.Fatalf("seed %d:\n%s", seed, describe(w))
		}
	}
}

// furnish makes the tables hold a world. The stand-in collation of the planner's
// tests is coarser than the real one nowhere that matters; a row that the unique key
// refuses is left out.
func (h *house) furnish(w world) {
	h.t.Helper()
	for _, table := range []string{"crm_runs", "crm_changes", "users"} {
		h.exec("DELETE FROM " + table)
	}
	insert := func(id, tenant, link any, r Row) {
		_, err := h.admin.Exec("INSERT INTO users (id, tenant_id, name, email, bitrix24_user_id, role, phone, position, password, created_at, updated_at)"+
			" VALUES (?, ?, ?, ?, ?, ?, NULLIF(?, ''), NULLIF(?, ''), 'unhashed', '2020-01-01 00:00:00', '2020-01-01 00:00:00')",
			id, tenant, r.Name, r.Email, link, r.Role, r.Phone, r.Position)
		if err != nil && serverError(err) != 1062 {
			h.t.Fatalf("%+v: %v", r, err)
		}
	}
	rows := slices.SortedFunc(slices.Values(w.rows), func(a, b Row) int { return int(a.ID - b.ID) })
	for _, r := range rows {
		insert(r.ID, h.tenant, r.Link, r)
	}
	for i, email := range w.foreign {
		insert(1000+i, 2, fmt.Sprint(i+1), Row{Name: "Foreign", Email: email, Role: "employee"})
	}
}
