package rest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"booking/shared/crm"
	"booking/shared/secret"
)

const onePerson = `{"result":[{"ID":"1","ACTIVE":true,"NAME":"A","EMAIL":"a@example.org"}],"total":1}`

// answerOne is a portal with one person, who is in every page and in every count.
func answerOne(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/batch") {
		_, _ = io.WriteString(w, `{"result":{"result":{"p00":[{"ID":"1","ACTIVE":true,"NAME":"A","EMAIL":"a@example.org"}]},"result_error":[],"result_total":{"total":1}}}`)
		return
	}
	_, _ = io.WriteString(w, onePerson)
}

func readOnce(t *testing.T, c *Client) error {
	t.Helper()
	_, _, err := readAll(context.Background(), c, Query{})
	return err
}

func wantCode(t *testing.T, err error, code crm.Code, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s", code)
	}
	e := typed(t, err)
	if e.Code != code {
		t.Fatalf("want %s, got %v", code, err)
	}
	for _, word := range words {
		if !strings.Contains(e.Error(), word) {
			t.Errorf("%q does not speak of %q", e.Error(), word)
		}
	}
}

func TestPublicAddresses(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"8.8.8.8": true, "2a00:1450:4010::1": true, "185.71.76.1": true,
		"127.0.0.1": false, "127.9.9.9": false, "::1": false, "10.0.0.1": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false,
		"169.254.169.254": false, "fe80::1": false, "fe80::1%eth0": false, "fc00::1": false, "fd12::1": false, "0.0.0.0": false, "0.1.2.3": false, "::": false,
		"100.64.0.1": false, "100.127.255.254": false, "224.0.0.1": false, "ff02::1": false, "255.255.255.255": false, "240.0.0.1": false,
		"192.0.0.1": false, "198.18.0.1": false, "192.0.2.1": false, "2001:db8::1": false, "2002:7f00:1::": false,
		"::ffff:127.0.0.1": false, "::ffff:169.254.169.254": false, "::ffff:8.8.8.8": true, "64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false, "::127.0.0.1": false,
		"fec0::1": false, "172.32.0.1": true, "100.128.0.1": true,
	} {
		if got := public(netip.MustParseAddr(address)); got != want {
			t.Errorf("public(%s) = %v", address, got)
		}
	}
}

// fixedDNS answers every question for an A record with one address.
func fixedDNS(t *testing.T, ip netip.Addr) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		buffer := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(dnsAnswer(buffer[:n], ip), from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// dnsAnswer is RFC 1035 by hand: the question once more, and an A record for A questions.
func dnsAnswer(question []byte, ip netip.Addr) []byte {
	end := 12
	for question[end] != 0 {
		end += int(question[end]) + 1
	}
	end += 5
	answer := append([]byte{}, question[:end]...)
	binary.BigEndian.PutUint16(answer[2:], 0x8180)
	binary.BigEndian.PutUint16(answer[6:], 0)
	binary.BigEndian.PutUint32(answer[8:], 0)
	if binary.BigEndian.Uint16(question[end-4:]) == 1 {
		binary.BigEndian.PutUint16(answer[6:], 1)
		answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4)
		answer = append(answer, ip.AsSlice()...)
	}
	return answer
}

func TestNameOfPrivateAddressIsRefused(t *testing.T) {
	t.Parallel()
	for _, ip := range []string{"169.254.169.254", "127.0.0.1", "10.1.2.3"} {
		transport, err := newTransport(Policy{HTTPPortals: []string{"other.example"}}, nil, fixedDNS(t, netip.MustParseAddr(ip)))
		if err != nil {
			t.Fatal(err)
		}
		b := &bench{clock: newFakeClock(), portals: NewPortals(), transport: transport}
		b.webhook = mustParse(t, "https://portal.example.org/rest/1/"+testSecret+"/")
		wantCode(t, readOnce(t, b.client(t)), crm.CodePortalUnreachable, "BOOKING_HTTP_PORTALS")
		if b.clock.Slept() > 0 {
			t.Error("a refused address was tried again")
		}
	}
}

