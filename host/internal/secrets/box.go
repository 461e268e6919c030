// Package secrets encrypts the secret settings of tenants at rest.
//
// A value is sealed with AES-256-GCM under one key of the host. Its place (tenant,
// plugin, field) is authenticated with it, so that a sealed value moved to another
// place does not open. A check value in booking_keys tells a key that does not fit
// the database before anything else is done ([Unlock]); [Rotate] replaces the key.
package secrets

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"booking/shared/secret"
)

const (
	// format is the first byte of everything sealed here.
	format = 1
	// domain begins the associated data, so that no other use of the key can yield a value of ours.
	domain = "booking-host secret"
	// maxSealed is what the column crm_secrets.sealed holds.
	maxSealed = 8192
)

// Errors of a Box.
var (
	// ErrDoesNotOpen: another key, another place, or damaged bytes; which of them cannot be told.
	ErrDoesNotOpen = errors.New("the stored secret does not open with this key")
	// ErrTooLong: more than the column can hold (8163 bytes).
	ErrTooLong = errors.New("the secret is longer than 8163 bytes")
)

// Place is where a sealed value belongs.
type Place struct {
	TenantID int64
	Plugin   string
	Field    string
}

// Box seals and opens secrets. It is safe for use by several goroutines.
type Box struct {
	aead   cipher.AEAD
	random io.Reader
	// check is the sealed check value of the database the box was unlocked for.
	check []byte
}

// NewBox makes a Box that draws its nonces from random.
func NewBox(key Key, random io.Reader) (*Box, error) {
	block, err := aes.NewCipher(key.bytes[:])
	if err != nil {
		return nil, fmt.Errorf("prepare the cipher: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("prepare the cipher: %w", err)
	}
	return &Box{aead: aead, random: random}, nil
}

// Seal encrypts a secret for its place: one byte of format, the nonce, the sealed text.
func (b *Box) Seal(place Place, plain secret.Text) ([]byte, error) {
	size := 1 + b.aead.NonceSize()
	if size+len(plain.Reveal())+b.aead.Overhead() > maxSealed {
		return nil, ErrTooLong
	}
	sealed := make([]byte, size, size+len(plain.Reveal())+b.aead.Overhead())
	sealed[0] = format
	if _, err := io.ReadFull(b.random, sealed[1:]); err != nil {
		return nil, fmt.Errorf("draw a nonce: %w", err)
	}
	return b.aead.Seal(sealed, sealed[1:], []byte(plain.Reveal()), place.associated()), nil
}

// Open decrypts what Seal made for the same place; anything else is ErrDoesNotOpen.
func (b *Box) Open(place Place, sealed []byte) (secret.Text, error) {
	head := 1 + b.aead.NonceSize()
	if len(sealed) < head || sealed[0] != format {
		return secret.Text{}, ErrDoesNotOpen
	}
	plain, err := b.aead.Open(nil, sealed[1:head], sealed[head:], place.associated())
	if err != nil {
		return secret.Text{}, ErrDoesNotOpen
	}
	return secret.New(string(plain)), nil
}

// associated is the place as bytes. Every text carries its length: ("ab", "c")
// and ("a", "bc") are two places.
func (p Place) associated() []byte {
	data := appendText(nil, domain)
	data = append(data, format)
	data = binary.BigEndian.AppendUint64(data, uint64(p.TenantID))
	data = appendText(data, p.Plugin)
	return appendText(data, p.Field)
}

func appendText(data []byte, text string) []byte {
	data = binary.BigEndian.AppendUint32(data, uint32(len(text)))
	return append(data, text...)
}
