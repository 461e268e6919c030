package usersync

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"booking/shared/crm"
)

// busyWorld has everything that a chunk can hold: newcomers, updates, a match, a ring,
// conflicts, somebody skipped, a duplicate link.
func (h *house) busyWorld() []Person {
	h.t.Helper()
	h.exec("DELETE FROM crm_runs")
	h.exec("DELETE FROM crm_changes")
	h.exec("DELETE FROM users")
	h.exec("ALTER TABLE users AUTO_INCREMENT = 1")
	h.users("1 A a@x 1 employee", "1 B b@x 2 employee", "1 C c@x 3 manager", "1 Old d@x 4 employee",
		"1 Local e@x - employee", "1 Twin t@x 4 employee", "1 Boss boss@x 6 admin", "2 F f@x 7 employee", "1 Right r@x 20 employee")
	return []Person{
		named("1", "A", "b@x"), named("2", "B", "c@x"), named("3", "C", "a@x"),
		named("4", "New", "d@x"), named("5", "Local", "e@x"), named("6", "Boss Two", "boss2@x"), named("7", "Seven", "f@x"),
		named("8", "Eight", "h8@x"), named("9", "Nine", "h9@x"), named("10", "Ten", "h8@x"), {ExternalID: "11", Name: "Eleven"},
		named("12", "Twelve", "h12@x"), named("13", "Thirteen", "h13@x"), named("20", "Right", "r@x"),
		named("14", "Fourteen", "h14@x"), named("15", "Fifteen", "h15@x"), named("16", "Sixteen", "h16@x"), // INSERTs come prepared
	}
}

// outcome of a run, as an undisturbed one and a disturbed one must have it alike.
type outcomes struct {
	Counts         crm.Counts
	Users, History []string
}

func (h *house) outcomes(result crm.SyncResult) outcomes {
	history := h.lines("SELECT CONCAT_WS(' ', external_id, action, reason, field, COALESCE((SELECT email FROM users WHERE id = user_id), '-'), other_external_id, name, email," +
		" COALESCE(before_values, '-'), COALESCE(after_values, '-')) AS line FROM crm_changes ORDER BY line")
	return outcomes{result.Counts, h.table("tenant_id, name, email, COALESCE(" + link + ", '-'), role, is_active, updated_at = '2020-01-01'"), history}
}

// undisturbed runs the busy world once and returns what became of it and which
// statements that took.
func (h *house) undisturbed() (outcomes, []string) {
	h.t.Helper()
	people := h.busyWorld()
	h.wire.reset()
	result, _ := h.sync(people...)
	return h.outcomes(result), h.wire.said()
}

func TestAnyStatementMayFailOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.chunkRows = 3
	want, statements := h.undisturbed()
	if len(statements) < 30 || h.told("EXECUTE INSERT INTO `users`") == 0 || h.told("EXECUTE INSERT INTO `crm_changes`") == 0 {
		t.Fatalf("%d statements, or nothing prepared", len(statements))
	}
	for what, disturb := range map[string]func(fail func(int, string) error){
		"the connection breaks before":        func(f func(int, string) error) { h.wire.before = f },
		"the connection breaks after":         func(f func(int, string) error) { h.wire.after = f },
		"a deadlock at":                       func(f func(int, string) error) { h.wire.before = f },
		"a lock wait time-out at":             func(f func(int, string) error) { h.wire.before = f },
		"group replication says no at":        func(f func(int, string) error) { h.wire.before = f },
		"the server is read-only at":          func(f func(int, string) error) { h.wire.before = f },
		"the quorum is lost at":               func(f func(int, string) error) { h.wire.before = f },
		"the connection is killed by hand at": func(f func(int, string) error) { h.wire.before = f },
	} {
		fault := map[string]error{"a deadlock at": &mysql.MySQLError{Number: 1213}, "a lock wait time-out at": &mysql.MySQLError{Number: 1205},
			"group replication says no at": &mysql.MySQLError{Number: 3101}, "the server is read-only at": &mysql.MySQLError{Number: 1290}, "the quorum is lost at": &mysql.MySQLError{Number: 1180},
			"the connection is killed by hand at": &mysql.MySQLError{Number: 1927}}[what]
		if fault == nil {
			fault = errCut
		}
		for n := 1; n <= len(statements); n++ {
			people := h.busyWorld()
			h.wire.reset()
			disturb(func(i int, _ string) error {
				if i == n {
					return fault
				}
				return nil
			})
			result, err := h.engine.Run(context.Background(), h.request(), listed(people), &listener{})
			if err != nil {
				t.Fatalf("%s statement %d (%.60s): %v", what, n, statements[n-1], err)
			}
			if got := h.outcomes(result); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("%s statement %d (%.60s):\n%v\nwant\n%v", what, n, statements[n-1], got, want)
			}
		}
	}
}