func TestPrivateAddressIsRefusedAndPlainHTTPToo(t *testing.T) {
	t.Parallel()
	b := newHandlerBench(t, answerOne)
	closed, err := NewTransport(Policy{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{Webhook: b.webhook, Transport: closed, Portals: b.portals}); err == nil {
		t.Error("plain http was allowed")
	} else {
		wantCode(t, err, crm.CodePortalUnreachable, "https://")
	}
	b.transport = closed
	b.webhook = mustParse(t, strings.Replace(b.server.URL, "http:", "https:", 1)+"/rest/1/"+testSecret+"/")
	wantCode(t, readOnce(t, b.client(t)), crm.CodePortalUnreachable, "BOOKING_HTTP_PORTALS")
}

func TestHTTPPortals(t *testing.T) {
	t.Parallel()
	for list, allowed := range map[string]map[string]bool{
		"portal.local":      {"http://portal.local/": true, "http://portal.local:8080/": true, "http://PORTAL.local/": true, "http://other.local/": false},
		"Portal.Local:8080": {"http://portal.local:8080/": true, "http://portal.local/": false, "http://portal.local:80/": false},
		"portal.local:80":   {"http://portal.local/": true},
		"[::1]":             {"http://[::1]:99/": true, "http://[::1]/": true},
		"::1":               {"http://[::1]:99/": true},
		"[::1]:99":          {"http://[::1]:99/": true, "http://[::1]:98/": false},
		"":                  {"http://portal.local/": false, "https://portal.local/": true},
	} {
		transport, err := NewTransport(Policy{HTTPPortals: []string{list}})
		if err != nil {
			t.Fatal(err)
		}
		for address, want := range allowed {
			if got := transport.Allows(mustParse(t, address+"rest/1/x/")); got != want {
				t.Errorf("%q allows %s: %v", list, address, got)
			}
		}
	}
}

func TestIPv6Loopback(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Fatalf("this machine has no IPv6 loopback: %v", err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(answerOne)}}
	server.Start()
	defer server.Close()
	transport, _ := NewTransport(Policy{HTTPPortals: []string{"::1"}})
	b := &bench{clock: newFakeClock(), portals: NewPortals(), transport: transport}
	b.webhook = mustParse(t, server.URL+"/rest/1/"+testSecret+"/")
	if err := readOnce(t, b.client(t)); err != nil {
		t.Fatal(err)
	}
}

func tlsBench(t *testing.T, host string, roots bool) *bench {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(answerOne))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	var pool *x509.CertPool
	if roots {
		pool = x509.NewCertPool()
		pool.AddCert(server.Certificate())
	}
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	transport, err := newTransport(Policy{HTTPPortals: []string{host}}, pool, fixedDNS(t, netip.MustParseAddr("127.0.0.1")))
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{clock: newFakeClock(), portals: NewPortals(), transport: transport}
	b.webhook = mustParse(t, "https://"+net.JoinHostPort(host, port)+"/rest/1/"+testSecret+"/")
	return b
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	if err := readOnce(t, tlsBench(t, "example.com", true).client(t)); err != nil {
		t.Errorf("the right certificate: %v", err)
	}
	for name, b := range map[string]*bench{
		"another name":   tlsBench(t, "portal.example.net", true),
		"unknown issuer": tlsBench(t, "example.com", false),
	} {
		err := readOnce(t, b.client(t))
		wantCode(t, err, crm.CodePortalUnreachable, "certificate")
		if b.clock.Slept() > 0 {
			t.Errorf("%s was tried again", name)
		}
	}
}

func TestHTTP2IsSpoken(t *testing.T) {
	t.Parallel()
	b := tlsBench(t, "example.com", true)
	request, _ := http.NewRequest(http.MethodPost, b.webhook.url("profile"), nil)
	response, err := b.transport.http.RoundTrip(request)
	if err != nil {
		t.Fatal("do")
	}
	defer response.Body.Close()
	if response.ProtoMajor != 2 || response.TLS.Version < tls.VersionTLS12 {
		t.Errorf("spoke %s", response.Proto)
	}
}

func TestUnknownHost(t *testing.T) {
	t.Parallel()
	transport, err := newTransport(Policy{}, nil, &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
	}})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{clock: newFakeClock(), portals: NewPortals(), transport: transport}
	b.webhook = mustParse(t, "https://portal.invalid/rest/1/"+testSecret+"/")
	wantCode(t, readOnce(t, b.client(t)), crm.CodePortalUnreachable)
}

func TestRefusedConnection(t *testing.T) {
	t.Parallel()
	b := newHandlerBench(t, answerOne)
	b.server.Close()
	err := readOnce(t, b.client(t))
	wantCode(t, err, crm.CodePortalUnreachable)
	if slept := b.clock.Slept(); slept < 5*time.Second || slept > time.Minute {
		t.Errorf("waited %s between the tries", slept)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, location := range []string{other.URL, "/rest/1/" + testSecret + "/again", "http://" + testSecret + ".example/", "https://moved.bitrix24.ru/rest/1/" + testSecret + "/user.get", "%zz", ""} {
			var calls atomic.Int64
			b := newHandlerBench(t, func(w http.ResponseWriter, _ *http.Request) {
				calls.Add(1)
				w.Header().Set("Location", location)
				w.WriteHeader(status)
			})
			wantCode(t, readOnce(t, b.client(t)), crm.CodePortalAnswer, "redirects")
			if calls.Load() != 1 || elsewhere.Load() != 0 {
				t.Errorf("%d to %q: %d calls, %d elsewhere", status, location, calls.Load(), elsewhere.Load())
			}
		}
	}
}

