package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"booking/migrations"
	"booking/migrations/existing"
	"booking/shared/secret"
	"booking/shared/testdb"
)

// team is a tenant with an administrator, a second one, an employee with the link 7, and
// another tenant whose employee has the link 8.
type team struct {
	bundle
	tenant, other              int64
	boss, second, anna, theirs int64
	shape                      PeopleShape
	by                         Account
}

func newTeam(t *testing.T) team {
	t.Helper()
	m := team{bundle: setup(t)}
	m.exec(t, "ALTER TABLE users ADD COLUMN "+linkField+" VARCHAR(255) NULL, ADD INDEX (tenant_id, "+linkField+")")
	m.tenant, m.other = m.bundle.tenant(t, "A").ID, m.bundle.tenant(t, "Secret Tenant Name").ID
	m.boss = m.row(t, m.tenant, "Boss", "boss@x.example", RoleAdmin, nil)
	m.second = m.row(t, m.tenant, "Second", "second@x.example", RoleAdmin, nil)
	m.anna = m.row(t, m.tenant, "Anna", "anna@x.example", RoleEmployee, "7")
	m.theirs = m.row(t, m.other, "Foreign", "foreign@x.example", RoleEmployee, "8")
	var err error
	if m.shape, err = m.PeopleShape(m.ctx, m.tenant); err != nil || m.shape.Link != linkField || !m.shape.Phone {
		t.Fatalf("shape %+v, error %v", m.shape, err)
	}
	m.by = Account{ID: m.boss, TenantID: m.tenant, Name: "Boss", Role: RoleAdmin}
	return m
}

