//go:build chaos || cluster

package chaos

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"booking/shared/testdb"
)

// The database itself notes what happens to it, in the transactions in which it happens:
// who claims a run, each chunk's check of the right to write, each person's row that is
// written and each record of it, and each end of a run; by which run, by the fence that the
// run had then, and by whose account. All but claims are numbered for each tenant, by a
// row that whoever writes must hold until the end of its transaction: the numbers are the
// order in which the transactions were committed.
var observers = []string{
	"CREATE TABLE chaos_turns (tenant_id BIGINT PRIMARY KEY, turn BIGINT NOT NULL)",
	"INSERT INTO chaos_turns SELECT id, 0 FROM tenants",
	`CREATE TABLE chaos_notes (tenant_id BIGINT, turn BIGINT, run_id BIGINT, fence BIGINT, what VARCHAR(20), account VARCHAR(40), at DATETIME(6), PRIMARY KEY (tenant_id, turn))`,
	"CREATE TABLE chaos_claims (run_id BIGINT, fence BIGINT, account VARCHAR(40), PRIMARY KEY (run_id, fence))",
	`CREATE TRIGGER chaos_runs AFTER UPDATE ON crm_runs FOR EACH ROW BEGIN
		IF NEW.chunks <> OLD.chunks THEN
			SET @chaos_run = NEW.id, @chaos_fence = NEW.fence;` + note("NEW.tenant_id", "NEW.id", "NEW.fence", "IF(NEW.status = 'running', 'chunk', 'late chunk')") + `
		END IF;
		IF NEW.status = 'running' AND NEW.fence <> OLD.fence THEN
			INSERT INTO chaos_claims VALUES (NEW.id, NEW.fence, ` + writer + `);
		END IF;
		IF NEW.finished_at IS NOT NULL AND (OLD.finished_at IS NULL OR NEW.status <> OLD.status OR NEW.fence <> OLD.fence) THEN
			` + note("NEW.tenant_id", "NEW.id", "OLD.fence", "NEW.status") + `
		END IF;
	END`,
	`CREATE TRIGGER chaos_users_insert AFTER INSERT ON users FOR EACH ROW BEGIN ` + note("NEW.tenant_id", "@chaos_run", "@chaos_fence", "'insert'") + ` END`,
	`CREATE TRIGGER chaos_users_update AFTER UPDATE ON users FOR EACH ROW BEGIN ` + note("NEW.tenant_id", "@chaos_run", "@chaos_fence", "'update'") + ` END`,
	`CREATE TRIGGER chaos_changes AFTER INSERT ON crm_changes FOR EACH ROW BEGIN ` +
		note("NEW.tenant_id", "NEW.run_id", "@chaos_fence", "IF(NEW.run_id = @chaos_run, 'record', 'stray record')") + ` END`,
}

// note is the statements that note something.
func note(tenant, run, fence, what string) string {
	return fmt.Sprintf(`
			UPDATE chaos_turns SET turn = turn + 1 WHERE tenant_id = %[1]s;
			INSERT INTO chaos_notes SELECT tenant_id, turn, %[2]s, %[3]s, %[4]s, %[5]s, SYSDATE(6) FROM chaos_turns WHERE tenant_id = %[1]s;`, tenant, run, fence, what, writer)
}

// writer is the account of whoever does it, in SQL: each host has its own.
const writer = "SUBSTRING_INDEX(USER(), '@', 1)"

func (r *round) observe() {
	r.t.Helper()
	db := r.opened()
	defer db.Close()
	for _, statement := range observers {
		execute(r.t, db, statement)
	}
}

// opened is the round's database, when the servers are well.
func (r *round) opened() *sql.DB {
	r.t.Helper()
	db, err := r.ground.open(r.t.Context(), r.database)
	if err != nil {
		r.t.Fatal(err)
	}
	return db
}

// query is lines of the round's database.
func (r *round) query(statement string) []string {
	r.t.Helper()
	db := r.opened()
	defer db.Close()
	return lines(r.t, db, statement)
}

// none fails for each line of a query.
func (r *round) none(what, statement string) {
	r.t.Helper()
	if found := r.query(statement); len(found) > 0 {
		r.t.Errorf("%d %s:\n%s", len(found), what, strings.Join(found[:min(len(found), 10)], "\n"))
	}
}

