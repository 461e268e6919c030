package rest

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// RightForm is what a webhook's address looks like; error messages show it
// instead of what was typed, which may hold the secret.
const RightForm = "https://your-portal.bitrix24.ru/rest/1/xxxxx/"

// ErrWebhookForm is returned by ParseWebhook for everything that is no webhook.
var ErrWebhookForm = errors.New("not an inbound webhook's address, which looks like " + RightForm)

// Webhook is the address of an inbound webhook of a portal
// (https://portal/rest/<user id>/<secret>/): whoever knows it can do what its
// owner may do. It prints without the secret, whatever the verb.
type Webhook struct {
	scheme string // "https" or "http"
	host   string // lower case ASCII, with a port only where it is not the scheme's
	prefix string // of a self-hosted portal below a path: "" or "/path"
	user   string
	// secret is a function because fmt prints even unexported fields of a struct
	// that holds a Webhook, but of a function only its address.
	secret func() string
}

var (
	digits      = regexp.MustCompile(`^[0-9]{1,19}$`)
	secretForm  = regexp.MustCompile(`^[A-Za-z0-9_~-]{1,128}$`)
	methodForm  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.]*$`)
	segmentForm = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)
)

// ParseWebhook reads an address as people paste it: with spaces around it, without
// the last slash, with a method's name behind it (user.get.json), in any letter case
// of scheme and host, of any domain, below a path. Anything else is ErrWebhookForm.
func ParseWebhook(address string) (Webhook, error) {
	address = strings.TrimFunc(address, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune("\"'<>«»", r)
	})
	u, err := url.Parse(address)
	// The error of url.Parse quotes the address: never passed on.
	if err != nil || !utf8.ValidString(address) || u.User != nil || u.Opaque != "" {
		return Webhook{}, ErrWebhookForm
	}
	w := Webhook{scheme: strings.ToLower(u.Scheme)}
	if w.scheme != "https" && w.scheme != "http" {
		return Webhook{}, ErrWebhookForm
	}
	if w.host, err = normalHost(u); err != nil {
		return Webhook{}, ErrWebhookForm
	}
	if err := w.readPath(u.EscapedPath()); err != nil {
		return Webhook{}, err
	}
	return w, nil
}

// readPath takes [prefix]/rest/<user id>/<secret>[/method] apart.
func (w *Webhook) readPath(path string) error {
	segments := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	for i := 0; i+2 < len(segments); i++ {
		if segments[i] != "rest" || !digits.MatchString(segments[i+1]) {
			continue
		}
		rest := segments[i+3:]
		secret := segments[i+2]
		if !secretForm.MatchString(secret) || len(rest) > 1 || len(rest) == 1 && !methodForm.MatchString(rest[0]) {
			return ErrWebhookForm
		}
		w.user, w.secret = segments[i+1], func() string { return secret }
		for _, s := range segments[:i] {
			if !segmentForm.MatchString(s) || strings.Trim(s, ".") == "" {
				return ErrWebhookForm
			}
			w.prefix += "/" + s
		}
		return nil
	}
	return ErrWebhookForm
}

// normalHost is the host as DNS knows it, with the port unless it is the scheme's own.
func normalHost(u *url.URL) (string, error) {
	host := strings.TrimSuffix(u.Hostname(), ".")
	if host == "" {
		return "", ErrWebhookForm
	}
	if ip := net.ParseIP(host); ip != nil {
		host = ip.String()
	} else {
		ascii, err := idna.Lookup.ToASCII(host)
		if err == nil {
			ascii, err = idna.Lookup.ToASCII(ascii) // a name that IDNA itself makes may still be none
		}
		if err != nil || strings.Contains(ascii, "..") {
			return "", ErrWebhookForm
		}
		host = strings.ToLower(ascii)
	}
	port := u.Port()
	if port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", ErrWebhookForm
		}
	}
	switch {
	case port != "" && port != schemePort(strings.ToLower(u.Scheme)):
		return net.JoinHostPort(host, port), nil
	case strings.Contains(host, ":"):
		return "[" + host + "]", nil
	}
	return host, nil
}

func schemePort(scheme string) string {
	if scheme == "http" {
		return "80"
	}
	return "443"
}

// Portal is the host name, without port, in lower-case ASCII: what IDs of people
// belong to.
func (w Webhook) Portal() string {
	if host, _, err := net.SplitHostPort(w.host); err == nil {
		return host
	}
	return strings.Trim(w.host, "[]")
}

// Is reports whether a portal of this name, with or without a port, is the webhook's.
func (w Webhook) Is(domain string) bool {
	host, err := normalHost(&url.URL{Scheme: w.scheme, Host: strings.TrimSpace(domain)})
	return err == nil && w.secret != nil && (Webhook{host: host}).Portal() == w.Portal()
}

// Owner is the ID of the user in whose name the webhook acts.
func (w Webhook) Owner() string { return w.user }

// hostPort is the host and the port that is really called.
func (w Webhook) hostPort() string {
	if _, _, err := net.SplitHostPort(w.host); err == nil {
		return w.host
	}
	return net.JoinHostPort(w.Portal(), schemePort(w.scheme))
}

// url is the address of a method: the one place that reveals the secret.
func (w Webhook) url(method string) string {
	return w.scheme + "://" + w.host + w.prefix + "/rest/" + w.user + "/" + w.secret() + "/" + method
}

// scrub takes the secret out of a text that came from outside.
func (w Webhook) scrub(text string) string {
	if w.secret == nil {
		return text
	}
	return strings.ReplaceAll(text, w.secret(), "***")
}

// String is the address without its secret.
func (w Webhook) String() string {
	if w.secret == nil {
		return ""
	}
	return w.scheme + "://" + w.host + w.prefix + "/rest/" + w.user + "/***/"
}

// GoString implements [fmt.GoStringer].
func (w Webhook) GoString() string { return w.String() }

// Format implements [fmt.Formatter]: every verb prints String.
func (w Webhook) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, w.String()) }

// MarshalText implements [encoding.TextMarshaler].
func (w Webhook) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// LogValue implements [slog.LogValuer].
func (w Webhook) LogValue() slog.Value { return slog.StringValue(w.String()) }
