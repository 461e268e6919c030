package usersync

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"booking/shared/crm"
)

// crowd is n people with names and addresses as long as people have them.
func crowd(n int) listed {
	people := make(listed, n)
	for i := range people {
		people[i] = named(strconv.Itoa(i+1), fmt.Sprintf("Константин Константинопольский %d", i), fmt.Sprintf("konstantin.konstantinopolsky%d@example.com", i))
	}
	return people
}

// statementsOf a run as the server counts them, and those that write.
func (h *house) statementsOf(f func()) (all, writes int) {
	h.t.Helper()
	h.wire.reset()
	f()
	for _, s := range h.wire.said() {
		all++
		if !strings.HasPrefix(s, "SELECT") && s != "BEGIN" {
			writes++
		}
	}
	return all, writes
}

func TestStatementsFor10000People(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	people := crowd(10_000)
	// Some are here already and match by address: chunks of both kinds.
	for i := range 40 {
		h.user(fmt.Sprintf("1 Local %s - employee", people[i*250].Email))
	}
	var result crm.SyncResult
	all, _ := h.statementsOf(func() { result, _ = h.sync(people...) })
	if result.Created != 9960 || result.Updated != 40 {
		t.Errorf("first import: %+v", result)
	}
	t.Logf("first import: %d statements", all)
	if all > 100 {
		t.Errorf("first import: %d statements, 100 are allowed", all)
	}
	before := h.lines("SELECT CONCAT(COUNT(*), ' ', SUM(CRC32(CONCAT_WS('|', id, name, email, password, updated_at)))) FROM users")
	all, writes := h.statementsOf(func() { result, _ = h.sync(people...) })
	if result.Unchanged != 10_000 {
		t.Errorf("re-run: %+v", result)
	}
	t.Logf("unchanged re-run: %d statements", all)
	if all > 8 || writes != 0 {
		t.Errorf("unchanged re-run: %d statements, %d of them write; 8 and 0 are allowed", all, writes)
	}
	wantLines(t, "the table", h.lines("SELECT CONCAT(COUNT(*), ' ', SUM(CRC32(CONCAT_WS('|', id, name, email, password, updated_at)))) FROM users"), before...)
	people2 := append(listed(nil), people...)
	for i := range people2 {
		people2[i].Name += "!"
	}
	if all, _ = h.statementsOf(func() { result, _ = h.sync(people2...) }); result.Updated != 10_000 || all > 100 {
		t.Errorf("everybody renamed: %d statements, %+v", all, result)
	}
}

// longest strings in every column: no statement may outgrow max_allowed_packet.
func TestTheLongestValuesStillFitAStatement(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.options = Options{Phone: true, Position: true}
	long := strings.Repeat(`😀"`, 127)
	var people listed
	for i := range 1500 {
		people = append(people, Person{ExternalID: strconv.Itoa(i + 1), Name: long, Email: fmt.Sprintf("%s%d", strings.Repeat(`"`, 250), i), Phone: long, Position: long})
	}
	if result, _ := h.sync(people...); result.Created != 1500 {
		t.Errorf("created %+v", result)
	}
	for _, s := range h.wire.said() {
		if len(s) > 8<<20 {
			t.Errorf("a statement of %d bytes", len(s))
		}
	}
}

// Whoever works with other tenants' rows waits for nothing while a chunk is open, and
// a chunk does not wait for them. The others name their rows by id: a statement of
// theirs that scans a small table would wait for everybody's rows.
func TestOtherTenantsWaitForNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var people []Person
	for i := range 50 {
		h.user(fmt.Sprintf("1 Old old%d@x %d employee", i, i+1))
		h.user(fmt.Sprintf("2 Other other%d@x %d employee", i, i+1))
		people = append(people, named(fmt.Sprint(i+1), "New", fmt.Sprintf("old%d@x", i)), named(fmt.Sprint(i+100), "Newcomer", fmt.Sprintf("n%d@x", i)))
	}
	others, err := h.admin.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer others.Close()
	commits := 0
	h.wire.before = func(_ int, statement string) error {
		if statement != "COMMIT" {
			return nil
		}
		for _, s := range []string{
			"SET innodb_lock_wait_timeout = 1",
			"UPDATE users SET name = CONCAT(name, '!') WHERE id IN (2, 50, 100)",
			"SELECT name FROM users WHERE id IN (2, 50, 100) FOR UPDATE",
			fmt.Sprintf("INSERT INTO users (tenant_id, name, email, password, %s) VALUES (2, 'N', 'fresh%d@x', 'p', '1000')", link, commits),
		} {
			if _, err := others.ExecContext(context.Background(), s); err != nil {
				t.Errorf("%s: %v", s, err)
			}
		}
		commits++
		return nil
	}
	if result, _ := h.sync(people...); result.Updated != 50 || result.Created != 50 {
		t.Errorf("result %+v", result)
	}
	if commits == 0 {
		t.Error("nothing was committed")
	}

	h.wire.reset()
	holder, err := h.admin.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holder.Rollback() }()
	if _, err := holder.Exec("UPDATE users SET name = 'held' WHERE id IN (2, 4, 6, 50, 98, 100)"); err != nil {
		t.Fatal(err)
	}
	slept := false
	h.engine.Sleep = func(ctx context.Context, _ time.Duration) error { slept = true; return ctx.Err() }
	for i := range people {
		people[i].Name += "?"
	}
	if result, _ := h.sync(people...); result.Updated != 100 || slept {
		t.Errorf("result %+v, waited %v", result, slept)
	}
}

// In a table this small a scan may look cheaper than the primary key, and a scan that
// locks would stop at the other tenant's row.
func TestASmallTableIsNotLockedAsAWhole(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.users("1 A a@x 1 employee", "1 B b@x 2 employee", "2 Other o@x 1 employee", "1 C c@x 3 employee")
	h.exec("ANALYZE TABLE users")
	holder, err := h.admin.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holder.Rollback() }()
	if _, err := holder.Exec("UPDATE users SET name = 'held' WHERE id = 3"); err != nil {
		t.Fatal(err)
	}
	waited := false
	h.engine.Sleep = func(ctx context.Context, _ time.Duration) error { waited = true; return ctx.Err() }
	if result, _ := h.sync(named("1", "A2", "a2@x"), named("2", "B2", "b2@x"), named("3", "C2", "c2@x")); result.Updated != 3 || waited {
		t.Errorf("result %+v, waited %v", result, waited)
	}
}
