package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"booking/shared/crm"
)

// connectedTenant makes a tenant whose connection is complete, connected some hours ago.
func (b bundle) connectedTenant(t *testing.T, name string, hoursAgo int) int64 {
	t.Helper()
	tenant := b.tenant(t, name)
	b.exec(t, `INSERT INTO crm_connections (tenant_id, plugin, enabled, portal, settings, created_at, updated_at)
		VALUES (?, 'p', 1, 'portal.example', '{}', UTC_TIMESTAMP(6) - INTERVAL ? HOUR, UTC_TIMESTAMP(6))`, tenant.ID, hoursAgo)
	return tenant.ID
}

func (b bundle) health(t *testing.T, tenant int64, status Status, failures int, successHoursAgo any, held bool, conflicts int) {
	t.Helper()
	b.exec(t, `INSERT INTO crm_tenant_health (tenant_id, run_id, status, finished_at, failures, success_at, held, conflicts)
		VALUES (?, 1, ?, UTC_TIMESTAMP(6), ?, UTC_TIMESTAMP(6) - INTERVAL ? HOUR, ?, ?)`, tenant, string(status), failures, successHoursAgo, held, conflicts)
}

func TestTotalsAndTheWorstTenants(t *testing.T) {
	t.Parallel()
	b := setup(t)
	fine := b.connectedTenant(t, "fine", 100)
	b.health(t, fine, StatusSucceeded, 0, 1, false, 2)
	failing := b.connectedTenant(t, "failing", 100)
	b.health(t, failing, StatusFailed, 4, 80, true, 1)
	held := b.connectedTenant(t, "held", 100)
	b.health(t, held, StatusSucceeded, 0, 2, true, 0)
	stale := b.connectedTenant(t, "stale", 100)
	b.health(t, stale, StatusCancelled, 0, 50, false, 0)
	young := b.connectedTenant(t, "young", 1)
	never := b.connectedTenant(t, "never", 90)
	for _, off := range []string{"UPDATE crm_connections SET enabled = 0 WHERE tenant_id = ?", "UPDATE crm_connections SET portal = '' WHERE tenant_id = ?",
		"UPDATE tenants SET deleted_at = NOW() WHERE id = ?", "UPDATE tenants SET subscription_status = 'blocked' WHERE id = ?"} {
		id := b.connectedTenant(t, "off", 100)
		b.health(t, id, StatusFailed, 100, 90, true, 50)
		b.exec(t, off, id)
	}
	for i, status := range []Status{StatusQueued, StatusQueued, StatusReserved, StatusSucceeded} {
		b.exec(t, `INSERT INTO crm_runs (tenant_id, plugin, mode, started_by, status, requested_at) VALUES (?, 'p', 'apply', 'api', ?, UTC_TIMESTAMP(6) - INTERVAL ? HOUR)`, fine, string(status), i)
	}
	run := Run{TenantID: stale, Plugin: "p", Mode: crm.ModeApply, Trigger: "cli"}
	if err := b.StartRun(b.ctx, &run, time.Minute); err != nil {
		t.Fatal(err)
	}

	totals, err := b.HealthTotals(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	hours := func(at time.Time) int { return int(totals.Now.Sub(at).Round(time.Hour).Hours()) }
	if hours(totals.OldestSuccess) != 90 || hours(totals.OldestQueued) != 1 || time.Since(totals.Now).Abs() > time.Hour {
		t.Errorf("%+v", totals)
	}
	totals.Now, totals.OldestSuccess, totals.OldestQueued = time.Time{}, time.Time{}, time.Time{}
	want := HealthTotals{Connected: 6, Failing: 1, Held: 1, New: 2, OK: 2, Conflicts: 3, Queued: 2, Running: 1}
	if diff := cmp.Diff(want, totals); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}

	for _, c := range []struct {
		limit    int
		problems bool
		want     []int64
	}{
		{100, false, []int64{failing, held, never, stale, fine, young}},
		{2, false, []int64{failing, held}},
		{100, true, []int64{failing, held, never, stale}},
		{3, true, []int64{failing, held, never}},
	} {
		list, err := b.HealthList(b.ctx, c.limit, c.problems)
		var got []int64
		for _, h := range list {
			got = append(got, h.TenantID)
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("limit %d, problems %v: %v, want %v (%v)", c.limit, c.problems, got, c.want, err)
		}
	}
}

func TestTotalsOfAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	b := setup(t)
	totals, err := b.HealthTotals(b.ctx)
	if err != nil || totals.Connected != 0 || totals.OK != 0 || !totals.OldestSuccess.IsZero() || !totals.OldestQueued.IsZero() {
		t.Errorf("%v %+v", err, totals)
	}
}

