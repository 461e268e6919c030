package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"booking/shared/crm"
)

// maxText is the length of the text columns, in characters.
const maxText = 255

// subscriptionBlocked is the subscription_status of a tenant that may not work.
const subscriptionBlocked = "blocked"

// Tenant is a company.
type Tenant struct {
	bun.BaseModel `bun:"table:tenants"`

	ID   int64  `bun:"id,pk,autoincrement"`
	Name string `bun:"name"`
	// Subscription is trial, active or blocked, as the existing server keeps it.
	Subscription string    `bun:"subscription_status,nullzero"`
	DeletedAt    time.Time `bun:"deleted_at,nullzero"`
	CreatedAt    time.Time `bun:"created_at,nullzero"`
	UpdatedAt    time.Time `bun:"updated_at,nullzero"`

	// Zone is the time zone of its schedule, "" for the host's; only accounts carry it.
	Zone string `bun:"-"`
}

// CRM is the tenant as plugins are told of it.
func (t Tenant) CRM() crm.Tenant { return crm.Tenant{ID: t.ID, Name: t.Name} }

// Status is what lists show: active, blocked or deleted.
func (t Tenant) Status() string {
	switch {
	case !t.DeletedAt.IsZero():
		return "deleted"
	case t.Subscription == subscriptionBlocked:
		return "blocked"
	}
	return "active"
}

// Refusal says why nothing may be done for the tenant: nil, or a *crm.Error with
// CodeTenantBlocked above ErrTenantBlocked or ErrTenantDeleted.
func (t Tenant) Refusal() error {
	switch {
	case !t.DeletedAt.IsZero():
		return crm.NewError(crm.CodeTenantBlocked, crm.Text{
			RU: fmt.Sprintf("Компания %d удалена", t.ID), EN: fmt.Sprintf("Tenant %d is deleted", t.ID),
		}, ErrTenantDeleted)
	case t.Subscription == subscriptionBlocked:
		return crm.NewError(crm.CodeTenantBlocked, crm.Text{
			RU: fmt.Sprintf("Компания %d заблокирована: подписка приостановлена", t.ID),
			EN: fmt.Sprintf("Tenant %d is blocked: its subscription is suspended", t.ID),
		}, ErrTenantBlocked)
	}
	return nil
}

// AddTenant makes a tenant. The name must not be empty nor longer than 255 characters.
func (s *Store) AddTenant(ctx context.Context, name string) (Tenant, error) {
	name = strings.TrimSpace(name)
	if err := checkName(name); err != nil {
		return Tenant{}, err
	}
	t := Tenant{Name: name, CreatedAt: s.now(), UpdatedAt: s.now()}
	err := s.write(ctx, "add a tenant", func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewInsert().Model(&t).Column("name", "created_at", "updated_at").Exec(ctx)
		return err
	})
	if err != nil {
		return Tenant{}, err
	}
	return s.Tenant(ctx, t.ID)
}

// Tenants lists all tenants by id, the blocked and deleted ones too.
func (s *Store) Tenants(ctx context.Context) ([]Tenant, error) {
	var tenants []Tenant
	err := s.read(ctx, "list tenants", func(ctx context.Context) error {
		tenants = nil
		return tenantColumns(s.db.NewSelect().Model(&tenants)).Order("id").Scan(ctx)
	})
	return tenants, err
}

// Tenant reads one tenant in whatever state; ErrNotFound when there is none.
func (s *Store) Tenant(ctx context.Context, id int64) (Tenant, error) {
	var t Tenant
	err := s.read(ctx, "read a tenant", func(ctx context.Context) error {
		return tenantColumns(s.db.NewSelect().Model(&t)).Where("id = ?", id).Scan(ctx)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Tenant{}, notFound(fmt.Sprintf("Компании %d нет", id), fmt.Sprintf("There is no tenant %d", id))
	}
	return t, err
}

// EnabledTenants lists, by id, the tenants whose connection is enabled. Blocked
// and deleted ones are left out.
func (s *Store) EnabledTenants(ctx context.Context) ([]Tenant, error) {
	var tenants []Tenant
	err := s.read(ctx, "list the connected tenants", func(ctx context.Context) error {
		tenants = nil
		return tenantColumns(s.db.NewSelect().Model(&tenants)).
			Where("id IN (SELECT tenant_id FROM crm_connections WHERE enabled = 1)").
			Where("deleted_at IS NULL").
			Where("COALESCE(subscription_status, '') <> ?", subscriptionBlocked).
			Order("id").Scan(ctx)
	})
	return tenants, err
}

func tenantColumns(q *bun.SelectQuery) *bun.SelectQuery {
	return q.Column("id", "name", "subscription_status", "deleted_at", "created_at", "updated_at")
}

func checkName(name string) error {
	switch {
	case name == "":
		return invalid("Имя не может быть пустым", "The name must not be empty")
	case utf8.RuneCountInString(name) > maxText:
		return invalid("Имя длиннее 255 символов", "The name is longer than 255 characters")
	case strings.ContainsRune(name, 0) || !utf8.ValidString(name):
		return invalid("В имени есть недопустимые символы", "The name holds characters that are not allowed")
	}
	return nil
}
