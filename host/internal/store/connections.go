package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"booking/host/internal/problem"
	"booking/host/internal/secrets"
	"booking/shared/crm"
	"booking/shared/secret"
)

// Connection is a tenant's connection to a CRM.
type Connection struct {
	TenantID int64
	Plugin   string
	Enabled  bool
	// Portal is the host name that the settings speak of, LinksPortal the one that
	// the tenant's links came from; "" while there is none.
	Portal, LinksPortal string
	// Plain and Secret are the settings by key; a key is in one of them.
	Plain  map[string]string
	Secret map[string]secret.Text

	CreatedAt, UpdatedAt time.Time
}

// Settings are all settings, as a plugin takes them.
func (c Connection) Settings() crm.Settings {
	all := make(crm.Settings, len(c.Plain)+len(c.Secret))
	for key, value := range c.Plain {
		all[key] = secret.New(value)
	}
	maps.Copy(all, c.Secret)
	return all
}

// connectionRow is a row of crm_connections.
type connectionRow struct {
	bun.BaseModel `bun:"table:crm_connections"`

	TenantID    int64             `bun:"tenant_id,pk"`
	Plugin      string            `bun:"plugin"`
	Enabled     bool              `bun:"enabled"`
	Portal      string            `bun:"portal"`
	LinksPortal string            `bun:"links_portal"`
	Settings    map[string]string `bun:"settings,type:json"`
	CreatedAt   time.Time         `bun:"created_at"`
	UpdatedAt   time.Time         `bun:"updated_at"`
}

// secretRow is a row of crm_secrets.
type secretRow struct {
	bun.BaseModel `bun:"table:crm_secrets"`

	TenantID int64     `bun:"tenant_id,pk"`
	Plugin   string    `bun:"plugin,pk"`
	Field    string    `bun:"field,pk"`
	Sealed   []byte    `bun:"sealed"`
	SetAt    time.Time `bun:"set_at"`
}

func (r secretRow) place() secrets.Place {
	return secrets.Place{TenantID: r.TenantID, Plugin: r.Plugin, Field: r.Field}
}

// Connection reads a tenant's connection with its secrets opened; ErrNotFound when
// the tenant has none.
func (s *Store) Connection(ctx context.Context, box *secrets.Box, tenantID int64) (Connection, error) {
	var c Connection
	err := s.read(ctx, "read a connection", func(ctx context.Context) (err error) {
		// One snapshot: settings and secrets of the same moment.
		return s.db.RunInTx(ctx, &sql.TxOptions{ReadOnly: true}, func(ctx context.Context, tx bun.Tx) error {
			c, err = readConnection(ctx, tx, box, tenantID)
			return err
		})
	})
	return c, err
}

func readConnection(ctx context.Context, tx bun.Tx, box *secrets.Box, tenantID int64) (Connection, error) {
	var row connectionRow
	err := tx.NewSelect().Model(&row).Where("tenant_id = ?", tenantID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Connection{}, notFound(
			fmt.Sprintf("У компании %d не настроено подключение к CRM: booking-host crm connect", tenantID),
			fmt.Sprintf("Tenant %d has no connection to a CRM: booking-host crm connect", tenantID))
	}
	if err != nil {
		return Connection{}, err
	}
	var sealed []secretRow
	if err := tx.NewSelect().Model(&sealed).Where("tenant_id = ?", tenantID).Where("plugin = ?", row.Plugin).Order("field").Scan(ctx); err != nil {
		return Connection{}, err
	}
	c := Connection{
		TenantID: row.TenantID, Plugin: row.Plugin, Enabled: row.Enabled, Portal: row.Portal, LinksPortal: row.LinksPortal,
		Plain: row.Settings, Secret: make(map[string]secret.Text, len(sealed)), CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt,
	}
	if c.Plain == nil {
		c.Plain = map[string]string{}
	}
	for _, one := range sealed {
		if c.Secret[one.Field], err = box.Open(one.place(), one.Sealed); err != nil {
			return Connection{}, cannotOpen(one.Field, err)
		}
	}
	return c, nil
}

// ConnectionEdit is a connection while it is changed.
type ConnectionEdit struct {
	Connection
	// New says that the tenant had none: it starts enabled, with nothing set.
	New bool
	// DropLinks is the external-id column to be emptied for the tenant together with
	// the change; "" keeps the links.
	DropLinks string
	// WasImported says that the connection is as an import left it; Imported is set by
	// an edit that is an import.
	WasImported, Imported bool
}

// UsePlugin changes the plugin. Settings, secrets and portals of another one mean
// nothing to it and are forgotten.
func (e *ConnectionEdit) UsePlugin(name string) {
	if e.Plugin == name {
		return
	}
	e.Plugin, e.Portal, e.LinksPortal = name, "", ""
	e.Plain, e.Secret = map[string]string{}, map[string]secret.Text{}
}

