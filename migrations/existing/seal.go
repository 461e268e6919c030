package existing

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"testing"
)

// Key is a key of that server's, as its configuration writes it.
type Key [32]byte

// String is the key in the form of APP_KEY.
func (k Key) String() string { return "base64:" + base64.StdEncoding.EncodeToString(k[:]) }

// NewKey makes a key.
func NewKey() (k Key) {
	_, _ = rand.Read(k[:]) // never fails
	return k
}

// Seal is a text as that server's encrypted columns hold it (Laravel's cast: AES-256-CBC,
// then HMAC-SHA256).
func (k Key) Seal(t testing.TB, plain string) string {
	t.Helper()
	block, err := aes.NewCipher(k[:])
	if err != nil {
		t.Fatal(err)
	}
	iv := make([]byte, aes.BlockSize)
	_, _ = rand.Read(iv)
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	text := append([]byte(plain), bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(text, text)
	fields := map[string]string{"iv": base64.StdEncoding.EncodeToString(iv), "value": base64.StdEncoding.EncodeToString(text), "tag": ""}
	hash := hmac.New(sha256.New, k[:])
	hash.Write([]byte(fields["iv"] + fields["value"]))
	fields["mac"] = hex.EncodeToString(hash.Sum(nil))
	content, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(content)
}
