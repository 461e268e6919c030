package rest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"booking/shared/secret"
)

// Policy says whom the process may call.
type Policy struct {
	// HTTPPortals are hosts (host or host:port; without a port every port) that may
	// be called by plain http or at a private address.
	HTTPPortals []string
	// Proxy is the URL of an HTTP proxy, empty for none. Addresses are then checked
	// by the proxy and not here, because only it resolves them.
	Proxy secret.Text
}

// Transport is the process's way to portals; make one and share it, it keeps
// connections.
type Transport struct {
	// http is used without an http.Client around it, which would follow redirects: another
	// host must not get the request, and a POST that becomes a GET loses its parameters.
	http    *http.Transport
	allowed map[string]bool
}

var (
	errPrivateAddress = errors.New("the address is not public")
	errBadProxy       = errors.New("the proxy is no address of the form http://host:port")
)

const (
	connectTimeout = 10 * time.Second
	maxHeaderBytes = 64 << 10
)

// NewTransport makes a Transport. The environment's proxy variables are not looked at.
func NewTransport(p Policy) (*Transport, error) { return newTransport(p, nil, nil) }

func newTransport(p Policy, roots *x509.CertPool, resolver *net.Resolver) (*Transport, error) {
	t := &Transport{allowed: map[string]bool{}}
	for _, host := range p.HTTPPortals {
		t.allowed[strings.ToLower(strings.Trim(strings.TrimSpace(host), "[]"))] = true
	}
	open := &net.Dialer{Timeout: connectTimeout, Resolver: resolver}
	guarded := &net.Dialer{Timeout: connectTimeout, Resolver: resolver, ControlContext: refusePrivate}
	transport := &http.Transport{
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    connectTimeout,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    4,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
	if !p.Proxy.Empty() {
		proxy, err := url.Parse(p.Proxy.Reveal())
		// The parser's error quotes the address, which may hold a password.
		if err != nil || proxy.Host == "" || proxy.Scheme != "http" && proxy.Scheme != "https" {
			return nil, errBadProxy
		}
		transport.Proxy = http.ProxyURL(proxy)
	}
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if transport.Proxy != nil || t.allows(address) {
			return open.DialContext(ctx, network, address)
		}
		return guarded.DialContext(ctx, network, address)
	}
	t.http = transport
	return t, nil
}

// Allows reports whether the policy lets the webhook be called: https always, http
// only where the operator said so.
func (t *Transport) Allows(w Webhook) bool {
	return w.scheme == "https" || t.allows(w.hostPort())
}

// Close lets go of idle connections.
func (t *Transport) Close() { t.http.CloseIdleConnections() }

func (t *Transport) allows(hostPort string) bool {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		return false
	}
	host = strings.ToLower(host)
	return t.allowed[host] || t.allowed[host+":"+port] || t.allowed[host+"]:"+port]
}

// refusePrivate runs after the name was resolved and before the connection is made,
// so a public name that resolves to a private address is refused as well.
func refusePrivate(_ context.Context, _, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("read the resolved address: %w", err)
	}
	if !public(ap.Addr()) {
		return errPrivateAddress
	}
	return nil
}

// notPublic are special-purpose ranges (RFC 6890 and its registry) that netip has no
// question for. The IPv6 ones can carry a private IPv4 address inside.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"),
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("::/96"),
	netip.MustParsePrefix("fec0::/10"),
}

func public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, p := range notPublic {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
