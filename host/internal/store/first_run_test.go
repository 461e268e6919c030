package store

import (
	"errors"
	"sync"
	"testing"
	"time"

	"booking/shared/secret"
)

func first(email string) FirstRun {
	return FirstRun{Company: " Ромашка ", Name: "Анна", Email: email, Password: secret.New("correct horse battery")}
}

func (b bundle) open(t *testing.T) bool {
	t.Helper()
	open, err := b.FirstRunOpen(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	return open
}

func TestFirstRunIsClosedForGoodOnceSomebodyCanAdminister(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tenant := b.tenant(t, "A").ID
	b.exec(t, "INSERT INTO users (tenant_id, name, email, password, role, is_active) VALUES (?, 'E', 'e@x', 'x', 'employee', 1), (?, 'A', 'a@x', 'x', 'admin', 0)", tenant, tenant)
	if !b.open(t) {
		t.Fatal("neither an employee nor an inactive administrator can administer")
	}
	b.exec(t, "UPDATE users SET is_active = 1")
	if b.open(t) {
		t.Error("there is an administrator")
	}
	b.exec(t, "DELETE FROM users")
	if b.open(t) {
		t.Error("it has come back")
	}
	if _, err := b.CompleteFirstRun(b.ctx, first("x@example.com")); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if tenants, err := b.Tenants(b.ctx); err != nil || len(tenants) != 1 {
		t.Errorf("%d tenants, error %v", len(tenants), err)
	}
	// A super administrator counts, too.
	other := setup(t)
	other.exec(t, "INSERT INTO users (name, email, password, role, is_active) VALUES ('S', 's@x', 'x', 'super_admin', 1)")
	if other.open(t) {
		t.Error("there is a super administrator")
	}
}

// Somebody who comes by a command between the look and the form is first.
func TestFirstRunIsOverWhenACommandWasFaster(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if !b.open(t) {
		t.Fatal("not open")
	}
	if _, err := b.AddUser(b.ctx, newUser(b.tenant(t, "A").ID, "first@example.com")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.CompleteFirstRun(b.ctx, first("second@example.com")); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if n := len(listUsers(t, b, UserFilter{})); n != 1 || b.open(t) {
		t.Errorf("%d users", n)
	}
}

func TestFirstRunOfManyAtOnceOneIsFirst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	// All of them have hashed a password and stand before the row that decides.
	tx := b.begin(t)
	if _, err := tx.NewRaw("INSERT INTO booking_first_run VALUES (1, NOW())").Exec(b.ctx); err != nil {
		t.Fatal(err)
	}
	errs := make([]error, 3)
	var done sync.WaitGroup
	for i, email := range []string{"a@example.com", "b@example.com", "c@example.com"} {
		done.Go(func() { _, errs[i] = b.CompleteFirstRun(b.ctx, first(email)) })
	}
	b.blocked(t, len(errs))
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	done.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
		} else if !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
	}
	tenants, err := b.Tenants(b.ctx)
	if users := listUsers(t, b, UserFilter{}); made != 1 || err != nil || len(tenants) != 1 || len(users) != 1 || tenants[0].Name != "Ромашка" || users[0].Role != RoleAdmin || !users[0].Active {
		t.Errorf("%d were first: %+v, %+v, error %v", made, tenants, users, err)
	}
}

func TestFirstRunCodesEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	now := time.Now()
	b.Clock = func() time.Time { return now }
	for _, code := range []string{"one", "two"} {
		if err := b.SaveFirstRunCode(b.ctx, []byte(code), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	codes := func(want int) {
		t.Helper()
		if got, err := b.FirstRunCodes(b.ctx); err != nil || len(got) != want {
			t.Errorf("%d codes, want %d, error %v", len(got), want, err)
		}
	}
	codes(2)
	now = now.Add(time.Hour)
	codes(0)
	if err := b.Sweep(b.ctx); err != nil {
		t.Fatal(err)
	}
	now = now.Add(-time.Hour)
	codes(0)
	if err := b.SaveFirstRunCode(b.ctx, []byte("three"), time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := b.CompleteFirstRun(b.ctx, first("a@example.com")); err != nil {
		t.Fatal(err)
	}
	codes(0)
}