// What a look costs does not grow with the history: it is never read.
func TestTotalsDoNotReadTheHistory(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.DB().SetMaxOpenConns(1) // the counters are a session's
	tenant := b.connectedTenant(t, "much history", 100)
	b.health(t, tenant, StatusSucceeded, 0, 1, false, 0)
	cost := func() int {
		t.Helper()
		before := b.rowsRead(t)
		if _, err := b.HealthTotals(b.ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := b.HealthList(b.ctx, 10, false); err != nil {
			t.Fatal(err)
		}
		return b.rowsRead(t) - before
	}
	cost() // opens the tables
	first := cost()
	one := fmt.Sprintf("(%d, 'p', 'apply', 'schedule', 'succeeded', UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))", tenant)
	b.exec(t, "INSERT INTO crm_runs (tenant_id, plugin, mode, started_by, status, requested_at, finished_at) VALUES "+strings.Repeat(one+", ", 499)+one)
	if after := cost(); after > first+50 || first == 0 {
		t.Errorf("%d rows read without history, %d with 500 runs", first, after)
	}
}

// rowsRead is how many rows the session has read from tables so far.
func (b bundle) rowsRead(t *testing.T) int {
	t.Helper()
	rows, err := b.DB().QueryContext(b.ctx, "SHOW SESSION STATUS LIKE 'Handler_read%'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	sum := 0
	for rows.Next() {
		var name string
		var value int
		if err := rows.Scan(&name, &value); err != nil {
			t.Fatal(err)
		}
		sum += value
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestPeopleAreCountedByLink(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ours, theirs, empty := b.tenant(t, "ours").ID, b.tenant(t, "theirs").ID, b.tenant(t, "empty").ID
	person := 0
	add := func(tenant int64, columns string, values ...any) {
		person++
		args := append([]any{tenant, fmt.Sprintf("p%d@x.example", person)}, values...)
		marks := ""
		for range values {
			marks += ", ?"
		}
		b.exec(t, "INSERT INTO users (tenant_id, name, email, password"+columns+") VALUES (?, 'x', ?, 'x'"+marks+")", args...)
	}
	add(ours, "")
	count := func(columns []string, tenants ...int64) map[int64][2]int {
		t.Helper()
		counts, err := b.CountPeople(b.ctx, columns, tenants)
		if err != nil {
			t.Fatal(err)
		}
		got := map[int64][2]int{}
		for _, c := range counts {
			got[c.TenantID] = [2]int{c.Linked, c.Unlinked}
		}
		return got
	}
	if got := count(nil, ours); got[ours] != [2]int{0, 1} {
		t.Errorf("before any CRM: %v", got)
	}
	b.exec(t, "ALTER TABLE users ADD COLUMN acme_user_id VARCHAR(255) NULL, ADD COLUMN zeta_user_id VARCHAR(255) NULL")
	add(ours, ", acme_user_id", "7")
	add(ours, ", acme_user_id", "")
	add(ours, ", zeta_user_id", "8")
	add(theirs, ", acme_user_id", "9")
	if got := count([]string{"acme_user_id"}, ours, empty); len(got) != 1 || got[ours] != [2]int{1, 3} {
		t.Errorf("one CRM: %v", got)
	}
	if got := count([]string{"acme_user_id", "zeta_user_id"}, ours, theirs); got[ours] != [2]int{2, 2} || got[theirs] != [2]int{1, 0} {
		t.Errorf("two CRMs: %v", got)
	}
}

// Runs that end: what the tenant's health says after each of them.
func TestTheEndOfARunIsNotedInTheTenantsHealth(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tenant := b.tenant(t, "Ромашка")
	end := func(mode crm.Mode, status Status, change func(*Run)) {
		t.Helper()
		run := Run{TenantID: tenant.ID, Plugin: "p", Mode: mode, Trigger: "cli", Host: "test"}
		if err := b.StartRun(b.ctx, &run, time.Minute); err != nil {
			t.Fatal(err)
		}
		run.Status = status
		if change != nil {
			change(&run)
		}
		if err := b.FinishRun(b.ctx, &run); err != nil {
			t.Fatal(err)
		}
	}
	type health struct {
		Status    Status
		Code      crm.Code
		Failures  int
		Succeeded bool
		Held      bool
		Conflicts int
	}
	check := func(what string, want health) TenantHealth {
		t.Helper()
		h, err := b.Health(b.ctx, tenant.ID)
		got := health{h.Status, h.ErrorCode, h.Failures, !h.SuccessAt.IsZero(), h.Held, h.Conflicts}
		if err != nil || got != want {
			t.Errorf("%s: %+v, want %+v (%v)", what, got, want, err)
		}
		return h
	}
	check("nothing yet", health{})
	end(crm.ModePreview, StatusSucceeded, nil)
	end(crm.ModePerson, StatusSucceeded, nil)
	check("a preview and one person", health{})
	fail := func(r *Run) { r.SetError(crm.CodeUnauthorized, crm.Text{RU: "нет", EN: "no"}) }
	end(crm.ModeApply, StatusFailed, fail)
	check("a failure", health{Status: StatusFailed, Code: crm.CodeUnauthorized, Failures: 1})
	end(crm.ModeApply, StatusPartial, func(r *Run) { r.Held, r.Conflicts, r.Fetched = true, 3, 3 })
	good := check("a success", health{Status: StatusPartial, Succeeded: true, Held: true, Conflicts: 3})
	end(crm.ModeApply, StatusFailed, fail)
	end(crm.ModeApply, StatusCancelled, nil)
	check("stopped by hand", health{Status: StatusCancelled, Failures: 1, Succeeded: true, Held: true, Conflicts: 3})
	// Its host dies.
	run := Run{TenantID: tenant.ID, Plugin: "p", Mode: crm.ModeApply, Trigger: "cli", Host: "test"}
	if err := b.StartRun(b.ctx, &run, time.Minute); err != nil {
		t.Fatal(err)
	}
	b.exec(t, "UPDATE crm_runs SET lease_until = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND WHERE id = ?", run.ID)
	if _, err := b.ActiveRun(b.ctx, tenant.ID); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	now := check("interrupted", health{Status: StatusInterrupted, Failures: 2, Succeeded: true, Held: true, Conflicts: 3})
	if !now.SuccessAt.Equal(good.SuccessAt) || now.RunID != run.ID || now.FinishedAt.Before(good.FinishedAt) {
		t.Errorf("%+v after %+v", now, good)
	}
	end(crm.ModeApply, StatusSucceeded, nil)
	check("good again", health{Status: StatusSucceeded, Succeeded: true})
}
