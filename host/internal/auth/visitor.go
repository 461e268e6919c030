package auth

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Visitor is where a request comes from.
type Visitor struct {
	// Address is an IP address; behind proxies that were named, the one they tell of.
	Address string
	// Agent is what the browser calls itself, cut to 255 bytes.
	Agent string
}

// NewVisitor looks at a request. X-Forwarded-For is believed only as far as the
// proxies that wrote it are among trusted, from the right; everything to the left of
// the first stranger may be invented.
func NewVisitor(r *http.Request, trusted []netip.Prefix) Visitor {
	address := peer(r)
	told := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(told) - 1; i >= 0 && isTrusted(address, trusted); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(told[i]))
		if err != nil {
			break
		}
		address = next.Unmap().String()
	}
	return Visitor{Address: address, Agent: clip(r.UserAgent(), 255)}
}

// FromProxy reports whether a request comes from one of the proxies themselves.
func FromProxy(r *http.Request, trusted []netip.Prefix) bool { return isTrusted(peer(r), trusted) }

// peer is the address at the other end of the connection.
func peer(r *http.Request) string {
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return r.RemoteAddr
}

func isTrusted(address string, trusted []netip.Prefix) bool {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return false
	}
	for _, prefix := range trusted {
		if prefix.Contains(ip.Unmap()) {
			return true
		}
	}
	return false
}

// network is what tries are counted by: an IPv6 customer has a whole /64.
func (v Visitor) network() string {
	ip, err := netip.ParseAddr(v.Address)
	if err != nil || ip.Is4() {
		return v.Address
	}
	prefix, err := ip.Prefix(64)
	if err != nil {
		return v.Address
	}
	return prefix.String()
}

func clip(text string, most int) string {
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}
