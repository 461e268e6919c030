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

// usualCost is bcrypt's cost that both servers write.
const usualCost = 12

// nobodysSalt is what follows the cost of nobody's hash: one is compared where there is no
// person, so that the answer takes the work of a real one.
const nobodysSalt = "$1svUgCr.88BLvMmRCzWtpuDdm354.MU5nqhauPWqdnRoeE7rHgsCi"

// nobodysHash is a hash of that cost whose password nobody knows.
func nobodysHash(cost int) string { return fmt.Sprintf("$2y$%02d", cost) + nobodysSalt }

// padding is the costs of the comparisons that, with one of cost, make the work of one of
// the usual cost: each step of bcrypt's cost doubles the work.
func padding(cost int) (costs []int) {
	for ; cost < usualCost; cost++ {
		costs = append(costs, cost)
	}
	return costs
}

// atOnce is how many passwords are hashed at the same time. The others wait: a
// hundred people at the door must not take the processor from a sync.
func atOnce() int { return max(1, runtime.GOMAXPROCS(0)/2) }

// compare reports whether the password is the one of the hash ($2y$ and $2a$ alike);
// an empty hash takes as long and never matches. Where the answer will be a refusal
// (refuse, or a wrong password) one of an old, cheap hash takes as long as any other: who
// there is cannot be told from the time.
func (g *Gate) compare(ctx context.Context, hash, password secret.Text, refuse bool) (bool, error) {
	select {
	case g.hashing <- struct{}{}:
		defer func() { <-g.hashing }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	against, real := hash.Reveal(), true
	cost, err := bcrypt.Cost([]byte(against))
	if err != nil {
		cost, against, real = usualCost, nobodysHash(usualCost), false
	}
	given := password.Reveal()
	if len(given) > maxPassword || strings.ContainsRune(given, 0) {
		given, real = "", false
	}
	err = bcrypt.CompareHashAndPassword([]byte(against), []byte(given))
	if err != nil && !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, fmt.Errorf("compare a password: %w", err)
	}
	matches := err == nil && real && !refuse
	if !matches {
		for _, missing := range padding(cost) {
			_ = bcrypt.CompareHashAndPassword([]byte(nobodysHash(missing)), []byte(given))
		}
	}
	return matches, nil
}

// proof names a password's hash without being it: a session is good only as long as
// the person's password is the one it began with.
func proof(hash secret.Text) string {
	sum := sha256.Sum256([]byte("booking session " + hash.Reveal()))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
