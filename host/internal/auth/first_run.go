package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"strings"
	"time"

	"booking/host/internal/store"
	"booking/shared/secret"
)

const (
	// codeLife is how long a first-run code is good.
	codeLife = 24 * time.Hour
	// codeLength is 20 letters and digits of 5 bits each, far beyond guessing.
	codeLength = 20
)

// ErrWrongCode says that no host has printed the code, or too long ago.
var ErrWrongCode = errors.New("not a first-run code")

// FirstRunOpen reports whether there is a first run to be done: nobody can administer
// and nobody ever could. Once it is over no question is asked any more.
func (g *Gate) FirstRunOpen(ctx context.Context) (bool, error) {
	if g.closed.Load() {
		return false, nil
	}
	open, err := g.store.FirstRunOpen(ctx)
	if err == nil && !open {
		g.closed.Store(true)
	}
	return open, err
}

// NewFirstRunCode makes a code for the console; it is empty when there is no first run.
//
// What a code hashes to is kept in the database, because a visitor of several hosts
// behind one address cannot choose which of them answers. Each host that starts adds its
// own, since a hash cannot be printed again: every code on every console is good until
// the first run is over, for a day at most.
func (g *Gate) NewFirstRunCode(ctx context.Context) (secret.Text, error) {
	open, err := g.FirstRunOpen(ctx)
	if err != nil || !open {
		return secret.Text{}, err
	}
	code := rand.Text()[:codeLength]
	if err := g.store.SaveFirstRunCode(ctx, digest(code), codeLife); err != nil {
		return secret.Text{}, err
	}
	return secret.New(code[:5] + "-" + code[5:10] + "-" + code[10:15] + "-" + code[15:]), nil
}

// FirstRun makes the first administrator and signs them in here. store.ErrNotFound:
// somebody else was first. ErrWrongCode and *TooManyError say nothing of the rest of the
// form; *store.MistakesError says what is wrong with it, to whoever knows the code.
func (g *Gate) FirstRun(ctx context.Context, code secret.Text, first store.FirstRun, from Visitor) error {
	if err := g.codes.take(from.network()); err != nil {
		return err
	}
	if err := g.checkCode(ctx, code); err != nil {
		return err
	}
	account, err := g.store.CompleteFirstRun(ctx, first)
	if err != nil {
		return err
	}
	return g.begin(ctx, account, from)
}

// checkCode compares with every code that is good, all the way through: the time tells
// nothing of how near a guess came.
func (g *Gate) checkCode(ctx context.Context, code secret.Text) error {
	hashes, err := g.store.FirstRunCodes(ctx)
	if err != nil {
		return err
	}
	given := digest(plainCode(code.Reveal()))
	found := 0
	for _, hash := range hashes {
		found |= subtle.ConstantTimeCompare(hash, given)
	}
	if found != 1 {
		return ErrWrongCode
	}
	return nil
}

// plainCode is a code as it was made, however somebody has typed it from a console.
func plainCode(typed string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '2' && r <= '7':
			return r
		}
		return -1
	}, typed)
}