// ending is true of a run that did what its slot wanted, or whose last retry did.
const ending = `r.status IN ('succeeded', 'partial') OR (r.status IN ('failed', 'interrupted') AND EXISTS (
	SELECT 1 FROM crm_runs AS good WHERE good.tenant_id = r.tenant_id AND good.id > r.id AND good.mode = 'apply' AND good.status IN ('succeeded', 'partial')))`

// checkSlots: each slot that was due has been dealt with. It has one run, which came to
// its end, or it was missed and the tenant's run of a newer one made up for it. (A failed
// run counts when it was tried again, or overtaken by a newer slot, with success.)
func (r *round) checkSlots() {
	r.t.Helper()
	var want []string
	for _, s := range r.slots {
		want = append(want, s.String())
	}
	got := r.query("SELECT CONCAT(tenant_id, ' ', DATE_FORMAT(slot_at, '%Y-%m-%d %H:%i:%s')) FROM crm_slots WHERE task = 'sync-users'")
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		r.t.Errorf("%d slots, want %d", len(got), len(want))
	}
	r.none("slots without a run that came to its end", `SELECT l.tenant_id, l.slot_at, l.run_id, r.status, r.error_code FROM crm_slots AS l
		LEFT JOIN crm_runs AS r ON r.id = l.run_id AND r.tenant_id = l.tenant_id WHERE l.status = 'started' AND COALESCE(`+ending+`, 0) = 0`)
	r.none("missed slots that no later one makes up for", `SELECT l.tenant_id, l.slot_at FROM crm_slots AS l WHERE l.status = 'missed'
		AND NOT EXISTS (SELECT 1 FROM crm_slots AS n WHERE n.tenant_id = l.tenant_id AND n.status = 'started' AND n.slot_at > l.slot_at)`)
	r.none("runs of the schedule without a slot", `SELECT r.id, r.tenant_id, r.status FROM crm_runs AS r LEFT JOIN crm_slots AS l ON l.run_id = r.id
		WHERE r.started_by = 'schedule' AND r.retry = 0 AND r.status <> 'reserved' AND l.run_id IS NULL`)
	r.none("reserved runs that began", "SELECT id FROM crm_runs WHERE status = 'reserved' AND (chunks > 0 OR attempt > 0)")
	r.none("runs that are not over", "SELECT id, tenant_id, status, attempt, host FROM crm_runs WHERE status NOT IN ('reserved', 'succeeded', 'partial', 'failed', 'interrupted', 'cancelled')")
	r.none("runs that failed for good", "SELECT id, tenant_id, status, error_code, error_en FROM crm_runs WHERE status = 'failed' AND error_code NOT IN ('database', 'plugin_lost', 'portal_unreachable', 'portal_answer')")
}

// observed is one of the database's notes.
type observed struct {
	tenant, turn, run, fence int64
	what                     string
}

// checkWriters: of a tenant never two write by turns. Nobody writes but the host that has
// claimed the run, and with its right to it shown first; whoever (run and fence) has
// written and was followed by somebody else, or whose run has ended, writes no more.
func (r *round) checkWriters() {
	r.t.Helper()
	r.none("writes by another host than the one that had claimed the run", `SELECT n.tenant_id, n.turn, n.run_id, n.fence, n.what, n.account, c.account
		FROM chaos_notes AS n LEFT JOIN chaos_claims AS c ON c.run_id = n.run_id AND c.fence = n.fence
		WHERE n.what IN ('chunk', 'insert', 'update', 'record') AND COALESCE(c.account, '') <> n.account`)
	r.none("writes without the right to", "SELECT * FROM chaos_notes WHERE what IN ('late chunk', 'stray record') OR run_id IS NULL OR fence IS NULL")
	db := r.opened()
	defer db.Close()
	rows, err := db.Query("SELECT tenant_id, turn, COALESCE(run_id, 0), COALESCE(fence, 0), what FROM chaos_notes ORDER BY tenant_id, turn")
	if err != nil {
		r.t.Fatal(err)
	}
	defer rows.Close()
	var before observed
	over := map[[2]int64]string{}
	for rows.Next() {
		var now observed
		if err := rows.Scan(&now.tenant, &now.turn, &now.run, &now.fence, &now.what); err != nil {
			r.t.Fatal(err)
		}
		if now.tenant != before.tenant {
			before = observed{tenant: now.tenant}
		}
		writer, ended := [2]int64{now.run, now.fence}, isEnd(now.what)
		switch {
		case now.turn != before.turn+1:
			r.t.Errorf("%+v follows %+v", now, before)
		case over[writer] != "":
			r.t.Errorf("%+v: %s", now, over[writer])
		case now.run == before.run && now.fence < before.fence:
			r.t.Errorf("%+v wrote after fence %d", now, before.fence)
		}
		if last := [2]int64{before.run, before.fence}; last != writer && before.run != 0 {
			over[last] = "somebody else had begun"
		}
		if ended {
			over[writer] = "its run had ended"
		}
		before = now
	}
	if err := rows.Err(); err != nil {
		r.t.Fatal(err)
	}
}