// TestAKillAtAnyStatement is a host or plugin that dies: nothing after the n-th
// statement reaches the server. The next run must finish the work.
func TestAKillAtAnyStatement(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.chunkRows = 3
	want, statements := h.undisturbed()
	for n := 1; n <= len(statements); n++ {
		for _, after := range []bool{false, true} { // after: the statement is done, its answer never read
			people := h.busyWorld()
			h.wire.reset()
			dead := false
			die := func(i int, _ string) error {
				if dead = dead || i == n; dead {
					return errPower
				}
				return nil
			}
			if h.wire.before = die; after {
				h.wire.before, h.wire.after = func(int, string) error { return h.wire.deadIf(dead) }, die
			}
			if _, err := h.engine.Run(context.Background(), h.request(), listed(people), &listener{}); !errors.Is(err, errPower) {
				t.Fatalf("statement %d: the dead run says %v", n, err)
			}
			h.revive()
			first := h.lines("SELECT CONCAT(external_id, action, COALESCE(after_values, '-')) FROM crm_changes WHERE after_values IS NOT NULL")
			result, _ := h.sync(people...)
			got := h.outcomes(result)
			if fmt.Sprint(got.Users) != fmt.Sprint(want.Users) {
				t.Fatalf("statement %d (%.60s): users\n%v\nwant\n%v", n, statements[n-1], got.Users, want.Users)
			}
			if result.Created+result.Updated+written(first) != want.Counts.Created+want.Counts.Updated {
				t.Fatalf("statement %d: %v were recorded by the dead run, the next says %+v", n, first, result.Counts)
			}
			once := h.lines("SELECT CONCAT(external_id, ' ', COUNT(*)) FROM crm_changes WHERE action IN ('created', 'updated') GROUP BY external_id HAVING COUNT(*) > 1")
			wantLines(t, "recorded twice", once)
		}
	}
}

// revive is a new process: the old one's connections and transactions are gone.
func (h *house) revive() {
	h.t.Helper()
	rows := h.engine.chunkRows
	if err := h.engine.DB.Close(); err != nil {
		h.t.Fatal(err)
	}
	h.connect(h.dsn)
	h.engine.chunkRows = rows
}

func (w *wire) deadIf(dead bool) error {
	if dead {
		return errPower
	}
	return nil
}

// written counts people created or updated; a conflict may have values too.
func written(lines []string) int {
	n := 0
	for _, line := range lines {
		if !strings.Contains(line, "conflict") {
			n++
		}
	}
	return n
}

func TestACommitWhoseAnswerIsLostIsNeitherRepeatedNorForgotten(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	commits := 0
	h.wire.after = func(_ int, statement string) error {
		if statement == "COMMIT" {
			if commits++; commits == 1 {
				return errCut
			}
		}
		return nil
	}
	result, events := h.sync(named("7", "Anna", "anna@x"), Person{ExternalID: "8"})
	if result.Counts != (crm.Counts{Fetched: 2, Created: 1, Skipped: 1}) {
		t.Errorf("result %+v", result)
	}
	wantLines(t, "events", events.said(), "7 created #1", "8 skipped/no_email")
	wantLines(t, "history", h.lines("SELECT CONCAT(external_id, action) FROM crm_changes ORDER BY id"), "7created", "8skipped")
	wantLines(t, "chunks", h.lines("SELECT chunks FROM crm_runs"), "1")
}