// EditConnection lets edit change a tenant's connection, or make one, and saves
// what it leaves: whatever edit does not touch stays. An error of edit saves
// nothing and is returned. Edits wait for each other, so edit should not call a
// portal; it may be called again when the database asks for it. A setting that is
// empty is removed. The tenant must exist.
func (s *Store) EditConnection(ctx context.Context, box *secrets.Box, tenantID int64, edit func(*ConnectionEdit) error) (Connection, error) {
	if _, err := s.Tenant(ctx, tenantID); err != nil {
		return Connection{}, err
	}
	var result Connection
	var refused error // what edit says is passed on as it is: no fault of the database
	err := s.write(ctx, "save a connection", func(ctx context.Context, tx bun.Tx) error {
		if err := lockKey(ctx, tx, box); err != nil {
			return err
		}
		before, err := readConnection(ctx, tx, box, tenantID)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		e := ConnectionEdit{Connection: before, New: err != nil}
		if e.New {
			e.Connection = Connection{TenantID: tenantID, Enabled: true, CreatedAt: s.now()}
		}
		e.Plain, e.Secret = cloned(before.Plain), cloned(before.Secret)
		if e.WasImported, err = asImported(ctx, tx, tenantID); err != nil {
			return err
		}
		if refused = edit(&e); refused != nil {
			return refused
		}
		if e.Plugin != before.Plugin && e.LinksPortal == "" {
			if e.LinksPortal, err = lastPortal(ctx, tx, tenantID, e.Plugin); err != nil {
				return err
			}
		}
		result = e.Connection
		return s.saveEdit(ctx, tx, box, before, &e)
	})
	if refused != nil {
		return Connection{}, refused
	}
	if err != nil {
		return Connection{}, err
	}
	return result, nil
}

func (s *Store) saveEdit(ctx context.Context, tx bun.Tx, box *secrets.Box, before Connection, e *ConnectionEdit) error {
	maps.DeleteFunc(e.Plain, func(_, value string) bool { return value == "" })
	maps.DeleteFunc(e.Secret, func(_ string, value secret.Text) bool { return value.Empty() })
	row := connectionRow{
		TenantID: e.TenantID, Plugin: e.Plugin, Enabled: e.Enabled, Portal: e.Portal, LinksPortal: e.LinksPortal,
		Settings: e.Plain, CreatedAt: e.CreatedAt, UpdatedAt: s.now(),
	}
	var err error
	if e.New {
		_, err = tx.NewInsert().Model(&row).Exec(ctx)
	} else {
		_, err = tx.NewUpdate().Model(&row).ExcludeColumn("created_at").WherePK().Exec(ctx)
	}
	if err == nil {
		err = markImport(ctx, tx, e, row.UpdatedAt)
	}
	if err != nil {
		return err
	}
	if err := s.saveSecrets(ctx, tx, box, before, e); err != nil || e.DropLinks == "" {
		return err
	}
	there, err := s.userColumns(ctx, e.DropLinks)
	if err != nil || !there[e.DropLinks] {
		return err
	}
	_, err = s.dropLinks(ctx, tx, e.TenantID, e.DropLinks)
	return err
}

// saveSecrets removes what is gone and writes what changed. Others keep their
// sealed bytes, so that set_at says when a secret was really set.
func (s *Store) saveSecrets(ctx context.Context, tx bun.Tx, box *secrets.Box, before Connection, e *ConnectionEdit) error {
	_, err := tx.NewDelete().Model((*secretRow)(nil)).Where("tenant_id = ?", e.TenantID).
		Where("NOT (plugin = ? AND field IN (?))", e.Plugin, bun.List(append(slices.Collect(maps.Keys(e.Secret)), ""))).Exec(ctx)
	if err != nil {
		return err
	}
	for field, value := range e.Secret {
		old, there := before.Secret[field]
		if there && before.Plugin == e.Plugin && old == value {
			continue
		}
		row := secretRow{TenantID: e.TenantID, Plugin: e.Plugin, Field: field, SetAt: s.now()}
		if row.Sealed, err = box.Seal(row.place(), value); err != nil {
			return cannotSeal(field, err)
		}
		if _, err := tx.NewInsert().Model(&row).On("DUPLICATE KEY UPDATE").
			Set("sealed = VALUES(sealed)").Set("set_at = VALUES(set_at)").Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// RememberLinksPortal notes which portal the tenant's links come from.
func (s *Store) RememberLinksPortal(ctx context.Context, tenantID int64, portal string) error {
	return s.repeat(ctx, "remember the portal of the links", func(ctx context.Context) error {
		_, err := s.db.NewUpdate().Model((*connectionRow)(nil)).Set("links_portal = ?", portal).
			Where("tenant_id = ?", tenantID).Exec(ctx)
		return err
	})
}

// lockKey makes edits wait for each other and for a rotation, and refuses to seal
// with a key that a rotation has replaced meanwhile.
func lockKey(ctx context.Context, tx bun.Tx, box *secrets.Box) error {
	var check []byte
	err := tx.NewSelect().Table("booking_keys").Column("check_value").Where("id = 1").For("UPDATE").Scan(ctx, &check)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	return sameKey(check, box)
}

func sameKey(check []byte, box *secrets.Box) error {
	if !bytes.Equal(check, box.Check()) {
		return problem.New(ErrKeyChanged, crm.Text{
			RU: "Ключ шифрования сменили, пока программа работала: перезапустите её",
			EN: "The encryption key was changed while the program ran: start it again",
		}, nil)
	}
	return nil
}

func cannotOpen(field string, err error) error {
	return problem.New(secrets.ErrDoesNotOpen, crm.Text{
		RU: fmt.Sprintf("Сохранённое значение «%s» не расшифровывается: перезапустите программу, если меняли ключ, или задайте его заново (crm connect --secret %s)", field, field),
		EN: fmt.Sprintf("The stored value of %q cannot be decrypted: start the program again if the key was changed, or set it anew (crm connect --secret %s)", field, field),
	}, err)
}

func cannotSeal(field string, err error) error {
	if !errors.Is(err, secrets.ErrTooLong) {
		return err
	}
	return problem.New(ErrInvalid, crm.Text{
		RU: fmt.Sprintf("Значение «%s» слишком длинное", field), EN: fmt.Sprintf("The value of %q is too long", field),
	}, err)
}

func cloned[V any](m map[string]V) map[string]V {
	clone := make(map[string]V, len(m))
	maps.Copy(clone, m)
	return clone
}
