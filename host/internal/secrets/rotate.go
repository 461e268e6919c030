package secrets

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"booking/host/internal/problem"
	"booking/shared/crm"
	"booking/shared/secret"
)

// Rotate seals every stored secret with another key and returns how many there were.
// All of it, the check value too, is one transaction.
//
// With the key in a file, next is generated when it is empty; the new key lies
// beside the old one before the database changes, so that a kill at any moment
// leaves one of the two fitting, which the next Unlock finds. With a given key
// (BOOKING_SECRET_KEY), next must be given too, and the operator changes the
// variable afterwards. Hosts that run keep the old key and refuse to seal with it
// (store.ErrKeyChanged) until they are started again.
func Rotate(ctx context.Context, db *bun.DB, o Options, next secret.Text) (int, error) {
	key, err := nextKey(o, next)
	if err != nil {
		return 0, err
	}
	if !o.Key.Empty() {
		old, err := Unlock(ctx, db, o)
		if err != nil {
			return 0, err
		}
		return reseal(ctx, db, old, key)
	}
	ring, err := openKeyring(ctx, o.DataDir)
	if err != nil {
		return 0, err
	}
	defer ring.close()
	old, err := ring.unlock(ctx, db, o)
	if err != nil {
		return 0, err
	}
	if err := ring.propose(key); err != nil {
		return 0, err
	}
	count, err := reseal(ctx, db, old, key)
	if err != nil {
		// Whether a COMMIT whose answer was lost was done, only the database knows:
		// the proposed key stays, and the next Unlock asks.
		return 0, err
	}
	return count, ring.promote()
}

// ErrNextKey says that rotating a given key needs the new one.
var ErrNextKey = errors.New("the new key must be given")

func nextKey(o Options, next secret.Text) (Key, error) {
	switch {
	case !next.Empty():
		return ParseKey(next)
	case !o.Key.Empty():
		return Key{}, problem.New(ErrNextKey, crm.Text{
			RU: "Ключ задан в BOOKING_SECRET_KEY: передайте новый ключ (32 байта в base64) на стандартный ввод",
			EN: "The key is given in BOOKING_SECRET_KEY: pass the new key (32 bytes in base64) on standard input",
		}, nil)
	default:
		return NewKey(rand.Reader)
	}
}

// reseal changes the key of everything in one transaction.
func reseal(ctx context.Context, db *bun.DB, old *Box, key Key) (int, error) {
	box, err := NewBox(key, rand.Reader)
	if err != nil {
		return 0, err
	}
	var count int
	err = db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		// The row's lock keeps everybody from sealing with the old key meanwhile.
		check, err := readCheck(ctx, tx, true)
		if err != nil {
			return err
		}
		if !bytes.Equal(check, old.check) {
			return wrongKey(Options{})
		}
		if count, err = resealRows(ctx, tx, old, box); err != nil {
			return err
		}
		if check, err = box.Seal(checkPlace, secret.New(checkText)); err != nil {
			return err
		}
		_, err = tx.NewRaw("UPDATE booking_keys SET check_value = ?, created_at = ? WHERE id = 1", check, time.Now().UTC()).Exec(ctx)
		return database("write the check value of the key", err)
	})
	return count, database("change the key", err)
}

// doesNotOpen is about a row that was damaged, or sealed by another host's key.
func doesNotOpen(row sealedRow, err error) error {
	return problem.New(nil, crm.Text{
		RU: fmt.Sprintf("Значение «%s» компании %d не расшифровывается: задайте его заново (crm connect --secret %s) и повторите", row.Field, row.TenantID, row.Field),
		EN: fmt.Sprintf("The value of %q of tenant %d cannot be decrypted: set it anew (crm connect --secret %s) and try again", row.Field, row.TenantID, row.Field),
	}, err)
}

func resealRows(ctx context.Context, tx bun.Tx, old, box *Box) (int, error) {
	var rows []sealedRow
	if err := tx.NewSelect().Model(&rows).Order("tenant_id", "plugin", "field").For("UPDATE").Scan(ctx); err != nil {
		return 0, database("read the stored secrets", err)
	}
	for _, row := range rows {
		plain, err := old.Open(row.place(), row.Sealed)
		if err != nil {
			return 0, doesNotOpen(row, err)
		}
		if row.Sealed, err = box.Seal(row.place(), plain); err != nil {
			return 0, fmt.Errorf("seal %s of tenant %d: %w", row.Field, row.TenantID, err)
		}
		if _, err := tx.NewUpdate().Model(&row).Column("sealed").WherePK().Exec(ctx); err != nil {
			return 0, database("write a stored secret", err)
		}
	}
	return len(rows), nil
}
