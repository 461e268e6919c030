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

	"booking/host/internal/problem"
	"booking/shared/crm"
)

const (
	// maxTokens is how many tokens a tenant may have that still open something.
	maxTokens = 50
	// tokensListed is how many a list shows, the newest first: those that are over stay.
	tokensListed = 200
	// maxTokenName is the length of a token's name, in characters.
	maxTokenName = 100
	// usedEvery is how often the use of a token is written down.
	usedEvery = time.Minute
)

// Scope is what a token may do.
type Scope string

// The scopes, a closed list. ScopeRun includes ScopeRead: whoever starts a run must
// be able to see what became of it.
const (
	ScopeRead Scope = "read"
	ScopeRun  Scope = "run"
)

// Allows reports whether a token of this scope may do what needs the other one.
func (s Scope) Allows(needed Scope) bool { return s == ScopeRun || s == needed }

// Token is a row of booking_tokens: what a machine proves itself with. The token
// itself is kept nowhere.
type Token struct {
	bun.BaseModel `bun:"table:booking_tokens,alias:k"`

	ID        int64  `bun:"id,pk,autoincrement"`
	TenantID  int64  `bun:"tenant_id"`
	TokenHash []byte `bun:"token_hash"`
	Name      string `bun:"name"`
	Scope     Scope  `bun:"scope"`
	// CreatedBy is the person who made it; 0, and no name, for a command.
	CreatedBy     int64     `bun:"created_by,nullzero"`
	CreatedByName string    `bun:"created_by_name"`
	CreatedAt     time.Time `bun:"created_at"`
	// LastUsedAt is written at most once a minute; zero: never used.
	LastUsedAt time.Time `bun:"last_used_at,nullzero"`
	// ExpiresAt is zero for a token without an end.
	ExpiresAt time.Time `bun:"expires_at,nullzero"`
	RevokedAt time.Time `bun:"revoked_at,nullzero"`
}

// Revoked and Expired say why a token opens nothing any more.
func (t Token) Revoked() bool { return !t.RevokedAt.IsZero() }

// Expired reports whether its time is over.
func (t Token) Expired(now time.Time) bool { return !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt) }

// Status is what lists show: active, expired or revoked.
func (t Token) Status(now time.Time) string {
	switch {
	case t.Revoked():
		return "revoked"
	case t.Expired(now):
		return "expired"
	}
	return "active"
}

// Actor is who changes something; the zero value is a command on the server itself.
type Actor struct {
	ID   int64
	Name string
}

// What the audit calls a token that was made or revoked.
const (
	AuditTokenAdded   = "token_added"
	AuditTokenRevoked = "token_revoked"
)

func (a Actor) audit(action string, t Token, now time.Time) AuditEntry {
	return AuditEntry{
		TenantID: t.TenantID, UserID: a.ID, UserName: a.Name, Action: action, Subject: t.Name, New: string(t.Scope), CreatedAt: now,
	}
}

// AddToken stores a token that actor made, and notes it in the audit. The tenant must
// exist and not be deleted; values that break a rule are ErrInvalid.
func (s *Store) AddToken(ctx context.Context, actor Actor, t *Token) error {
	now := s.Clock().UTC()
	t.Name = strings.TrimSpace(t.Name)
	t.CreatedBy, t.CreatedByName, t.CreatedAt = actor.ID, actor.Name, now
	if err := t.check(now); err != nil {
		return err
	}
	tenant, err := s.Tenant(ctx, t.TenantID)
	if err != nil {
		return err
	}
	if err := tenant.Refusal(); errors.Is(err, ErrTenantDeleted) {
		return err
	}
	return s.write(ctx, "add a token", func(ctx context.Context, tx bun.Tx) error {
		live, err := tx.NewSelect().Model((*Token)(nil)).Where("tenant_id = ?", t.TenantID).Where("revoked_at IS NULL").
			Where("(expires_at IS NULL OR expires_at > ?)", now).Count(ctx)
		if err != nil {
			return err
		}
		if live >= maxTokens {
			return tooManyTokens()
		}
		t.ID = 0
		if _, err := tx.NewInsert().Model(t).Exec(ctx); err != nil {
			return err
		}
		entry := actor.audit(AuditTokenAdded, *t, now)
		_, err = tx.NewInsert().Model(&entry).Exec(ctx)
		return err
	})
}