// A Galera node may hear of a COMMIT late: who lost the answer and goes on at that node
// writes the chunk once more, and is told that it was there already when that one is to
// end (1213). What is reported is what is there, not what was undone.
func TestACommitThatAnotherNodeHearsOfLate(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	fences, commits := 0, 0
	h.wire.before = func(_ int, statement string) error {
		switch {
		case strings.HasPrefix(statement, "UPDATE `crm_runs`"):
			if fences++; fences == 2 {
				h.exec("CREATE TABLE late_users AS SELECT * FROM users")
				h.exec("CREATE TABLE late_changes AS SELECT * FROM crm_changes")
				h.exec("DELETE FROM users")
				h.exec("DELETE FROM crm_changes")
				h.exec("UPDATE crm_runs SET chunks = chunks - 1")
			}
			if fences == 3 {
				h.exec("INSERT INTO users SELECT * FROM late_users")
				h.exec("INSERT INTO crm_changes SELECT * FROM late_changes")
				h.exec("UPDATE crm_runs SET chunks = chunks + 1")
			}
		case statement == "COMMIT":
			if commits++; commits == 2 {
				return &mysql.MySQLError{Number: 1213}
			}
		}
		return nil
	}
	h.wire.after = func(_ int, statement string) error {
		if statement == "COMMIT" && commits == 1 {
			return errCut
		}
		return nil
	}
	_, events := h.sync(named("7", "Anna", "anna@x"))
	if fences != 3 || commits != 2 {
		t.Errorf("%d fence checks and %d commits", fences, commits)
	}
	wantLines(t, "users", h.table("id, email"), "1 anna@x")
	wantLines(t, "events", events.said(), "7 created #1")
}

func TestADatabaseThatStaysAwayEndsTheRun(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var waited time.Duration
	h.engine.Sleep = func(ctx context.Context, d time.Duration) error {
		waited += d
		return ctx.Err()
	}
	h.wire.before = func(int, string) error { return errCut }
	_, err := h.engine.Run(context.Background(), h.request(), listed{named("7", "A", "a@x")}, &listener{})
	if crm.CodeOf(err) != crm.CodeDatabase || !errors.Is(err, errCut) {
		t.Errorf("error %v", err)
	}
	if waited < 30*time.Second || waited > 35*time.Second {
		t.Errorf("waited %s", waited)
	}
	h.wire.before = func(int, string) error { return &mysql.MySQLError{Number: 1213} }
	if _, err = h.engine.Run(context.Background(), h.request(), listed{named("7", "A", "a@x")}, &listener{}); crm.CodeOf(err) != crm.CodeDatabase {
		t.Errorf("eternal deadlocks: %v", err)
	}
}

func TestAHeldLockIsWaitedForAndTriedAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.users("1 Old a@x 7 employee")
	holder, err := h.admin.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holder.Rollback() }()
	if _, err := holder.Exec("SELECT id FROM users WHERE id = 1 FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	sleeps := 0
	h.engine.Sleep = func(ctx context.Context, _ time.Duration) error { // after the server's own 5 s
		sleeps++
		return errors.Join(holder.Rollback(), ctx.Err())
	}
	if result, _ := h.sync(named("7", "New", "a@x")); result.Updated != 1 || sleeps != 1 {
		t.Errorf("result %+v after %d sleeps", result, sleeps)
	}
}

// refuse makes the server refuse every statement that writes users and holds the word.
func (h *house) refuse(word string, answer *mysql.MySQLError) {
	h.wire.before = func(_ int, statement string) error {
		if strings.Contains(statement, word) && (strings.HasPrefix(statement, "INSERT INTO `users`") || strings.HasPrefix(statement, "UPDATE JSON_TABLE")) {
			return answer
		}
		return nil
	}
}

