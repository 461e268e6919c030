package store

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

func (b bundle) token(t *testing.T, tenant int64, name string, scope Scope, expires time.Time) Token {
	t.Helper()
	token := Token{TenantID: tenant, TokenHash: bytes.Repeat([]byte(name[:1]), 32), Name: name, Scope: scope, ExpiresAt: expires}
	if err := b.AddToken(b.ctx, Actor{ID: 7, Name: "Анна"}, &token); err != nil {
		t.Fatal(err)
	}
	return token
}

func TestATokenIsFoundByItsHashWithItsTenant(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tenant := b.tenant(t, "Ромашка")
	made := b.token(t, tenant.ID, " nightly check ", ScopeRead, time.Time{})
	token, of, err := b.TokenByHash(b.ctx, made.TokenHash)
	if err != nil || token.ID != made.ID || token.Name != "nightly check" || token.Scope != ScopeRead || token.CreatedByName != "Анна" || of.Name != "Ромашка" || of.Refusal() != nil {
		t.Errorf("%v %+v %+v", err, token, of)
	}
	if token.Status(time.Now()) != "active" || !token.LastUsedAt.IsZero() {
		t.Errorf("%+v", token)
	}
	b.exec(t, "UPDATE tenants SET subscription_status = 'blocked'")
	if _, of, err = b.TokenByHash(b.ctx, made.TokenHash); err != nil || !errors.Is(of.Refusal(), ErrTenantBlocked) {
		t.Errorf("of a blocked tenant: %v %+v", err, of)
	}
	b.exec(t, "UPDATE tenants SET deleted_at = NOW()")
	if _, of, err = b.TokenByHash(b.ctx, made.TokenHash); err != nil || !errors.Is(of.Refusal(), ErrTenantDeleted) {
		t.Errorf("of a deleted tenant: %v %+v", err, of)
	}
	if _, _, err := b.TokenByHash(b.ctx, bytes.Repeat([]byte("x"), 32)); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown: %v", err)
	}
}

func TestATokenThatBreaksARuleIsNotMade(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tenant := b.tenant(t, "Ромашка")
	for name, c := range map[string]struct {
		token Token
		kind  error
	}{
		"no name":           {Token{TenantID: tenant.ID, Name: "  ", Scope: ScopeRead}, ErrInvalid},
		"long name":         {Token{TenantID: tenant.ID, Name: strings.Repeat("ы", 101), Scope: ScopeRead}, ErrInvalid},
		"no such scope":     {Token{TenantID: tenant.ID, Name: "x", Scope: "write"}, ErrInvalid},
		"over already":      {Token{TenantID: tenant.ID, Name: "x", Scope: ScopeRun, ExpiresAt: time.Now().Add(-time.Second)}, ErrInvalid},
		"no such tenant":    {Token{TenantID: 99, Name: "x", Scope: ScopeRun}, ErrNotFound},
		"tenant was erased": {Token{TenantID: b.deleted(t), Name: "x", Scope: ScopeRun}, ErrTenantDeleted},
	} {
		c.token.TokenHash = []byte(name)
		if err := b.AddToken(b.ctx, Actor{}, &c.token); !errors.Is(err, c.kind) {
			t.Errorf("%s: %v, want %v", name, err, c.kind)
		}
	}
	for i := range maxTokens {
		token := Token{TenantID: tenant.ID, TokenHash: []byte{byte(i)}, Name: "x", Scope: ScopeRead}
		if err := b.AddToken(b.ctx, Actor{}, &token); err != nil {
			t.Fatal(err)
		}
	}
	one := Token{TenantID: tenant.ID, TokenHash: []byte("one"), Name: "x", Scope: ScopeRead}
	err := b.AddToken(b.ctx, Actor{}, &one)
	if !errors.Is(err, ErrInvalid) {
		t.Fatalf("one too many: %v", err)
	}
	wantText(t, err, "отзовите", "revoke")
	all, err := b.Tokens(b.ctx, tenant.ID)
	if err != nil {
		t.Fatal(err)
	}
	// What is over does not count.
	if _, err := b.RevokeToken(b.ctx, Actor{}, tenant.ID, all[0].ID); err != nil {
		t.Fatal(err)
	}
	if err := b.AddToken(b.ctx, Actor{}, &one); err != nil {
		t.Error(err)
	}
}

