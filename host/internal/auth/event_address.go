package auth

import (
	"context"
	"crypto/rand"
	"regexp"

	"booking/host/internal/store"
	"booking/shared/secret"
)

// eventSecret is the shape of the secret part of an address for events: 26 letters and
// digits, 130 bits.
var eventSecret = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// RenewEventAddress makes the secret part of the address at which a tenant's portal tells
// of its people, and stores what it hashes to. It is returned this once and kept nowhere:
// the portal has it, and a new one takes a minute. The one before it ends.
func RenewEventAddress(ctx context.Context, s *store.Store, actor store.Actor, tenantID int64, plugin string) (secret.Text, error) {
	fresh := rand.Text()
	err := s.RenewEventAddress(ctx, actor, &store.EventAddress{TenantID: tenantID, Plugin: plugin, AddressHash: digest(fresh)})
	if err != nil {
		return secret.Text{}, err
	}
	return secret.New(fresh), nil
}

// EventAddress finds whose a secret is; store.ErrNotFound when it is nobody's. What cannot
// be one is not even looked up.
func EventAddress(ctx context.Context, s *store.Store, given string) (store.EventAddress, store.Tenant, error) {
	if !eventSecret.MatchString(given) {
		return store.EventAddress{}, store.Tenant{}, store.ErrNotFound
	}
	return s.EventAddressByHash(ctx, digest(given))
}