func isEnd(what string) bool {
	return slices.Contains([]string{"succeeded", "partial", "failed", "interrupted", "cancelled"}, what)
}

// checkEnds: each run ends once, whoever ends it.
func (r *round) checkEnds() {
	r.t.Helper()
	const ends = "what IN ('succeeded', 'partial', 'failed', 'interrupted', 'cancelled')"
	r.none("runs that ended more than once", "SELECT run_id, GROUP_CONCAT(what) FROM chaos_notes WHERE "+ends+" GROUP BY run_id HAVING COUNT(*) > 1")
	r.none("runs whose end is another one now", `SELECT r.id, r.status, n.what FROM crm_runs AS r LEFT JOIN chaos_notes AS n ON n.run_id = r.id AND `+ends+`
		WHERE r.status <> 'reserved' AND COALESCE(n.what, '') <> r.status`)
}

// summary is what a round came to.
func (r *round) summary() string {
	r.t.Helper()
	counts := r.query(`SELECT (SELECT COUNT(*) FROM crm_slots), (SELECT COUNT(*) FROM crm_slots WHERE status = 'missed'),
		(SELECT COUNT(*) FROM crm_runs WHERE status <> 'reserved'), (SELECT COUNT(*) FROM crm_run_attempts WHERE reason = 'lost'),
		(SELECT COUNT(*) FROM crm_run_attempts WHERE reason = 'returned'), (SELECT COUNT(*) FROM crm_runs WHERE retry > 0)`)
	n := strings.Split(counts[0], "\t")
	quits := ""
	for _, h := range r.hosts {
		for _, last := range h.quits {
			quits += fmt.Sprintf(", %s quit by itself (%s)", h.name, last)
		}
	}
	return fmt.Sprintf("%s slots (%s missed), %s runs, %s taken over, %s handed back, %s tried again%s, %d connections cut, %d statements late%s",
		n[0], n[1], n[2], n[3], n[4], n[5], r.failures(), r.cuts.Load(), r.lates.Load(), quits)
}

// failures are why runs failed, as the hosts' logs say it.
func (r *round) failures() string {
	seen := map[string]int{}
	for _, h := range r.hosts {
		text, _ := os.ReadFile(filepath.Join(r.folder, h.name+".log"))
		for line := range strings.Lines(string(text)) {
			if _, cause, found := strings.Cut(line, `msg="the run's failure"`); found {
				words := strings.Split(strings.TrimSuffix(strings.TrimSpace(cause), `"`), ": ")
				seen[strings.Join(words[max(0, len(words)-2):], ": ")]++
			}
		}
	}
	said := ""
	for _, cause := range slices.Sorted(maps.Keys(seen)) {
		said += fmt.Sprintf(" (%d x %s)", seen[cause], cause)
	}
	return said
}

// dump writes the tables that tell what happened into the round's folder.
func (r *round) dump() {
	ctx := context.Background() // the test's is over
	db, err := r.ground.open(ctx, r.database)
	if err != nil {
		r.t.Logf("the tables cannot be kept: %v", err)
		return
	}
	defer db.Close()
	for _, table := range []string{"crm_runs", "crm_slots", "crm_run_attempts", "chaos_notes", "chaos_claims", "crm_changes", "users", "crm_schedules"} {
		all, err := testdb.Lines(ctx, db, "SELECT * FROM "+table)
		if err == nil {
			err = os.WriteFile(filepath.Join(r.folder, table+".tsv"), []byte(strings.Join(all, "\n")+"\n"), 0o600)
		}
		if err != nil {
			r.t.Logf("keep %s: %v", table, err)
		}
	}
}