func (b bundle) deleted(t *testing.T) int64 {
	tenant := b.tenant(t, "Erased")
	b.exec(t, "UPDATE tenants SET deleted_at = NOW() WHERE id = ?", tenant.ID)
	return tenant.ID
}

func TestTheUseOfATokenIsWrittenOnceAMinute(t *testing.T) {
	t.Parallel()
	b := setup(t)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	b.Clock = func() time.Time { return now }
	made := b.token(t, b.tenant(t, "Ромашка").ID, "ci", ScopeRun, time.Time{})
	for _, c := range []struct {
		at   time.Duration
		want time.Duration
	}{{0, 0}, {30 * time.Second, 0}, {59 * time.Second, 0}, {60 * time.Second, 60 * time.Second}, {110 * time.Second, 60 * time.Second}, {120 * time.Second, 120 * time.Second}} {
		now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Add(c.at)
		// Two requests that read the row at the same time.
		token, _, err := b.TokenByHash(b.ctx, made.TokenHash)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := b.NoteTokenUse(b.ctx, token); err != nil {
				t.Fatal(err)
			}
		}
		token, _, err = b.TokenByHash(b.ctx, made.TokenHash)
		if want := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Add(c.want); err != nil || !token.LastUsedAt.Equal(want) {
			t.Errorf("after %s: last used %s, want %s (%v)", c.at, token.LastUsedAt, want, err)
		}
	}
}

func TestATokenIsRevokedByItsTenantAndTheAuditSaysSo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ours, theirs := b.tenant(t, "Ромашка"), b.tenant(t, "Other")
	made := b.token(t, ours.ID, "ci", ScopeRun, time.Now().Add(time.Hour))
	if _, err := b.RevokeToken(b.ctx, Actor{ID: 9, Name: "Чужой"}, theirs.ID, made.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("by another tenant: %v", err)
	}
	for range 2 { // the second time changes nothing
		revoked, err := b.RevokeToken(b.ctx, Actor{ID: 7, Name: "Анна"}, ours.ID, made.ID)
		if err != nil || revoked.Status(time.Now()) != "revoked" {
			t.Fatalf("%v %+v", err, revoked)
		}
	}
	entries, err := b.Audit(b.ctx, ours.ID, 10)
	if err != nil || len(entries) != 2 {
		t.Fatalf("%v %+v", err, entries)
	}
	if e := entries[0]; e.Action != AuditTokenRevoked || e.Subject != "ci" || e.UserID != 7 || e.UserName != "Анна" || e.New != "run" {
		t.Errorf("%+v", e)
	}
	if e := entries[1]; e.Action != AuditTokenAdded || e.Subject != "ci" || e.New != "run" {
		t.Errorf("%+v", e)
	}
	list, err := b.Tokens(b.ctx, ours.ID)
	if err != nil || len(list) != 1 || !list[0].Revoked() {
		t.Errorf("%v %+v", err, list)
	}
	if list, err := b.Tokens(b.ctx, theirs.ID); err != nil || len(list) != 0 {
		t.Errorf("%v %+v", err, list)
	}
}

func TestATokensTimeIsOver(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	token := Token{ExpiresAt: at}
	for _, c := range []struct {
		now  time.Time
		want string
	}{{at.Add(-time.Microsecond), "active"}, {at, "expired"}, {at.Add(time.Hour), "expired"}} {
		if got := token.Status(c.now); got != c.want {
			t.Errorf("at %s: %s, want %s", c.now, got, c.want)
		}
	}
	if !ScopeRun.Allows(ScopeRead) || !ScopeRun.Allows(ScopeRun) || ScopeRead.Allows(ScopeRun) || !ScopeRead.Allows(ScopeRead) || Scope("").Allows(ScopeRead) {
		t.Error("the scopes do not allow what they should")
	}
}
