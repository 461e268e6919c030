package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"

	"booking/shared/secret"
)

func newUser(tenant int64, email string) NewUser {
	return NewUser{TenantID: tenant, Email: email, Name: "Анна", Role: RoleAdmin, Password: secret.New("пароль 1")}
}

func TestAUserCanSignInWithThePasswordGiven(t *testing.T) {
	t.Parallel()
	b := setup(t)
	added, err := b.AddUser(b.ctx, newUser(b.tenant(t, "A").ID, "  Anna.ÖZ@Example.COM "))
	if err != nil {
		t.Fatal(err)
	}
	if added.Email != "anna.öz@example.com" || !added.Active || added.ID == 0 {
		t.Errorf("added %+v", added)
	}
	var hash, role string
	var active bool
	err = b.DB().QueryRowContext(b.ctx, "SELECT password, role, is_active FROM users WHERE id = ?", added.ID).Scan(&hash, &role, &active)
	if err != nil || role != "admin" || !active {
		t.Fatalf("role %q, active %v, error %v", role, active, err)
	}
	if !strings.HasPrefix(hash, "$2y$12$") || len(hash) != 60 {
		t.Errorf("the hash has not the form that the existing server checks: %.7s..., %d characters", hash, len(hash))
	}
	if err := bcrypt.CompareHashAndPassword([]byte(hash), []byte("пароль 1")); err != nil {
		t.Error(err)
	}
	if err := bcrypt.CompareHashAndPassword([]byte(hash), []byte("пароль 2")); err == nil {
		t.Error("another password is accepted")
	}
}

func TestAnAddressHasOneOwnerOverAllTenants(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one, other := b.tenant(t, "A"), b.tenant(t, "Secret Tenant Name")
	if _, err := b.AddUser(b.ctx, newUser(other.ID, "anna@example.com")); err != nil {
		t.Fatal(err)
	}
	_, err := b.AddUser(b.ctx, newUser(one.ID, "ANNA@example.com"))
	if !errors.Is(err, ErrDuplicate) {
		t.Fatalf("error %v", err)
	}
	wantText(t, err, "уже занят", "already taken")
	if strings.Contains(err.Error(), "Secret Tenant") || strings.Contains(err.Error(), fmt.Sprint(other.ID)) {
		t.Errorf("the error tells whose address it is: %v", err)
	}
}

func TestAUsersValuesAreChecked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tenant := b.tenant(t, "A").ID
	gone := b.tenant(t, "gone").ID
	b.exec(t, "UPDATE tenants SET deleted_at = NOW() WHERE id = ?", gone)
	for name, c := range map[string]struct {
		change func(*NewUser)
		kind   error
	}{
		"no name":             {func(u *NewUser) { u.Name = " " }, ErrInvalid},
		"long name":           {func(u *NewUser) { u.Name = strings.Repeat("ж", 256) }, ErrInvalid},
		"no address":          {func(u *NewUser) { u.Email = "" }, ErrInvalid},
		"no host":             {func(u *NewUser) { u.Email = "anna@" }, ErrInvalid},
		"two at signs":        {func(u *NewUser) { u.Email = "a@b@c" }, ErrInvalid},
		"space inside":        {func(u *NewUser) { u.Email = "a nna@example.com" }, ErrInvalid},
		"line end inside":     {func(u *NewUser) { u.Email = "a@example.com\nx" }, ErrInvalid},
		"long address":        {func(u *NewUser) { u.Email = strings.Repeat("a", 244) + "@example.com" }, ErrInvalid},
		"super administrator": {func(u *NewUser) { u.Role = "super_admin" }, ErrInvalid},
		"no role":             {func(u *NewUser) { u.Role = "" }, ErrInvalid},
		"no password":         {func(u *NewUser) { u.Password = secret.Text{} }, ErrInvalid},
		"73 bytes":            {func(u *NewUser) { u.Password = secret.New(strings.Repeat("x", 73)) }, ErrInvalid},
		"NUL in a password":   {func(u *NewUser) { u.Password = secret.New("a\x00b") }, ErrInvalid},
		"unknown tenant":      {func(u *NewUser) { u.TenantID = 999 }, ErrNotFound},
		"deleted tenant":      {func(u *NewUser) { u.TenantID = gone }, ErrTenantDeleted},
	} {
		u := newUser(tenant, "anna@example.com")
		c.change(&u)
		if _, err := b.AddUser(b.ctx, u); !errors.Is(err, c.kind) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if all := listUsers(t, b, UserFilter{}); len(all) != 0 {
		t.Errorf("somebody was added: %+v", all)
	}
}

func listUsers(t *testing.T, b bundle, filter UserFilter) []User {
	t.Helper()
	var users []User
	for u, err := range b.Users(b.ctx, filter) {
		if err != nil {
			t.Fatal(err)
		}
		users = append(users, u)
	}
	return users
}

func names(users []User) string {
	var all []string
	for _, u := range users {
		all = append(all, u.Name)
	}
	return strings.Join(all, " ")
}

