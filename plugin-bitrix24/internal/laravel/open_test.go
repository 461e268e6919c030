package laravel

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

const (
	webhook = "https://portal.bitrix24.ru/rest/1/s3cr3tNobodyMaySee/"
	appKey  = "base64:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=" // 0123456789abcdef0123456789abcdef
)

// seal does what the application does, for tests.
func seal(t *testing.T, key []byte, plain []byte, change func(map[string]string)) string {
	t.Helper()
	iv := []byte("initialvector_16")
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	text := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(pad)}, pad)...)
	return sealPadded(t, key, iv, text, change)
}

func sealPadded(t *testing.T, key, iv, text []byte, change func(map[string]string)) string {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Clone(text)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(text, text)
	fields := map[string]string{"iv": base64.StdEncoding.EncodeToString(iv), "value": base64.StdEncoding.EncodeToString(text), "tag": ""}
	hash := hmac.New(sha256.New, key)
	hash.Write([]byte(fields["iv"] + fields["value"]))
	fields["mac"] = hex.EncodeToString(hash.Sum(nil))
	if change != nil {
		change(fields)
	}
	content, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(content)
}

func keys(t *testing.T, text string) Keys {
	t.Helper()
	k, err := ParseKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Values that OpenSSL made (openssl enc -aes-256-cbc, openssl dgst -sha256 -mac HMAC)
// from the webhook above, as the cast and as encrypt() write it: this test's own sealing
// could be wrong in the same way as the opening.
func TestOpenWhatOpenSSLSealed(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"eyJpdiI6IkFCRWlNMFJWWm5lSW1hcTd6TjN1L3c9PSIsInZhbHVlIjoiMklGakNST29xRVJzcnV0TS9MUzBEQ1ovWDRyaHFXMTU0TEt4Zld3cmo2Ymt5YkFFaE9MSzN1dFFuWCs0eW5lankvNEdrUjBOWlJ2MGxHbVZ0RE01T1E9PSIsIm1hYyI6IjIzNGMzZGQyYTEyYWRmYjg1NTViODQwZDI0MWYyMTExMDcwYmFjN2M0NGE1MjBmYzAxNGI2ZDVkZTgxZGIzOTciLCJ0YWciOiIifQ==",
		"eyJpdiI6IkFCRWlNMFJWWm5lSW1hcTd6TjN1L3c9PSIsInZhbHVlIjoiU2FMdnU3elVXcmJGQjVMa0taMEJXKzgwU0wvb1hId3l1T21RQVBnU3BONytHc043c0VSMWRia0ZUT2xqQWlhQVdPVUcvT0ovcHc1NjZ1a2cxb3VSU1E9PSIsIm1hYyI6ImE3NWUzYzM2MWVjMTA0YmMxNDNhNjY2ZjRkNmZhNDViMTAzNzQ5MDE0ZTI0MGZiODA5ODg3MDQxODJhZjI1MWMiLCJ0YWciOiIifQ==",
	} {
		if got, err := keys(t, appKey).Open(value); err != nil || got != webhook {
			t.Errorf("%q, %v", got, err)
		}
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	key, other := []byte("0123456789abcdef0123456789abcdef"), []byte("ffffffffffffffff0123456789abcdef")
	set := func(name, value string) func(map[string]string) {
		return func(f map[string]string) { f[name] = value }
	}
	flip := func(name string) func(map[string]string) {
		return func(f map[string]string) {
			first := "A"
			if strings.HasPrefix(f[name], first) {
				first = "B"
			}
			f[name] = first + f[name][1:]
		}
	}
	for name, c := range map[string]struct {
		value string
		want  string
		err   error
	}{
		"as the cast writes":      {seal(t, key, []byte(webhook), nil), webhook, nil},
		"as encrypt() writes":     {seal(t, key, []byte(`s:4:"да";`), nil), "да", nil},
		"empty":                   {seal(t, key, nil, nil), "", nil},
		"a whole block":           {seal(t, key, []byte("0123456789abcdef"), nil), "0123456789abcdef", nil},
		"a tag that says nothing": {seal(t, key, []byte("x"), func(f map[string]string) { delete(f, "tag") }), "x", nil},
		"another key":             {seal(t, other, []byte(webhook), nil), "", ErrKey},
		"a changed value":         {seal(t, key, []byte(webhook), flip("value")), "", ErrKey},
		"a changed iv":            {seal(t, key, []byte(webhook), flip("iv")), "", ErrKey},
		"another mac":             {seal(t, key, []byte(webhook), set("mac", strings.Repeat("0", 64))), "", ErrKey},
		"no mac":                  {seal(t, key, []byte(webhook), set("mac", "")), "", ErrForm},
		"a short mac":             {seal(t, key, []byte(webhook), set("mac", "00")), "", ErrForm},
		"a short iv":              {seal(t, key, []byte(webhook), set("iv", "AAAA")), "", ErrForm},
		"no value":                {seal(t, key, []byte(webhook), set("value", "")), "", ErrForm},
		"half a block":            {seal(t, key, []byte(webhook), set("value", "AAAA")), "", ErrForm},
		"AES-256-GCM":             {seal(t, key, []byte(webhook), set("tag", "AAAAAAAAAAAAAAAAAAAAAA==")), "", ErrForm},
		"an address":              {webhook, "", ErrForm},
		"base64 of nothing":       {"AAAA", "", ErrForm},
		"a JSON text":             {base64.StdEncoding.EncodeToString([]byte(`"x"`)), "", ErrForm},
		"nothing":                 {"", "", ErrForm},
		"padding of 0":            {sealPadded(t, key, key[:16], make([]byte, 16), nil), "", ErrBroken},
		"padding of 17":           {sealPadded(t, key, key[:16], bytes.Repeat([]byte{17}, 32), nil), "", ErrBroken},
		"uneven padding":          {sealPadded(t, key, key[:16], []byte("aaaaaaaaaaaaa\x01\x03\x03"), nil), "", ErrBroken},
		"a text cut short":        {seal(t, key, []byte(`s:99:"x";`), nil), "", ErrBroken},
		"a text with more":        {seal(t, key, []byte(`s:1:"x";s:1:"y";`), nil), "", ErrBroken},
		"a negative length":       {seal(t, key, []byte(`s:-1:"x";`), nil), "", ErrBroken},
		"no text":                 {seal(t, key, []byte("\xff\xfe"), nil), "", ErrBroken},
	} {
		got, err := keys(t, appKey).Open(c.value)
		if got != c.want || !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	k := keys(t, "base64:"+base64.StdEncoding.EncodeToString(other)+", "+appKey)
	if got, err := k.Open(seal(t, key, []byte(webhook), nil)); err != nil || got != webhook {
		t.Errorf("a former key: %q, %v", got, err)
	}
	if said := fmt.Sprintf("%v %+v %#v %s", k, k, k, k); strings.Contains(said, "MDEy") || strings.Contains(said, "48") {
		t.Errorf("keys print as %s", said)
	}
}

func TestParseKeys(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		appKey: true, " " + appKey + "\n": true, `"` + appKey + `"`: true, "0123456789abcdef0123456789abcdef": true, appKey + "," + appKey: true,
		"": false, "base64:": false, "base64:AAAA": false, "base64:!!!": false, "0123456789abcdef": false, appKey + ",": false,
	} {
		if _, err := ParseKeys(text); (err == nil) != ok || err != nil && !errors.Is(err, ErrNoKey) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add("eyJpdiI6IiJ9")
	k, err := ParseKeys(appKey)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if text, err := k.Open(value); err != nil && text != "" {
			t.Errorf("%q, %v", text, err)
		}
	})
}