func (m team) row(t *testing.T, tenant int64, name, email, role string, link any) int64 {
	t.Helper()
	result, err := m.DB().NewRaw("INSERT INTO users (tenant_id, name, email, password, role, is_active, "+linkField+") VALUES (?, ?, ?, 'x', ?, 1, ?)",
		tenant, name, email, role, link).Exec(m.ctx)
	if err != nil {
		t.Fatal(err)
	}
	id, err := result.LastInsertId()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// edit is the form of a person as it is opened now.
func (m team) edit(t *testing.T, id int64) PersonEdit {
	t.Helper()
	u, err := m.Person(m.ctx, m.tenant, id, m.shape)
	if err != nil {
		t.Fatal(err)
	}
	return PersonEdit{
		By: m.by, TenantID: m.tenant, ID: id, Seen: u.Version(), Shape: m.shape,
		Name: u.Name, Email: u.Email, Role: u.Role, Phone: u.Phone, Link: u.Link, Active: u.Active,
	}
}

// changed is the form with something changed.
func (m team) changed(t *testing.T, id int64, change func(*PersonEdit)) PersonEdit {
	t.Helper()
	e := m.edit(t, id)
	change(&e)
	return e
}

// wantMistake holds err against the field that is wrong and who has the value already.
func wantMistake(t *testing.T, what string, err error, field string, holder int64) {
	t.Helper()
	var found *MistakesError
	if !errors.As(err, &found) || !errors.Is(err, ErrInvalid) {
		t.Errorf("%s: %v", what, err)
		return
	}
	if m := found.Mistakes[0]; m.Field != field || m.Holder.ID != holder || m.Message.RU == "" || m.Message.EN == "" {
		t.Errorf("%s: %+v, want it at %s with %d", what, m, field, holder)
	}
	if strings.Contains(err.Error(), "Secret Tenant") || strings.Contains(err.Error(), "Foreign") {
		t.Errorf("%s: it tells of another tenant: %v", what, err)
	}
}

// columnForms are the forms of the server beside us that differ in what an edit writes.
var columnForms = []string{"current", "older", "link never null", "short link", "unique", "unique in the tenant", "no index, duplicates", "compact rows",
	"zero dates", "current, latin1", "older, utf8mb3"}

// Whatever the form in which the server beside us is found: what was edited is changed,
// and nothing else, to the byte.
func TestPersonIsEditedAndNothingElseIsTouched(t *testing.T) {
	t.Parallel()
	known := map[string]existing.Form{}
	for _, form := range existing.Forms() {
		known[form.Name] = form
	}
	for _, name := range columnForms {
		form, there := known[name]
		if !there {
			t.Fatalf("no form %q", name)
		}
		t.Run(form.Name, func(t *testing.T) {
			t.Parallel()
			dsn := testdb.New(t)
			raw := testdb.Open(t, dsn)
			existing.Create(t, raw, form)
			s, err := Open(t.Context(), secret.New(dsn), nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			for _, set := range []migrations.Set{migrations.Host, migrations.Bitrix24} {
				if _, err := set.Up(t.Context(), s.DB()); err != nil {
					t.Fatal(err)
				}
			}
			editExisting(t, s, func() existing.Table { return existing.Take(t, raw)["users"] })
		})
	}
}

func editExisting(t *testing.T, s *Store, take func() existing.Table) {
	ctx := t.Context()
	shape, err := s.PeopleShape(ctx, existing.TenantA)
	if err != nil || shape.Link == "" {
		t.Fatalf("%+v, error %v", shape, err)
	}
	people, _, err := s.People(ctx, PeopleFilter{TenantID: existing.TenantA, Shape: shape, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range people {
		e := PersonEdit{By: Account{Role: RoleAdmin}, TenantID: existing.TenantA, ID: u.ID, Seen: u.Version(), Shape: shape,
			Name: u.Name, Email: u.Email, Role: u.Role, Phone: u.Phone, Link: u.Link, Active: u.Active}
		before := take()
		if _, err := s.SavePerson(ctx, e); err != nil {
			t.Fatalf("%s as it is: %v", u.Name, err)
		}
		if diff := cmp.Diff(before, take()); diff != "" {
			t.Fatalf("%s: saved as it is, and something changed:\n%s", u.Name, diff)
		}
		e.Name, e.Phone, e.Link = "Новое", "112", fmt.Sprint(5000+u.ID)
		if strings.Contains(fmt.Sprint(before.Columns["name"]), "latin1") {
			e.Name = "Mueller"
		}
		if _, err := s.SavePerson(ctx, e); err != nil {
			t.Fatalf("%s: %v", u.Name, err)
		}
		for i, row := range before.Rows {
			if row["id"] == fmt.Sprint(u.ID) {
				row["name"], row["phone"], row["bitrix24_user_id"] = e.Name, e.Phone, e.Link
				row["updated_at"] = take().Rows[i]["updated_at"]
			}
		}
		if diff := cmp.Diff(before, take()); diff != "" {
			t.Fatalf("%s (-wanted +is):\n%s", u.Name, diff)
		}
	}
	// Emptied again: NULL, or what the column has instead.
	u := people[0]
	now, err := s.Person(ctx, existing.TenantA, u.ID, shape)
	if err != nil {
		t.Fatal(err)
	}
	e := PersonEdit{By: Account{Role: RoleAdmin}, TenantID: existing.TenantA, ID: u.ID, Seen: now.Version(), Shape: shape, Name: now.Name, Email: now.Email, Role: now.Role, Active: now.Active}
	if saved, err := s.SavePerson(ctx, e); err != nil || saved.Link != "" || saved.Phone != "" {
		t.Errorf("emptied: %+v, error %v", saved, err)
	}
}

func TestPersonIsAddedWithAPasswordThatNobodyKnows(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	want := PersonEdit{By: m.by, TenantID: m.tenant, Shape: m.shape, Name: "  Вера\u0301 ", Email: " VERA@X.Example", Role: RoleManager, Link: "9", Active: true}
	added, err := m.SavePerson(m.ctx, want)
	if err != nil {
		t.Fatal(err)
	}
	u, err := m.Person(m.ctx, m.tenant, added.ID, m.shape)
	if err != nil || u != added || u.Email != "vera@x.example" || u.Name != "Вера\u0301" || u.Role != RoleManager || u.Link != "9" || u.Phone != "" || !u.Active {
		t.Errorf("%+v, added %+v, error %v", u, added, err)
	}
	var hash, phone string
	if err := m.DB().NewRaw("SELECT password, COALESCE(phone, 'NULL') FROM users WHERE id = ?", u.ID).Scan(m.ctx, &hash, &phone); err != nil {
		t.Fatal(err)
	}
	// bcrypt's shape, and an ending that bcrypt never writes (usersync proves the rest).
	if !strings.HasPrefix(hash, "$2y$12$") || len(hash) != 60 || strings.ContainsAny(hash[59:], ".CGKOSWaeimquy26") || phone != "NULL" {
		t.Errorf("password %q, phone %q", hash, phone)
	}
}

func TestPersonsChangesAreInTheAudit(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	if _, err := m.SavePerson(m.ctx, m.changed(t, m.anna, func(e *PersonEdit) {
		e.Name, e.Email, e.Role, e.Active, e.Phone, e.Link = "Аня", "anya@x.example", RoleManager, false, "112", ""
	})); err != nil {
		t.Fatal(err)
	}
	if _, err := m.SavePerson(m.ctx, m.edit(t, m.anna)); err != nil { // as it is: no news
		t.Fatal(err)
	}
	added, err := m.SavePerson(m.ctx, PersonEdit{By: m.by, TenantID: m.tenant, Shape: m.shape, Name: "Вера", Email: "vera@x.example", Role: RoleEmployee, Link: "9"})
	if err != nil {
		t.Fatal(err)
	}
	byCommand, err := m.AddUser(m.ctx, newUser(m.tenant, "cli@x.example"))
	if err != nil {
		t.Fatal(err)
	}
	entries, err := m.Audit(m.ctx, m.tenant, 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, strings.Join([]string{e.UserName, e.Subject, e.Action, e.Old, e.New}, "|"))
		if e.UserID != 0 != (e.UserName != "") || time.Since(e.CreatedAt) > time.Hour {
			t.Errorf("%+v", e)
		}
	}
	anna, vera, cli := fmt.Sprint(m.anna), fmt.Sprint(added.ID), fmt.Sprint(byCommand.ID)
	want := []string{
		"|" + cli + "|role||admin", "|" + cli + "|email||cli@x.example", "|" + cli + "|created||Анна",
		"Boss|" + vera + "|active|true|false", "Boss|" + vera + "|link||9", "Boss|" + vera + "|role||employee", "Boss|" + vera + "|email||vera@x.example", "Boss|" + vera + "|created||Вера",
		"Boss|" + anna + "|active|true|false", "Boss|" + anna + "|link|7|", "Boss|" + anna + "|phone||112", "Boss|" + anna + "|role|employee|manager",
		"Boss|" + anna + "|email|anna@x.example|anya@x.example", "Boss|" + anna + "|name|Anna|Аня",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// Something else may have the same number.
	if err := m.AddAudit(m.ctx, AuditEntry{TenantID: m.tenant, Action: "setting", Subject: anna}); err != nil {
		t.Fatal(err)
	}
	if of, err := m.AuditPage(m.ctx, AuditFilter{TenantID: m.tenant, Person: m.anna, Limit: 100}); err != nil || len(of) != 6 {
		t.Errorf("%+v, error %v", of, err)
	}
	of, err := m.AuditPage(m.ctx, AuditFilter{TenantID: m.tenant, Person: m.anna, Before: entries[9].ID, Limit: 2})
	if err != nil || len(of) != 2 || of[0].Action != AuditPhone || of[1].Action != AuditRole {
		t.Errorf("%+v, error %v", of, err)
	}
}

func TestPersonDeactivatedIsSignedOutEverywhere(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	signIns := func(id int64) (n int) {
		err := m.DB().NewRaw(`SELECT (SELECT COUNT(*) FROM booking_sessions WHERE user_id = ?) + (SELECT COUNT(*) FROM booking_recoveries WHERE user_id = ?) +
			(SELECT COUNT(*) FROM users WHERE id = ? AND remember_token IS NOT NULL)`, id, id, id).Scan(m.ctx, &n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, id := range []int64{m.anna, m.second} {
		if err := m.SaveSession(m.ctx, Session{TokenHash: fmt.Appendf(nil, "token %d", id), UserID: id, Data: []byte("x"), ExpiresAt: time.Now().Add(time.Hour).UTC()}); err != nil {
			t.Fatal(err)
		}
		if err := m.SaveRecovery(m.ctx, Account{ID: id, Email: "x"}, fmt.Appendf(nil, "link %d", id), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	m.exec(t, "UPDATE users SET remember_token = 'stay'")
	if _, err := m.SavePerson(m.ctx, m.changed(t, m.anna, func(e *PersonEdit) { e.Name = "Anna B." })); err != nil || signIns(m.anna) != 3 {
		t.Errorf("renamed: %d sign-ins, error %v", signIns(m.anna), err)
	}
	if _, err := m.SavePerson(m.ctx, m.changed(t, m.anna, func(e *PersonEdit) { e.Email = "b@x.example" })); err != nil || signIns(m.anna) != 2 {
		t.Errorf("another address: %d sign-ins, error %v", signIns(m.anna), err)
	}
	if _, err := m.SavePerson(m.ctx, m.changed(t, m.anna, func(e *PersonEdit) { e.Active = false })); err != nil || signIns(m.anna) != 0 {
		t.Errorf("deactivated: %d sign-ins, error %v", signIns(m.anna), err)
	}
	if signIns(m.second) != 3 {
		t.Error("a colleague was signed out, too")
	}
}
