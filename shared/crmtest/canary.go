package crmtest

import (
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// canaries are the secrets of an examination: wherever one turns up that the plugin
// writes to, the plugin has leaked it.
type canaries struct {
	// values of settings by key; they count once the key is described as a secret.
	settings map[string][]string
	secret   []string
}

func newCanaries() canaries { return canaries{settings: map[string][]string{}} }

// minSecret: shorter values turn up by chance.
const minSecret = 8

func (c *canaries) candidate(key, value string) { c.settings[key] = append(c.settings[key], value) }

// promote makes the values of a setting secrets: as they are, and the parts of an
// address behind the host's name that look like one.
func (c *canaries) promote(key string) {
	for _, value := range c.settings[key] {
		c.add(value)
		address, err := url.Parse(value)
		if err != nil || address.Host == "" {
			continue
		}
		for _, part := range strings.Split(address.Path, "/") {
			c.add(part)
		}
	}
	delete(c.settings, key)
}

func (c *canaries) add(value string) {
	if len(value) >= minSecret && !slices.Contains(c.secret, value) {
		c.secret = append(c.secret, value)
	}
}

// fresh makes a new one.
func (c *canaries) fresh() string {
	b := make([]byte, 12)
	_, _ = rand.Read(b) // never fails
	value := "canary" + hex.EncodeToString(b)
	c.add(value)
	return value
}

// in reports whether a secret turns up in a text.
func (c *canaries) in(text string) bool {
	return slices.ContainsFunc(c.secret, func(s string) bool { return strings.Contains(text, s) })
}

// mask takes the secrets out of a text that people read.
func (c *canaries) mask(text string) string {
	for _, s := range c.secret {
		text = strings.ReplaceAll(text, s, "***")
	}
	return text
}

// printable makes what a plugin said fit for a terminal, as one line.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if len(text) > 600 {
		text = strings.ToValidUTF8(text[:600], "") + "…"
	}
	return strings.TrimSpace(text)
}
