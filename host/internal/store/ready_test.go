package store

import (
	"errors"
	"testing"

	"booking/host/internal/secrets"
	"booking/shared/secret"
)

func TestTheKeyFitsUntilSomebodyRotatesIt(t *testing.T) {
	t.Parallel()
	b, folder := setup(t), secrets.Options{DataDir: t.TempDir()}
	b.exec(t, "DELETE FROM booking_keys")
	box, err := secrets.Unlock(b.ctx, b.DB(), folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.CheckKey(b.ctx, box); err != nil {
		t.Fatal(err)
	}
	if _, err := secrets.Rotate(b.ctx, b.DB(), folder, secret.Text{}); err != nil {
		t.Fatal(err)
	}
	if err := b.CheckKey(b.ctx, box); !errors.Is(err, ErrKeyChanged) {
		t.Errorf("after a rotation: %v", err)
	}
}
