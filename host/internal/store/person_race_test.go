package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"booking/shared/testdb"
)

// looks takes turns: the server shows what it showed last to whoever asks again within 0.1 s.
var looks sync.Mutex

// all runs the edits at once: each of them is under way, waiting for what the test has
// locked, before the first can do anything.
func (m team) all(t *testing.T, edits ...PersonEdit) []error {
	t.Helper()
	tx := m.begin(t)
	if err := takeTurn(m.ctx, tx, m.tenant); err != nil {
		t.Fatal(err)
	}
	results := make([]error, len(edits))
	var done sync.WaitGroup
	for i, e := range edits {
		done.Go(func() { _, results[i] = m.SavePerson(m.ctx, e) })
	}
	m.blocked(t, len(edits))
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	done.Wait()
	return results
}

// begin is a transaction of somebody else, undone at the end of the test at the latest.
func (b bundle) begin(t *testing.T) bun.Tx {
	t.Helper()
	tx, err := b.DB().BeginTx(b.ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback() })
	return tx
}

// blocked returns once so many transactions of this database wait for a lock.
func (b bundle) blocked(t *testing.T, want int) {
	t.Helper()
	admin := bun.NewDB(testdb.Open(t, testdb.Server(t).FormatDSN()), b.DB().Dialect())
	for deadline := time.Now().Add(20 * time.Second); ; {
		looks.Lock()
		time.Sleep(110 * time.Millisecond)
		n, err := admin.NewSelect().TableExpr("information_schema.innodb_trx").Where("trx_state = 'LOCK WAIT'").
			Where("trx_mysql_thread_id IN (?)", bun.List(sessions(t, admin, databaseName(t, b.dsn)))).Count(b.ctx)
		looks.Unlock()
		if err != nil {
			t.Fatal(err)
		}
		if n >= int64(want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d transactions wait, want %d", n, want)
		}
	}
}

// sessions are the numbers of a database's sessions. (On MySQL a query of the processlist
// fails while the statement of any session has an emoji, error 3854; SHOW does not.)
func sessions(t *testing.T, admin *bun.DB, database string) []int64 {
	t.Helper()
	rows, err := admin.QueryContext(t.Context(), "SHOW PROCESSLIST")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	ids := []int64{0}
	for rows.Next() {
		values, targets := make([]sql.NullString, len(names)), make([]any, len(names))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		if id, err := strconv.ParseInt(values[0].String, 10, 64); err == nil && values[3].String == database { // Id, User, Host, db, ...
			ids = append(ids, id)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestPersonsTwoLastAdministratorsCannotDemoteEachOtherAtOnce(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	for range 5 {
		demote := func(e *PersonEdit) { e.Role = RoleEmployee }
		errs := m.all(t, m.changed(t, m.boss, demote), m.changed(t, m.second, demote))
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("not exactly one was done: %v", errs)
		}
		var left int
		if err := m.DB().NewRaw("SELECT COUNT(*) FROM users WHERE tenant_id = ? AND role = 'admin' AND is_active = 1", m.tenant).Scan(m.ctx, &left); err != nil || left != 1 {
			t.Fatalf("%d administrators are left, error %v", left, err)
		}
		m.exec(t, "UPDATE users SET role = 'admin' WHERE id IN (?, ?)", m.boss, m.second)
	}
}

// The server beside us takes no turns: what it does to the other administrator is waited for.
func TestPersonsLastAdministratorStaysBesideTheOtherServer(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	tx := m.begin(t)
	if _, err := tx.NewRaw("UPDATE users SET is_active = 0 WHERE id = ?", m.second).Exec(m.ctx); err != nil {
		t.Fatal(err)
	}
	result := make(chan error, 1)
	e := m.changed(t, m.boss, func(e *PersonEdit) { e.Role = RoleManager })
	go func() { _, err := m.SavePerson(m.ctx, e); result <- err }()
	m.blocked(t, 1)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	wantMistake(t, "beside the other server", <-result, FieldRole, 0)
}

func TestPersonsLinkIsGivenOnceByTwoAtOnce(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	link := func(e *PersonEdit) { e.Link = "77" }
	fresh := m.changed(t, m.boss, func(e *PersonEdit) { e.ID, e.Email, e.Link = 0, "fresh@x.example", "77" })
	errs := m.all(t, m.changed(t, m.boss, link), m.changed(t, m.second, link), fresh)
	done := 0
	for _, err := range errs {
		if err == nil {
			done++
		} else if !errors.Is(err, ErrInvalid) {
			t.Error(err)
		}
	}
	if n, err := m.LinkedTo(m.ctx, m.tenant, "77", m.shape); done != 1 || err != nil || len(n) != 1 {
		t.Errorf("%d were done, %d have the number, error %v", done, len(n), err)
	}
}

// A sync that has given a number to somebody, and not committed yet, is waited for.
func TestPersonsLinkIsNotGivenBesideASync(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	tx := m.begin(t)
	if _, err := tx.NewRaw("INSERT INTO users (tenant_id, name, email, password, role, "+linkField+") VALUES (?, 'Newcomer', 'new@x.example', 'x', 'employee', '77')", m.tenant).Exec(m.ctx); err != nil {
		t.Fatal(err)
	}
	result := make(chan error, 1)
	e := m.changed(t, m.anna, func(e *PersonEdit) { e.Link = "77" })
	go func() { _, err := m.SavePerson(m.ctx, e); result <- err }()
	m.blocked(t, 1)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	found, err := m.LinkedTo(m.ctx, m.tenant, "77", m.shape)
	if err != nil || len(found) != 1 {
		t.Fatalf("%+v, error %v", found, err)
	}
	wantMistake(t, "beside a sync", <-result, FieldLink, found[0].ID)
}

// A sync in the middle of a chunk does not hold up whoever appoints and dismisses
// administrators: the search for others takes no locks.
func TestPersonsLastAdministratorIsLookedForWithoutLockingTheTenant(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	tx := m.begin(t)
	if _, err := tx.NewRaw("UPDATE users SET name = 'Anna C.' WHERE id = ?", m.anna).Exec(m.ctx); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(m.ctx, 4*time.Second) // a lock would be waited for 5 s
	defer cancel()
	if _, err := m.SavePerson(ctx, m.changed(t, m.second, func(e *PersonEdit) { e.Role = RoleManager })); err != nil {
		t.Error(err)
	}
}
