package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"time"

	"booking/host/internal/store"
	"booking/shared/secret"
)

// LinkLife is how long a one-time link is good.
const LinkLife = 60 * time.Minute

// Link is a one-time link to be sent to a person.
type Link struct {
	Account store.Account
	// Token is the last part of the link; it is kept nowhere but in the mail.
	Token secret.Text
}

// MayAsk uses up one try to ask for a link: by address of the person, whether or not
// there is one, and by where the request comes from.
func (g *Gate) MayAsk(email string, from Visitor) error {
	if err := g.addresses.take(from.network()); err != nil {
		return err
	}
	return g.links.take(accountKey(email))
}

// NewLink makes a link for the person of an address; store.ErrNotFound when there is
// nobody who could sign in. Callers must not let the one who asks see the difference.
func (g *Gate) NewLink(ctx context.Context, email string) (Link, error) {
	account, err := g.store.AccountByEmail(ctx, email)
	if err != nil {
		return Link{}, err
	}
	if !account.MaySignIn() {
		return Link{}, store.ErrNotFound
	}
	token := rand.Text() + rand.Text()
	if err := g.store.SaveRecovery(ctx, account, digest(token), LinkLife); err != nil {
		return Link{}, err
	}
	return Link{Account: account, Token: secret.New(token)}, nil
}

// OpenLink returns the person a link is for and does not use it up.
func (g *Gate) OpenLink(ctx context.Context, token string) (store.Account, error) {
	return g.store.Recovery(ctx, digest(token))
}

// UseLink sets the password, ends every session of the person and begins a new one
// here. store.ErrInvalid says which rule the password breaks.
func (g *Gate) UseLink(ctx context.Context, token string, password secret.Text, from Visitor) error {
	if err := g.addresses.take(from.network()); err != nil {
		return err
	}
	account, err := g.store.UseRecovery(ctx, digest(token), password)
	if err != nil {
		return err
	}
	g.accounts.forgive(accountKey(account.Email))
	return g.begin(ctx, account, from)
}

// Nobody reports whether err only says that there is no such person or link.
func Nobody(err error) bool { return errors.Is(err, store.ErrNotFound) }

// digest is what the database keeps of a token that is long and random: whoever reads
// it there cannot use it.
func digest(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
