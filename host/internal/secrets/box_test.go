package secrets

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"booking/shared/secret"
)

func newBox(t *testing.T) *Box {
	t.Helper()
	key, err := NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	box, err := NewBox(key, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func TestASecretOpensAtItsPlaceOnly(t *testing.T) {
	t.Parallel()
	box, place := newBox(t), Place{TenantID: 1, Plugin: "ab", Field: "c"}
	sealed, err := box.Seal(place, secret.New("hidden"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("hidden")) {
		t.Error("the text is readable")
	}
	if plain, err := box.Open(place, sealed); err != nil || plain.Reveal() != "hidden" {
		t.Errorf("error %v", err)
	}
	for _, other := range []Place{
		{TenantID: 2, Plugin: "ab", Field: "c"}, {TenantID: 1, Plugin: "a", Field: "bc"}, {TenantID: 1, Plugin: "abc", Field: ""},
		{TenantID: 1, Plugin: "ab", Field: "d"}, {TenantID: 1 << 32, Plugin: "ab", Field: "c"}, {},
	} {
		if _, err := box.Open(other, sealed); !errors.Is(err, ErrDoesNotOpen) {
			t.Errorf("it opens at %+v: %v", other, err)
		}
	}
	if _, err := newBox(t).Open(place, sealed); !errors.Is(err, ErrDoesNotOpen) {
		t.Errorf("it opens with another key: %v", err)
	}
}

func TestNoByteOfASealedSecretCanBeChanged(t *testing.T) {
	t.Parallel()
	box, place := newBox(t), Place{TenantID: 1, Plugin: "acme", Field: "webhook"}
	sealed, err := box.Seal(place, secret.New("hidden"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		damaged := bytes.Clone(sealed)
		damaged[i] ^= 1
		if _, err := box.Open(place, damaged); !errors.Is(err, ErrDoesNotOpen) {
			t.Errorf("byte %d: %v", i, err)
		}
	}
	for length := range sealed {
		if _, err := box.Open(place, sealed[:length]); !errors.Is(err, ErrDoesNotOpen) {
			t.Errorf("cut after %d bytes: %v", length, err)
		}
	}
}

func TestSealingTwiceGivesTwoTexts(t *testing.T) {
	t.Parallel()
	box := newBox(t)
	one, _ := box.Seal(Place{}, secret.New("same"))
	other, _ := box.Seal(Place{}, secret.New("same"))
	if len(one) == 0 || bytes.Equal(one[1:13], other[1:13]) {
		t.Error("a nonce was used twice")
	}
	if _, err := (&Box{aead: box.aead, random: strings.NewReader("short")}).Seal(Place{}, secret.New("x")); err == nil {
		t.Error("it seals without randomness")
	}
}

func TestASecretMustFitItsColumn(t *testing.T) {
	t.Parallel()
	box := newBox(t)
	if sealed, err := box.Seal(Place{}, secret.New(strings.Repeat("x", 8163))); err != nil || len(sealed) != maxSealed {
		t.Errorf("%d bytes, error %v", len(sealed), err)
	}
	if _, err := box.Seal(Place{}, secret.New(strings.Repeat("x", 8164))); !errors.Is(err, ErrTooLong) {
		t.Errorf("error %v", err)
	}
}

func TestAKeyIsReadInEveryFormOfBase64(t *testing.T) {
	t.Parallel()
	raw := bytes.Repeat([]byte{0xfb, 0xff}, 16) // has + and / in standard base64
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		key, err := ParseKey(secret.New(" " + encoding.EncodeToString(raw) + "\n"))
		if err != nil || !bytes.Equal(key.bytes[:], raw) {
			t.Errorf("error %v", err)
		}
	}
	for _, text := range []string{"", "hidden", base64.StdEncoding.EncodeToString(raw[:31]), base64.StdEncoding.EncodeToString(append(raw, 0)), strings.Repeat("!", 44)} {
		_, err := ParseKey(secret.New(text))
		if !errors.Is(err, ErrKeyShape) || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestAKeyIsNeverShown(t *testing.T) {
	t.Parallel()
	key, _ := ParseKey(secret.New(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("K"), 32))))
	text, err := json.Marshal(struct{ Key Key }{key})
	if err != nil {
		t.Fatal(err)
	}
	shown := fmt.Sprintf("%v %+v %#v %s %x %d %q", key, key, key, key, key, key, key) + string(text)
	for _, form := range []string{"KKK", "4b4b", "4B4B", "75 75", key.Text().Reveal()} {
		if strings.Contains(shown, form) {
			t.Errorf("%q is in %s", form, shown)
		}
	}
}
