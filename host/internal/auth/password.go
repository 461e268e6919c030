package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"booking/shared/secret"
)

// nobodysHash is compared where there is no person, so that the answer takes the work
// of a real one: bcrypt of cost 12, which is what both servers write.
const nobodysHash = "$2y$12$1svUgCr.88BLvMmRCzWtpuDdm354.MU5nqhauPWqdnRoeE7rHgsCi"

// atOnce is how many passwords are hashed at the same time. The others wait: a
// hundred people at the door must not take the processor from a sync.
func atOnce() int { return max(1, runtime.GOMAXPROCS(0)/2) }

// compare reports whether the password is the one of the hash ($2y$ and $2a$ alike);
// an empty hash takes as long and never matches.
func (g *Gate) compare(ctx context.Context, hash, password secret.Text) (bool, error) {
	select {
	case g.hashing <- struct{}{}:
		defer func() { <-g.hashing }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	against, real := hash.Reveal(), true
	if _, err := bcrypt.Cost([]byte(against)); err != nil {
		against, real = nobodysHash, false
	}
	given := password.Reveal()
	if len(given) > maxPassword || strings.ContainsRune(given, 0) {
		given, real = "", false
	}
	err := bcrypt.CompareHashAndPassword([]byte(against), []byte(given))
	if err != nil && !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, fmt.Errorf("compare a password: %w", err)
	}
	return err == nil && real, nil
}

// proof names a password's hash without being it: a session is good only as long as
// the person's password is the one it began with.
func proof(hash secret.Text) string {
	sum := sha256.Sum256([]byte("booking session " + hash.Reveal()))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