func (t Token) check(now time.Time) error {
	switch {
	case t.Name == "" || utf8.RuneCountInString(t.Name) > maxTokenName:
		return invalid("Назовите токен: от 1 до 100 символов", "Name the token: 1 to 100 characters")
	case strings.ContainsRune(t.Name, 0) || !utf8.ValidString(t.Name):
		return invalid("В имени есть недопустимые символы", "The name holds characters that are not allowed")
	case t.Scope != ScopeRead && t.Scope != ScopeRun:
		return invalid("Право токена: read или run", "The token's scope is read or run")
	case t.Expired(now):
		return invalid("Срок токена должен быть в будущем", "The token's end must be in the future")
	}
	return nil
}

func tooManyTokens() error {
	return problem.New(ErrInvalid, crm.Text{
		RU: fmt.Sprintf("У компании уже %d действующих токенов: отзовите лишние", maxTokens),
		EN: fmt.Sprintf("The tenant has %d active tokens already: revoke those it does not need", maxTokens),
	}, nil)
}

// Tokens lists the newest tokens of one tenant or (0) of all, those that are over too.
func (s *Store) Tokens(ctx context.Context, tenantID int64) ([]Token, error) {
	var tokens []Token
	err := s.read(ctx, "list tokens", func(ctx context.Context) error {
		tokens = nil
		q := s.db.NewSelect().Model(&tokens).Order("k.id DESC").Limit(tokensListed)
		if tenantID != 0 {
			q.Where("k.tenant_id = ?", tenantID)
		}
		return q.Scan(ctx)
	})
	return tokens, err
}

// TokenByHash finds a token and its tenant, in whatever state both are, with one
// statement; ErrNotFound when there is none.
func (s *Store) TokenByHash(ctx context.Context, hash []byte) (Token, Tenant, error) {
	var row struct {
		Token

		TenantName   string    `bun:"tenant_name"`
		Subscription string    `bun:"subscription"`
		DeletedAt    time.Time `bun:"deleted_at,nullzero"`
	}
	err := s.read(ctx, "look up a token", func(ctx context.Context) error {
		return s.db.NewSelect().Model(&row).ModelTableExpr("booking_tokens AS k").Join("JOIN tenants AS t ON t.id = k.tenant_id").
			ColumnExpr("k.*").ColumnExpr("t.name AS tenant_name, COALESCE(t.subscription_status, '') AS subscription, t.deleted_at").
			Where("k.token_hash = ?", hash).Scan(ctx)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Token{}, Tenant{}, noToken()
	}
	return row.Token, Tenant{ID: row.TenantID, Name: row.TenantName, Subscription: row.Subscription, DeletedAt: row.DeletedAt}, err
}

// NoteTokenUse writes down that a token was used, unless that was done within the
// last minute.
func (s *Store) NoteTokenUse(ctx context.Context, t Token) error {
	now := s.Clock().UTC()
	if now.Sub(t.LastUsedAt) < usedEvery {
		return nil
	}
	// The condition again: several requests of the same second write once.
	_, err := s.db.NewUpdate().Model((*Token)(nil)).Set("last_used_at = ?", now).Where("id = ?", t.ID).
		Where("(last_used_at IS NULL OR last_used_at <= ?)", now.Add(-usedEvery)).Exec(ctx)
	return databaseError("note the use of a token", err)
}

// RevokeToken ends a token of one tenant or (0) of any, and notes in the audit who did
// so. One that is over already stays as it is; ErrNotFound when there is none.
func (s *Store) RevokeToken(ctx context.Context, actor Actor, tenantID, id int64) (Token, error) {
	var token Token
	err := s.write(ctx, "revoke a token", func(ctx context.Context, tx bun.Tx) error {
		token = Token{}
		q := tx.NewSelect().Model(&token).Where("k.id = ?", id).For("UPDATE")
		if tenantID != 0 {
			q.Where("k.tenant_id = ?", tenantID)
		}
		if err := q.Scan(ctx); errors.Is(err, sql.ErrNoRows) {
			return noToken()
		} else if err != nil || token.Revoked() {
			return err
		}
		token.RevokedAt = s.Clock().UTC()
		if _, err := tx.NewUpdate().Model(&token).Column("revoked_at").WherePK().Exec(ctx); err != nil {
			return err
		}
		entry := actor.audit(AuditTokenRevoked, token, token.RevokedAt)
		_, err := tx.NewInsert().Model(&entry).Exec(ctx)
		return err
	})
	return token, err
}

func noToken() error { return notFound("Такого токена нет", "There is no such token") }