func TestRule10AValueTheDatabaseRefusesSkipsOnePerson(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]*mysql.MySQLError{
		"MariaDB": {Number: 1366, Message: "Incorrect string value: '\\xF0\\x9F' for column `b`.`users`.`name` at row 3"},
		"MySQL":   {Number: 1366, Message: "Incorrect string value: 'for column 'email'' for column 'name' at row 3"},
		"long":    {Number: 1406, Message: "Data too long for column 'name' at row 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.refuse("poison", answer)
			h.users("1 Old a50@x 50 employee")
			var people []Person
			for i := range 40 {
				people = append(people, named(fmt.Sprint(i+1), fmt.Sprint("N", i+1), fmt.Sprintf("a%d@x", i+1)))
			}
			people[17].Name = "poison"
			people = append(people, named("50", "poison", "a50@x"))
			result, events := h.sync(people...)
			if result.Counts != (crm.Counts{Fetched: 41, Created: 39, Skipped: 2}) || !result.Partial {
				t.Errorf("result %+v", result)
			}
			if said := events.said(); strings.Count(strings.Join(said, "\n"), "skipped/invalid:name") != 2 {
				t.Errorf("events %q", said)
			}
			if n := len(h.lines("SELECT id FROM crm_changes")); n != 41 {
				t.Errorf("%d records", n)
			}
			wantLines(t, "the row stays", h.table("name", "WHERE id = 1"), "Old")
		})
	}
}

func TestRule7AnAddressThatAKeyKeepsRefusingIsAConflict(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.users("1 Old a50@x 50 employee", "1 Local poison@y - employee")
	h.refuse("poison@x", &mysql.MySQLError{Number: 1062, Message: "Duplicate entry 'poison@x' for key 'users.users_email_unique'"})
	result, events := h.sync(named("1", "One", "one@x"), named("2", "Two", "poison@x"), named("3", "Three", "three@x"), named("50", "New", "poison@xy"))
	if result.Counts != (crm.Counts{Fetched: 4, Created: 2, Conflicts: 2}) || result.Partial {
		t.Errorf("result %+v", result)
	}
	wantLines(t, "events", events.said(), "1 created #3", "2 conflict/email_taken", "3 created #4", "50 conflict/email_taken #1")
	wantLines(t, "the linked person gets the rest", h.table("name, email", "WHERE id = 1"), "New a50@x")
}

func TestAnotherUniqueKeyRefusesOnePerson(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.options.Phone = true
	h.exec("ALTER TABLE users ADD UNIQUE KEY our_own (phone)")
	h.users("1 Old a@x 7 employee")
	result, events := h.sync(named("1", "One", "one@x"), named("7", "New", "a@x"), Person{ExternalID: "8", Name: "Eight", Email: "e@x", Phone: "+7 1"})
	if result.Counts != (crm.Counts{Fetched: 3, Created: 1, Updated: 1, Skipped: 1}) || !result.Partial {
		t.Errorf("result %+v", result)
	}
	said := events.said()
	said[0], _, _ = strings.Cut(said[0], " #") // refused tries burn ids
	wantLines(t, "events", said, "1 created", "7 updated #1", "8 skipped/invalid")
}

func TestFaultsAreTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want fault
	}{
		{nil, faultNone}, {errPower, faultFatal}, {errCut, faultAway}, {sql.ErrConnDone, faultAway}, {context.DeadlineExceeded, faultAway},
		{&mysql.MySQLError{Number: 1142}, faultFatal}, {fmt.Errorf("x: %w", &mysql.MySQLError{Number: 1213}), faultContention},
	} {
		if got := faultOf(c.err); got != c.want {
			t.Errorf("%v: %d, want %d", c.err, got, c.want)
		}
	}
}

func TestCulpritsAreNamedByBothServers(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		"Duplicate entry 'a' for key 'users.users_email_unique'":                                  "users_email_unique",
		"Duplicate entry 'for key 'x'' for key 'users_email_unique'":                              "users_email_unique",
		"Incorrect string value: '\\xF0' for column `d`.`users`.`name` at row 1":                  "name",
		"Data too long for column 'phone' at row 12":                                              "phone",
		"Check constraint 'c' is violated.":                                                       "",
		"Incorrect string value: 'a\nfor column 'email' at row 1' for column 'position' at row 2": "position",
	} {
		if got := Culprit(&mysql.MySQLError{Number: 1366, Message: message}); got != want {
			t.Errorf("%q: %q, want %q", message, got, want)
		}
	}
}
