package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"booking/shared/crm"
)

// eventNotedEvery is how often it is written down that a message came: a portal may
// send thousands within a minute.
const eventNotedEvery = 10 * time.Second

// What the audit calls what was done with the address for a portal's events.
const (
	AuditEventsOn      = "events_on"
	AuditEventsRenewed = "events_renewed"
	AuditEventsOff     = "events_off"
)

// EventAddress is a row of crm_event_addresses: that a tenant's portal may tell of its
// people, and what has come. The secret part of the address is kept nowhere.
type EventAddress struct {
	bun.BaseModel `bun:"table:crm_event_addresses,alias:e"`

	TenantID int64 `bun:"tenant_id,pk"`
	// Plugin is whose messages are awaited: the address of another CRM than the tenant's
	// is none.
	Plugin      string `bun:"plugin"`
	AddressHash []byte `bun:"address_hash"`
	// MadeAt is zero where there is no address.
	MadeAt time.Time `bun:"made_at"`
	// HeardAt is when a message was believed last, RefusedAt when one was not, and Refused
	// why; zero: never. They are written at most every ten seconds.
	HeardAt   time.Time       `bun:"heard_at,nullzero"`
	RefusedAt time.Time       `bun:"refused_at,nullzero"`
	Refused   crm.EventReason `bun:"refused"`
}

// On reports whether there is an address.
func (e EventAddress) On() bool { return !e.MadeAt.IsZero() }

// EventAddress reads what is known of a tenant's address for a plugin's events; where
// there is none, the value says no more than whose it would be.
func (s *Store) EventAddress(ctx context.Context, tenantID int64, plugin string) (EventAddress, error) {
	e := EventAddress{TenantID: tenantID}
	err := s.read(ctx, "read the address for events", func(ctx context.Context) error {
		return s.db.NewSelect().Model(&e).WherePK().Where("e.plugin = ?", plugin).Scan(ctx)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return EventAddress{TenantID: tenantID, Plugin: plugin}, nil
	}
	return e, err
}

// EventAddressByHash finds whose an address is, and the tenant in whatever state, with one
// statement; ErrNotFound when it is nobody's, or of a CRM the tenant has no more.
func (s *Store) EventAddressByHash(ctx context.Context, hash []byte) (EventAddress, Tenant, error) {
	var row struct {
		EventAddress

		TenantName string `bun:"tenant_name"`
	}
	err := s.read(ctx, "look up an address for events", func(ctx context.Context) error {
		return s.db.NewSelect().Model(&row).ModelTableExpr("crm_event_addresses AS e").Join("JOIN tenants AS t ON t.id = e.tenant_id").
			Join("JOIN crm_connections AS k ON k.tenant_id = e.tenant_id AND k.plugin = e.plugin").
			ColumnExpr("e.*").ColumnExpr("t.name AS tenant_name").Where("e.address_hash = ?", hash).Scan(ctx)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return EventAddress{}, Tenant{}, noEventAddress()
	}
	return row.EventAddress, Tenant{ID: row.TenantID, Name: row.TenantName}, err
}

// RenewEventAddress makes the tenant's address, for the plugin's events; the one before it
// opens nothing from now on. The audit notes who did so.
func (s *Store) RenewEventAddress(ctx context.Context, actor Actor, e *EventAddress) error {
	if _, err := s.Tenant(ctx, e.TenantID); err != nil {
		return err
	}
	e.MadeAt = s.Clock().UTC()
	return s.write(ctx, "renew the address for events", func(ctx context.Context, tx bun.Tx) error {
		there, err := deleteEventAddress(ctx, tx, e.TenantID)
		if err != nil {
			return err
		}
		if _, err := tx.NewInsert().Model(e).Exec(ctx); err != nil {
			return err
		}
		action := AuditEventsOn
		if there {
			action = AuditEventsRenewed
		}
		return s.addAudit(ctx, tx, []AuditEntry{actor.auditEvents(action, e.TenantID)})
	})
}

// DropEventAddress takes the tenant's address away; where there is none, nothing happens.
func (s *Store) DropEventAddress(ctx context.Context, actor Actor, tenantID int64) error {
	return s.write(ctx, "take the address for events away", func(ctx context.Context, tx bun.Tx) error {
		there, err := deleteEventAddress(ctx, tx, tenantID)
		if err != nil || !there {
			return err
		}
		return s.addAudit(ctx, tx, []AuditEntry{actor.auditEvents(AuditEventsOff, tenantID)})
	})
}

func deleteEventAddress(ctx context.Context, tx bun.Tx, tenantID int64) (there bool, err error) {
	result, err := tx.NewDelete().Model((*EventAddress)(nil)).ModelTableExpr("crm_event_addresses").Where("tenant_id = ?", tenantID).Exec(ctx)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

func (a Actor) auditEvents(action string, tenantID int64) AuditEntry {
	return AuditEntry{TenantID: tenantID, UserID: a.ID, UserName: a.Name, Action: action}
}

// NoteEvent writes down that a message was believed ("") or why not, unless the same was
// written within the last ten seconds; noted says whether it was written now.
func (s *Store) NoteEvent(ctx context.Context, e EventAddress, refused crm.EventReason) (noted bool, err error) {
	now := s.Clock().UTC()
	fresh := func(last time.Time) bool { return now.Sub(last) < eventNotedEvery }
	// The condition again: several messages of the same second write once.
	const unlessNoted = ` WHERE tenant_id = ? AND address_hash = ? AND `
	var changed int64
	switch {
	case refused == "" && !fresh(e.HeardAt):
		changed, err = s.exec(ctx, "note an event", `UPDATE crm_event_addresses SET heard_at = ?`+unlessNoted+`(heard_at IS NULL OR heard_at <= ?)`,
			now, e.TenantID, e.AddressHash, now.Add(-eventNotedEvery))
	case refused != "" && (refused != e.Refused || !fresh(e.RefusedAt)):
		changed, err = s.exec(ctx, "note an event", `UPDATE crm_event_addresses SET refused_at = ?, refused = ?`+unlessNoted+`(refused <> ? OR refused_at <= ?)`,
			now, string(refused), e.TenantID, e.AddressHash, string(refused), now.Add(-eventNotedEvery))
	}
	return changed == 1, err
}

func noEventAddress() error {
	return notFound("Такого адреса нет", "There is no such address")
}
