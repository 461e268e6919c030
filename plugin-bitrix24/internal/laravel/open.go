// Package laravel opens what an application in Laravel has encrypted, for taking an
// older server's settings over: the form of Illuminate\Encryption\Encrypter with the
// cipher AES-256-CBC. A sealed value is base64 of a JSON object with iv, value (both
// base64) and mac, the hex HMAC-SHA256 of the two texts one after the other. Eloquent's
// cast "encrypted" encrypts the text itself, the helper encrypt() what PHP's serialize()
// makes of it; both are understood.
package laravel

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
)

// Why a value cannot be opened. None of them quotes it.
var (
	// ErrForm: this was not made by Laravel's AES-256-CBC.
	ErrForm = errors.New("not a value that Laravel encrypted with AES-256-CBC")
	// ErrKey: it was made with another key, or changed since.
	ErrKey = errors.New("the key does not fit the value")
	// ErrBroken: the key fits, and yet there is no text inside.
	ErrBroken = errors.New("no text is inside the value")
	// ErrNoKey is what [ParseKeys] says of a text that holds no key.
	ErrNoKey = errors.New("not a key of the form base64:..., 32 bytes")
)

const keyBytes = 32

// Keys are an application's key and those that it had before.
type Keys struct{ all [][]byte }

// ParseKeys reads APP_KEY as the application's .env writes it (base64:...); further
// keys, as in APP_PREVIOUS_KEYS, may follow after a comma.
func ParseKeys(text string) (Keys, error) {
	var k Keys
	for one := range strings.SplitSeq(text, ",") {
		one = strings.Trim(strings.TrimSpace(one), `"'`)
		key := []byte(one)
		if encoded, ok := strings.CutPrefix(one, "base64:"); ok {
			var err error
			if key, err = base64.StdEncoding.DecodeString(encoded); err != nil {
				return Keys{}, ErrNoKey
			}
		}
		if len(key) != keyBytes {
			return Keys{}, ErrNoKey
		}
		k.all = append(k.all, key)
	}
	return k, nil
}

// String keeps the keys out of what is printed.
func (Keys) String() string { return "***" }

// GoString does too.
func (Keys) GoString() string { return "***" }

// sealed is a value as Laravel stores it.
type sealed struct {
	IV    string `json:"iv"`
	Value string `json:"value"`
	MAC   string `json:"mac"`
	Tag   string `json:"tag"` // of ciphers of another kind
}

// Open returns the text inside a value. The MAC is compared before anything is decrypted.
func (k Keys) Open(value string) (string, error) {
	var s sealed
	content, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value))
	if err != nil || json.Unmarshal(content, &s) != nil || s.Tag != "" {
		return "", ErrForm
	}
	iv, ivErr := base64.StdEncoding.DecodeString(s.IV)
	text, textErr := base64.StdEncoding.DecodeString(s.Value)
	mac, macErr := hex.DecodeString(s.MAC)
	if errors.Join(ivErr, textErr, macErr) != nil || len(iv) != aes.BlockSize || len(mac) != sha256.Size || len(text) == 0 || len(text)%aes.BlockSize != 0 {
		return "", ErrForm
	}
	for _, key := range k.all {
		hash := hmac.New(sha256.New, key)
		hash.Write([]byte(s.IV + s.Value))
		if hmac.Equal(hash.Sum(nil), mac) {
			return decrypt(key, iv, text)
		}
	}
	return "", ErrKey
}

func decrypt(key, iv, text []byte) (string, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", ErrNoKey
	}
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(text, text)
	// PKCS #7: the last byte says how many there are too much, and each of them says so.
	pad := int(text[len(text)-1])
	if pad == 0 || pad > aes.BlockSize {
		return "", ErrBroken
	}
	for _, b := range text[len(text)-pad:] {
		if int(b) != pad {
			return "", ErrBroken
		}
	}
	return unserialize(string(text[:len(text)-pad]))
}
