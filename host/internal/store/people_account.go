package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"booking/shared/secret"
	"booking/shared/usersync"
)

// RoleSuperAdmin belongs to no tenant and sees all of them.
const RoleSuperAdmin = "super_admin"

// Account is a person as signing in needs them: with the password's hash and the
// state of the tenant.
type Account struct {
	ID       int64
	TenantID int64 // 0: none
	Name     string
	Email    string
	Role     string
	Active   bool
	// PasswordHash is bcrypt.
	PasswordHash secret.Text
	// Tenant is the zero value for a person without one.
	Tenant Tenant
	// Chosen is the tenant that was asked for by number besides ([Store.AccountIn]); the
	// zero value when there is none, or it is deleted.
	Chosen Tenant
}

// MaySignIn reports whether the person is active and the tenant, if there is one,
// not deleted. (A blocked tenant's administrators may still see why.)
func (a Account) MaySignIn() bool {
	return a.Active && a.Tenant.DeletedAt.IsZero() && (a.TenantID != 0 || a.Role == RoleSuperAdmin)
}

// Administers reports whether the person may change settings: of the own tenant,
// or of any.
func (a Account) Administers() bool { return a.Role == RoleAdmin || a.Role == RoleSuperAdmin }

// AccountByEmail finds the person of an address, ErrNotFound when there is none.
// What the collation calls equal (josé, jose) is not: the addresses must be the same
// character by character once both are normalised.
func (s *Store) AccountByEmail(ctx context.Context, email string) (Account, error) {
	email = usersync.Normalize(email)
	a, err := s.account(ctx, 0, func(q *bun.SelectQuery) { q.Where("u.email = ?", email) })
	if err == nil && usersync.Normalize(a.Email) != email {
		return Account{}, noAccount()
	}
	return a, err
}

// Account reads a person by number, ErrNotFound when there is none.
func (s *Store) Account(ctx context.Context, id int64) (Account, error) {
	return s.AccountIn(ctx, id, 0)
}

// AccountIn is Account together with a tenant that the person has chosen, in one
// statement: every page of a super administrator asks for both.
func (s *Store) AccountIn(ctx context.Context, id, chosen int64) (Account, error) {
	return s.account(ctx, chosen, func(q *bun.SelectQuery) { q.Where("u.id = ?", id) })
}

func (s *Store) account(ctx context.Context, chosen int64, where func(*bun.SelectQuery)) (Account, error) {
	var a Account
	err := s.read(ctx, "read a person", func(ctx context.Context) error {
		var hash string
		var deleted sql.Null[time.Time]
		own, other := &a.Tenant, &a.Chosen
		q := s.db.NewSelect().TableExpr("users AS u").Join("LEFT JOIN tenants AS t ON t.id = u.tenant_id").
			Join("LEFT JOIN tenants AS c ON c.id = ? AND c.deleted_at IS NULL", chosen).
			Join("LEFT JOIN crm_schedules AS ts ON ts.tenant_id = t.id").Join("LEFT JOIN crm_schedules AS cs ON cs.tenant_id = c.id").
			ColumnExpr("u.id, COALESCE(u.tenant_id, 0), u.name, u.email, u.role, u.is_active, u.password").
			ColumnExpr("COALESCE(t.name, ''), COALESCE(t.subscription_status, ''), t.deleted_at").
			ColumnExpr("COALESCE(c.id, 0), COALESCE(c.name, ''), COALESCE(c.subscription_status, '')").
			ColumnExpr("COALESCE(ts.zone, ''), COALESCE(cs.zone, '')").Limit(1)
		where(q)
		err := q.Scan(ctx, &a.ID, &a.TenantID, &a.Name, &a.Email, &a.Role, &a.Active, &hash,
			&own.Name, &own.Subscription, &deleted, &other.ID, &other.Name, &other.Subscription, &own.Zone, &other.Zone)
		a.PasswordHash = secret.New(hash)
		own.ID, own.DeletedAt = a.TenantID, deleted.V
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Account{}, noAccount()
	}
	return a, err
}

func noAccount() error {
	return notFound("Такого пользователя нет", "There is no such user")
}

// Administrators lists the active administrators of a tenant by name, at most limit:
// whom to ask.
func (s *Store) Administrators(ctx context.Context, tenantID int64, limit int) ([]User, error) {
	var found []User
	err := s.read(ctx, "list the administrators", func(ctx context.Context) error {
		found = nil
		return s.db.NewSelect().Table("users").Column("id", "name", "email").Where("tenant_id = ?", tenantID).
			Where("role = ?", RoleAdmin).Where("is_active = 1").Order("name", "id").Limit(int64(limit)).Scan(ctx, &found)
	})
	return found, err
}
