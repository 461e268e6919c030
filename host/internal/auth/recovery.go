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
	// Token is the last part of the link; it is kept nowhere but in the mail. Hash names
	// it where it must not stand.
	Token secret.Text
	Hash  []byte
}

// MayAsk uses up one try to ask for a link: by address of the person, whether or not
// there is one, and by where the request comes from.
func (g *Gate) MayAsk(email string, from Visitor) error {
	if err := g.addresses.take(from.network()); err != nil {
		return err
	}
	return g.links.take(accountKey(email))
}

// NewLink makes a link for a person who may sign in; an older one opens nothing any more.
func NewLink(ctx context.Context, s *store.Store, account store.Account) (Link, error) {
	token := rand.Text() + rand.Text()
	link := Link{Token: secret.New(token), Hash: digest(token)}
	return link, s.SaveRecovery(ctx, account, link.Hash, LinkLife)
}

// LinkOwner returns the person a link was sent to, though it opens nothing any more.
func (g *Gate) LinkOwner(ctx context.Context, token string) (store.Account, error) {
	return g.store.LinkOwner(ctx, digest(token))
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
