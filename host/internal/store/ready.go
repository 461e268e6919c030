package store

import (
	"context"
	"database/sql"
	"errors"

	"booking/host/internal/secrets"
)

// CheckKey reports whether the secrets of the database can still be opened: nil, or
// ErrKeyChanged after a rotation by another process. It waits for nothing.
func (s *Store) CheckKey(ctx context.Context, box *secrets.Box) error {
	var check []byte
	err := s.db.NewSelect().Table("booking_keys").Column("check_value").Where("id = 1").Scan(ctx, &check)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return databaseError("read the key's check value", err)
	}
	return sameKey(check, box)
}
