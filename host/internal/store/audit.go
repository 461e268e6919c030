package store

import (
	"context"
	"strconv"
	"time"

	"github.com/uptrace/bun"
)

// AuditEntry is a row of booking_audit: one thing that a person changed by hand.
type AuditEntry struct {
	bun.BaseModel `bun:"table:booking_audit"`

	ID       int64  `bun:"id,pk,autoincrement"`
	TenantID int64  `bun:"tenant_id,nullzero"`
	UserID   int64  `bun:"user_id,nullzero"`
	UserName string `bun:"user_name"`
	// Action is setting, secret, enabled, links, schedule, token_added, token_revoked or,
	// for what was changed of a person, one of the Audit constants.
	Action string `bun:"action"`
	// Subject is the setting's key, the number of the person or the name of the token it
	// is about.
	Subject   string    `bun:"subject"`
	Old       string    `bun:"old_value,nullzero"`
	New       string    `bun:"new_value,nullzero"`
	CreatedAt time.Time `bun:"created_at"`
}

// What an entry about a person can say, each with the value before and after. A sync
// relies on AuditActive ("true", "false"): it leaves alone whose activity was changed by hand.
const (
	AuditCreated = "created" // somebody was added by hand; the value is the name
	AuditName    = "name"
	AuditEmail   = "email"
	AuditRole    = "role"
	AuditActive  = "active"
	AuditPhone   = "phone"
	AuditLink    = "link"
)

// PersonActions are the actions of which the subject is a person.
var PersonActions = []string{AuditCreated, AuditName, AuditEmail, AuditRole, AuditActive, AuditPhone, AuditLink}

// AuditFilter chooses a page of what was changed by hand, the newest first.
type AuditFilter struct {
	TenantID int64
	// Person 0 is everybody and everything.
	Person int64
	// Before is the id of the last entry of the page before; 0 begins.
	Before int64
	Limit  int
}

// AddAudit notes what was changed; a secret's old and new value must not be in it.
func (s *Store) AddAudit(ctx context.Context, entries ...AuditEntry) error {
	return databaseError("note a change", s.addAudit(ctx, s.db, entries))
}

func (s *Store) addAudit(ctx context.Context, db bun.IDB, entries []AuditEntry) error {
	if len(entries) == 0 {
		return nil
	}
	for i := range entries {
		entries[i].CreatedAt = s.Clock().UTC()
	}
	_, err := db.NewInsert().Model(&entries).Exec(ctx)
	return err
}

// Audit lists a tenant's newest changes.
func (s *Store) Audit(ctx context.Context, tenantID int64, limit int) ([]AuditEntry, error) {
	return s.AuditPage(ctx, AuditFilter{TenantID: tenantID, Limit: limit})
}

// AuditPage returns one page.
func (s *Store) AuditPage(ctx context.Context, f AuditFilter) ([]AuditEntry, error) {
	var entries []AuditEntry
	err := s.read(ctx, "list what was changed", func(ctx context.Context) error {
		entries = nil
		q := s.db.NewSelect().Model(&entries).Where("tenant_id = ?", f.TenantID).Order("id DESC").Limit(int64(f.Limit))
		if f.Person != 0 {
			q.Where("subject = ?", strconv.FormatInt(f.Person, 10)).Where("action IN (?)", bun.List(PersonActions))
		}
		if f.Before > 0 {
			q.Where("id < ?", f.Before)
		}
		return q.Scan(ctx)
	})
	return entries, err
}

// SecretSet says when a secret was set, and by whom as far as that was a person on the pages.
type SecretSet struct {
	Field string
	SetAt time.Time
	By    string
}

// SecretsSet tells it of each secret of a tenant's connection, by field.
func (s *Store) SecretsSet(ctx context.Context, tenantID int64, plugin string) (map[string]SecretSet, error) {
	set := map[string]SecretSet{}
	err := s.read(ctx, "read when secrets were set", func(ctx context.Context) error {
		var rows []SecretSet
		err := s.db.NewSelect().TableExpr("crm_secrets AS s").ColumnExpr("s.field, s.set_at").
			ColumnExpr(`COALESCE((SELECT a.user_name FROM booking_audit AS a WHERE a.tenant_id = s.tenant_id AND a.subject = s.field AND a.action = 'secret'
				ORDER BY a.id DESC LIMIT 1), '') AS ?`, bun.Ident("by")).
			Where("s.tenant_id = ?", tenantID).Where("s.plugin = ?", plugin).Scan(ctx, &rows)
		for _, row := range rows {
			set[row.Field] = row
		}
		return err
	})
	return set, err
}