// people fills users with linked, unlinked and foreign rows.
func people(t *testing.T, b bundle) (tenant, other int64) {
	t.Helper()
	tenant, other = b.tenant(t, "A").ID, b.tenant(t, "B").ID
	b.exec(t, "ALTER TABLE users ADD COLUMN "+linkField+" VARCHAR(255) NULL")
	b.exec(t, `INSERT INTO users (tenant_id, name, email, password, role, is_active, `+linkField+`) VALUES
		(?, 'linked', 'a@x', '', 'employee', 1, '7'), (?, 'empty', 'b@x', '', 'manager', 0, ''), (?, 'null', 'c@x', '', 'admin', 1, NULL),
		(?, 'foreign', 'd@x', '', 'employee', 1, '7'), (NULL, 'super', 'e@x', '', 'super_admin', 1, NULL)`, tenant, tenant, tenant, other)
	return tenant, other
}

func TestUsersAreListedByTenantAndLink(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tenant, _ := people(t, b)
	for _, c := range []struct {
		filter UserFilter
		want   string
	}{
		{UserFilter{}, "linked empty null foreign super"},
		{UserFilter{TenantID: tenant}, "linked empty null"},
		{UserFilter{TenantID: tenant, LinkColumn: linkField, Linked: LinkedOnly}, "linked"},
		{UserFilter{TenantID: tenant, LinkColumn: linkField, Linked: UnlinkedOnly}, "empty null"},
		{UserFilter{LinkColumn: linkField, Linked: LinkedOnly}, "linked foreign"},
		{UserFilter{LinkColumn: "nobodys_user_id", Linked: LinkedOnly}, ""},
		{UserFilter{LinkColumn: "nobodys_user_id", Linked: UnlinkedOnly, TenantID: tenant}, "linked empty null"},
		{UserFilter{Linked: LinkedOnly}, ""},
	} {
		if got := names(listUsers(t, b, c.filter)); got != c.want {
			t.Errorf("%+v: %q, want %q", c.filter, got, c.want)
		}
	}
	first := listUsers(t, b, UserFilter{TenantID: tenant, LinkColumn: linkField})[0]
	want := User{ID: first.ID, TenantID: tenant, Name: "linked", Email: "a@x", Role: "employee", Active: true, Link: "7"}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Error(diff)
	}
}

func TestUsersAreListedOnAnOlderDatabase(t *testing.T) {
	t.Parallel()
	b := setup(t)
	people(t, b)
	b.exec(t, "ALTER TABLE users DROP COLUMN phone")
	if got := len(listUsers(t, b, UserFilter{LinkColumn: linkField})); got != 5 {
		t.Errorf("%d users", got)
	}
}

func TestAListCanBeLeftInTheMiddle(t *testing.T) {
	t.Parallel()
	b := setup(t)
	people(t, b)
	for range 40 { // more than the pool has connections: none may stay behind
		for range b.Users(b.ctx, UserFilter{}) {
			break
		}
	}
	if in := b.DB().Stats().InUse; in != 0 {
		t.Errorf("%d connections are still in use", in)
	}
}

func TestOnlyAColumnOfLinksCanBeNamed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, column := range []string{"password", "id`; DROP TABLE users; -- _user_id", "user_id"} {
		for _, err := range b.Users(b.ctx, UserFilter{LinkColumn: column}) {
			if err == nil {
				t.Errorf("%q is accepted", column)
			}
		}
		if _, err := b.DropLinks(b.ctx, 1, column); err == nil {
			t.Errorf("%q can be emptied", column)
		}
	}
}

func TestLinksAreCountedAndDroppedInOneTenantOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tenant, other := people(t, b)
	if n, err := b.LinkCount(b.ctx, tenant, linkField); n != 1 || err != nil {
		t.Errorf("%d links, error %v", n, err)
	}
	if n, err := b.LinkCount(b.ctx, tenant, "nobodys_user_id"); n != 0 || err != nil {
		t.Errorf("without the column: %d links, error %v", n, err)
	}
	if columns, err := b.LinkColumns(b.ctx); err != nil || !cmp.Equal(columns, []string{linkField}) {
		t.Errorf("columns %v, error %v", columns, err)
	}
	dropped, err := b.DropLinks(b.ctx, tenant, linkField)
	if dropped != 1 || err != nil {
		t.Errorf("dropped %d, error %v", dropped, err)
	}
	for want, id := range map[int]int64{0: tenant, 1: other} {
		if n, err := b.LinkCount(b.ctx, id, linkField); n != want || err != nil {
			t.Errorf("tenant %d: %d links, error %v", id, n, err)
		}
	}
	var touched int
	if err := b.DB().QueryRowContext(b.ctx, "SELECT COUNT(*) FROM users WHERE updated_at IS NOT NULL").Scan(&touched); err != nil || touched != 1 {
		t.Errorf("%d rows have a new updated_at, error %v", touched, err)
	}
}

// Older copies of the existing server may want no NULL in the link column.
func TestLinksAreDroppedFromAColumnWithoutNull(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tenant, _ := people(t, b)
	for _, query := range []string{
		"UPDATE users SET " + linkField + " = '' WHERE " + linkField + " IS NULL",
		"ALTER TABLE users MODIFY " + linkField + " VARCHAR(255) NOT NULL DEFAULT ''",
	} {
		if _, err := b.DB().ExecContext(b.ctx, query); err != nil {
			t.Fatal(err)
		}
	}
	if dropped, err := b.DropLinks(b.ctx, tenant, linkField); dropped != 1 || err != nil {
		t.Errorf("dropped %d, error %v", dropped, err)
	}
	if n, err := b.LinkCount(b.ctx, tenant, linkField); n != 0 || err != nil {
		t.Errorf("%d links, error %v", n, err)
	}
}
