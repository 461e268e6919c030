package store

import (
	"errors"
	"strings"
	"testing"

	"booking/shared/crm"
)

func TestTenantsAreAddedAndListedWithTheirState(t *testing.T) {
	t.Parallel()
	b := setup(t)
	added := b.tenant(t, "  ООО «Ромашка»  ")
	if added.ID == 0 || added.Name != "ООО «Ромашка»" || added.Status() != "active" || added.CreatedAt.IsZero() {
		t.Errorf("added %+v", added)
	}
	blocked, deleted := b.tenant(t, "Б"), b.tenant(t, "В")
	b.exec(t, "UPDATE tenants SET subscription_status = 'blocked' WHERE id IN (?, ?)", blocked.ID, deleted.ID)
	b.exec(t, "UPDATE tenants SET deleted_at = '2026-01-01 00:00:00' WHERE id = ?", deleted.ID)
	tenants, err := b.Tenants(b.ctx)
	if err != nil || len(tenants) != 3 {
		t.Fatalf("%d tenants, error %v", len(tenants), err)
	}
	for i, want := range []struct {
		status string
		kind   error
	}{{"active", nil}, {"blocked", ErrTenantBlocked}, {"deleted", ErrTenantDeleted}} {
		refusal := tenants[i].Refusal()
		if tenants[i].Status() != want.status || !errors.Is(refusal, want.kind) {
			t.Errorf("tenant %d: %s, refusal %v", i, tenants[i].Status(), refusal)
		}
		if want.kind != nil && crm.CodeOf(refusal) != crm.CodeTenantBlocked {
			t.Errorf("tenant %d: code %s", i, crm.CodeOf(refusal))
		}
	}
}

func TestAnUnknownTenantIsNotFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.Tenant(b.ctx, 77)
	if !errors.Is(err, ErrNotFound) {
		t.Errorf("error %v", err)
	}
	wantText(t, err, "Компании 77 нет", "no tenant 77")
}

func TestATenantsNameIsChecked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, name := range []string{"", "  ", strings.Repeat("я", 256), "a\x00b", "\xff"} {
		if _, err := b.AddTenant(b.ctx, name); !errors.Is(err, ErrInvalid) {
			t.Errorf("name %q: error %v", name, err)
		}
	}
	if long := b.tenant(t, strings.Repeat("я", 255)); long.ID == 0 {
		t.Error("255 characters are allowed")
	}
}

func TestEnabledTenantsLeaveOutBlockedDeletedAndDisabled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	names := []string{"works", "disabled", "blocked", "deleted", "no connection", "works too"}
	for i, name := range names {
		tenant := b.tenant(t, name)
		if name == "no connection" {
			continue
		}
		_, err := b.EditConnection(b.ctx, b.box, tenant.ID, func(e *ConnectionEdit) error {
			e.UsePlugin("acme")
			e.Enabled = i != 1
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	b.exec(t, "UPDATE tenants SET subscription_status = 'blocked' WHERE name = 'blocked'")
	b.exec(t, "UPDATE tenants SET deleted_at = NOW() WHERE name = 'deleted'")
	tenants, err := b.EnabledTenants(b.ctx)
	if err != nil || len(tenants) != 2 || tenants[0].Name != "works" || tenants[1].Name != "works too" {
		t.Errorf("%+v, error %v", tenants, err)
	}
}
