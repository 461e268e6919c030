package crmhost

import (
	"net/url"
	"strings"
	"sync"

	"booking/shared/secret"
)

const (
	// shortestSecret bounds what is masked from below: masking "1" or "true"
	// wherever it occurs would destroy the log.
	shortestSecret = 6
	// keptSecrets bounds memory; the oldest are forgotten first.
	keptSecrets = 4096
	mask        = "***"
)

// redactor masks the secrets that were handed to a plugin in what the plugin says:
// a plugin that logs its webhook or panics with it does not put it into our log.
type redactor struct {
	mu       sync.Mutex
	known    map[string]bool
	order    []string
	replacer *strings.Replacer // nil: to be made
}

// add remembers a secret and the parts of it that are secret by themselves.
func (r *redactor) add(text secret.Text) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, part := range secretParts(text.Reveal()) {
		if len(part) < shortestSecret || r.known[part] {
			continue
		}
		if r.known == nil {
			r.known = map[string]bool{}
		}
		r.known[part] = true
		r.order = append(r.order, part)
		r.replacer = nil
		if len(r.order) > keptSecrets {
			delete(r.known, r.order[0])
			r.order = r.order[1:]
		}
	}
}

// mask replaces every known secret in s.
func (r *redactor) mask(s string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.order) == 0 {
		return s
	}
	if r.replacer == nil {
		// Where two begin at one place the earlier pair wins: a whole address
		// stands before its parts.
		pairs := make([]string, 0, 2*len(r.order))
		for _, part := range r.order {
			pairs = append(pairs, part, mask)
		}
		r.replacer = strings.NewReplacer(pairs...)
	}
	return r.replacer.Replace(s)
}

// secretParts are the whole value, the password of a DSN or address, and the
// path segments of an address that are long enough to be a token.
func secretParts(value string) []string {
	parts := []string{value}
	if at := strings.LastIndex(value, "@"); at > 0 && !strings.Contains(value, "://") {
		if _, password, ok := strings.Cut(value[:at], ":"); ok {
			return append([]string{value}, password)
		}
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" {
		return parts
	}
	if password, ok := u.User.Password(); ok {
		parts = append(parts, password)
	}
	parts = append(parts, strings.TrimRight(value, "/"))
	for segment := range strings.SplitSeq(u.Path, "/") {
		if strings.ContainsAny(segment, "0123456789") && len(segment) >= 8 {
			parts = append(parts, segment)
		}
	}
	return parts
}
