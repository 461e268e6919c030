package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"booking/shared/secret"
	"booking/shared/usersync"
)

// MinPassword is the length a new password has at least, in characters.
const MinPassword = 10

// recoveryRow is a row of booking_recoveries.
type recoveryRow struct {
	bun.BaseModel `bun:"table:booking_recoveries"`

	UserID    int64     `bun:"user_id,pk"`
	TokenHash []byte    `bun:"token_hash"`
	Email     string    `bun:"email"`
	CreatedAt time.Time `bun:"created_at"`
	ExpiresAt time.Time `bun:"expires_at"`
}

// SaveRecovery keeps the hash of a one-time link for a person; an older link of the
// same person is worth nothing any more.
func (s *Store) SaveRecovery(ctx context.Context, a Account, tokenHash []byte, life time.Duration) error {
	now := s.Clock().UTC()
	row := recoveryRow{UserID: a.ID, TokenHash: tokenHash, Email: usersync.Normalize(a.Email), CreatedAt: now, ExpiresAt: now.Add(life)}
	_, err := s.db.NewInsert().Model(&row).On("DUPLICATE KEY UPDATE").Set("token_hash = VALUES(token_hash)").
		Set("email = VALUES(email)").Set("created_at = VALUES(created_at)").Set("expires_at = VALUES(expires_at)").Exec(ctx)
	return databaseError("save a one-time link", err)
}

// Recovery returns the person a one-time link is for, ErrNotFound when the link is
// used, over, replaced by a newer one, or was sent to an address that the person does
// not have any more. Looking does not use it up.
func (s *Store) Recovery(ctx context.Context, tokenHash []byte) (Account, error) {
	var row recoveryRow
	err := s.read(ctx, "read a one-time link", func(ctx context.Context) error {
		return s.db.NewSelect().Model(&row).Where("token_hash = ?", tokenHash).Where("expires_at > ?", s.Clock().UTC()).Scan(ctx)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Account{}, noLink()
	}
	if err != nil {
		return Account{}, err
	}
	account, err := s.Account(ctx, row.UserID)
	if err == nil && (!account.MaySignIn() || usersync.Normalize(account.Email) != row.Email) {
		return Account{}, noLink()
	}
	return account, err
}

// UseRecovery sets the password by a one-time link and ends every session of the
// person, all in one transaction: of two who use it at once one gets ErrNotFound. A
// password that breaks a rule is ErrInvalid and leaves the link as it is.
func (s *Store) UseRecovery(ctx context.Context, tokenHash []byte, password secret.Text) (Account, error) {
	account, err := s.Recovery(ctx, tokenHash)
	if err != nil {
		return Account{}, err
	}
	if err := CheckPassword(password, account); err != nil {
		return Account{}, err
	}
	hash, err := hashPassword(password)
	if err != nil {
		return Account{}, err
	}
	err = s.write(ctx, "set a password", func(ctx context.Context, tx bun.Tx) error {
		used, err := tx.NewDelete().Model((*recoveryRow)(nil)).Where("token_hash = ?", tokenHash).Where("user_id = ?", account.ID).Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := used.RowsAffected(); err != nil || n != 1 {
			return errors.Join(err, noLink())
		}
		// remember_token is the other server's "stay signed in": it ends too.
		changed, err := tx.NewUpdate().Table("users").Set("password = ?", hash).Set("remember_token = NULL").
			Set("updated_at = ?", s.now()).Where("id = ?", account.ID).Where("email = ?", account.Email).Where("is_active = 1").Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := changed.RowsAffected(); err != nil || n != 1 {
			return errors.Join(err, noLink())
		}
		_, err = tx.NewDelete().Model((*Session)(nil)).Where("user_id = ?", account.ID).Exec(ctx)
		return err
	})
	account.PasswordHash = secret.New(hash)
	return account, err
}

// CheckPassword holds the rules for a new password: ErrInvalid says which is broken.
func CheckPassword(password secret.Text, a Account) error {
	given := password.Reveal()
	switch {
	case utf8.RuneCountInString(given) < MinPassword:
		return invalid("Пароль короче 10 символов", "The password is shorter than 10 characters")
	case len(given) > 72:
		return invalid("Пароль длиннее 72 байт", "The password is longer than 72 bytes")
	case usersync.Normalize(given) == usersync.Normalize(a.Email) || given == a.Name:
		return invalid("Пароль совпадает с адресом или именем", "The password is the address or the name")
	}
	return nil
}

func noLink() error {
	return notFound("Ссылка уже использована, заменена новой или её время вышло: запросите новую",
		"The link has been used, replaced by a newer one, or its time is over: ask for a new one")
}