func TestSlowLoris(t *testing.T) {
	t.Parallel()
	b := newHandlerBench(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, " "); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
	began := time.Now()
	wantCode(t, readOnce(t, b.client(t, func(o *Options) { o.RequestTimeout = 200 * time.Millisecond })), crm.CodePortalUnreachable)
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("gave up after %s only", took)
	}
}

// TestSilentPortal: two requests at most, the second cut to what the silence limit leaves.
func TestSilentPortal(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	b := newHandlerBench(t, func(_ http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	began := time.Now()
	err := readOnce(t, b.client(t, func(o *Options) { o.RequestTimeout, o.Silence = 400*time.Millisecond, 500*time.Millisecond }))
	wantCode(t, err, crm.CodePortalUnreachable)
	if calls.Load() != 2 {
		t.Errorf("%d requests", calls.Load())
	}
	if took := time.Since(began); took < 480*time.Millisecond {
		t.Errorf("gave up after %s already", took)
	}
}

func TestCancelIsImmediate(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	b := newHandlerBench(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	_, _, err := readAll(ctx, b.client(t), Query{})
	wantCode(t, err, crm.CodeCancelled)
}

// zeros is an endless body.
type zeros struct{ sent int64 }

func (z *zeros) Read(p []byte) (int, error) {
	clear(p)
	z.sent += int64(len(p))
	return len(p), nil
}

// TestGigabyteAnswer: 1 GB of zeros is given up early, every time.
func TestGigabyteAnswer(t *testing.T) {
	t.Parallel()
	var sent atomic.Int64
	b := newHandlerBench(t, func(w http.ResponseWriter, _ *http.Request) {
		n, _ := io.CopyN(w, &zeros{}, 1<<30)
		sent.Add(n)
	})
	wantCode(t, readOnce(t, b.client(t)), crm.CodePortalAnswer, "too large")
	b.server.Close()
	if got := sent.Load(); got > 256<<20 {
		t.Errorf("%d MB were read", got>>20)
	}
}

func TestProxy(t *testing.T) {
	t.Parallel()
	var seen atomic.Value
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Store(r.Host + " " + r.Header.Get("Proxy-Authorization"))
		answerOne(w, r)
	}))
	defer proxy.Close()
	address := strings.Replace(proxy.URL, "http://", "http://robot:"+testSecret+"@", 1)
	transport, err := NewTransport(Policy{HTTPPortals: []string{"portal.invalid"}, Proxy: secret.New(address)})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{clock: newFakeClock(), portals: NewPortals(), transport: transport}
	b.webhook = mustParse(t, "http://portal.invalid/rest/1/"+testSecret+"/")
	if err := readOnce(t, b.client(t)); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(seen.Load()); !strings.HasPrefix(got, "portal.invalid Basic ") {
		t.Errorf("the proxy saw %q", got)
	}
	proxy.Close()
	wantCode(t, readOnce(t, b.client(t)), crm.CodePortalUnreachable)
	for _, bad := range []string{"ftp://robot:" + testSecret + "@proxy", "://" + testSecret, "proxy:3128"} {
		if _, err := NewTransport(Policy{Proxy: secret.New(bad)}); err == nil {
			t.Errorf("a proxy %q was taken", bad)
		} else {
			noSecret(t, err)
		}
	}
}

// TestSecretEchoed: what the portal writes may hold the request's address.
func TestSecretEchoed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 400, 401, 403, 404, 429, 500, 503} {
		for _, body := range []string{
			`{"error":"` + testSecret + `","error_description":"/rest/1/` + testSecret + `/user.get\u0000\n❌ run failed"}`,
			`<html>` + testSecret, testSecret, `{"result":"` + testSecret + `"}`,
			`{"result":{"result":[],"result_error":{"p00":{"error":"X","error_description":"` + testSecret + `"}}}}`,
			`{"result":{"result":[],"result_error":{"p00":"` + testSecret + `"}}}`,
		} {
			b := newHandlerBench(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				_, _ = io.WriteString(w, body)
			})
			err := readOnce(t, b.client(t))
			if err == nil {
				t.Fatalf("%d %s: no error", status, body)
			}
			typed(t, err)
			if strings.ContainsAny(err.Error(), "\x00\n") {
				t.Errorf("%q", err.Error())
			}
		}
	}
}
