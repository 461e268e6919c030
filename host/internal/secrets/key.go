package secrets

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"booking/host/internal/problem"
	"booking/shared/crm"
	"booking/shared/secret"
)

// KeySize is the length of a key in bytes: AES-256.
const KeySize = 32

// ErrKeyShape says that a text is no key. It never shows the text.
var ErrKeyShape = errors.New("the key is not 32 bytes in base64")

// Key encrypts secrets at rest. It prints as ***.
type Key struct{ bytes [KeySize]byte }

// ParseKey reads 32 bytes from base64, standard or URL alphabet, padded or not.
// Anything else is ErrKeyShape.
func ParseKey(text secret.Text) (Key, error) {
	plain := strings.TrimRight(strings.TrimSpace(text.Reveal()), "=")
	plain = strings.NewReplacer("-", "+", "_", "/").Replace(plain)
	raw, err := base64.RawStdEncoding.DecodeString(plain)
	if err != nil || len(raw) != KeySize {
		return Key{}, problem.New(ErrKeyShape, crm.Text{
			RU: "Ключ должен быть 32 байтами в base64, например из команды: openssl rand -base64 32",
			EN: "The key must be 32 bytes in base64, for example from: openssl rand -base64 32",
		}, nil)
	}
	return Key{bytes: [KeySize]byte(raw)}, nil
}

// NewKey draws a key from random.
func NewKey(random io.Reader) (Key, error) {
	var k Key
	if _, err := io.ReadFull(random, k.bytes[:]); err != nil {
		return Key{}, fmt.Errorf("draw a key: %w", err)
	}
	return k, nil
}

// Text is the key in padded base64, as ParseKey reads it.
func (k Key) Text() secret.Text {
	return secret.New(base64.StdEncoding.EncodeToString(k.bytes[:]))
}

// Format implements [fmt.Formatter]: no verb shows the key.
func (k Key) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "***") }

// MarshalText implements [encoding.TextMarshaler] for JSON and logs.
func (k Key) MarshalText() ([]byte, error) { return []byte("***"), nil }

// LogValue implements [slog.LogValuer].
func (k Key) LogValue() slog.Value { return slog.StringValue("***") }
