package endtoend

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Slowloris, against the process that serves: hundreds of connections that never finish
// what they began are cut off, and keep nobody else waiting meanwhile; headers and bodies
// of any size are refused.
func TestSlowAndOversizedRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must("", "migrate", "up")
	_, base := w.serveOn(nil)
	address := strings.TrimPrefix(base, "http://")
	const slow = 200
	kinds := map[string]string{
		"headers that do not end": "GET /sign-in HTTP/1.1\r\nHost: x\r\nX-Slow: ",
		"a body that does not":    "POST /sign-in HTTP/1.1\r\nHost: x\r\nOrigin: http://" + address + "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nemail=",
		"a body for the API":      "POST /api/v1/runs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
		"nothing at all":          "",
	}
	var connections sync.WaitGroup
	var open []net.Conn
	for name, begin := range kinds {
		for range slow / len(kinds) {
			c, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			open = append(open, c)
			if _, err := io.WriteString(c, begin); err != nil {
				t.Fatal(err)
			}
			connections.Go(func() {
				// The longest limit is that of a body, 30 s.
				_ = c.SetReadDeadline(time.Now().Add(patience))
				if _, err := io.Copy(io.Discard, c); err != nil && strings.Contains(err.Error(), "timeout") {
					t.Errorf("%s: the connection is still open after %s", name, patience)
				}
			})
		}
	}
	// While all of them hang there everybody else is served.
	client := &http.Client{Timeout: 10 * time.Second}
	for _, path := range []string{"/healthz", "/readyz", "/sign-in", "/api/v1/openapi.json"} {
		response, err := client.Get(base + path)
		if err != nil {
			t.Fatalf("%s beside %d slow connections: %v", path, len(open), err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Errorf("%s beside %d slow connections: %d", path, len(open), response.StatusCode)
		}
	}
	for name, request := range map[string]string{
		"a header of 1 MiB":  "GET / HTTP/1.1\r\nHost: x\r\nX-Large: " + strings.Repeat("x", 1<<20) + "\r\n\r\n",
		"a path of 1 MiB":    "GET /" + strings.Repeat("x", 1<<20) + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"a form of 1 GiB":    fmt.Sprintf("POST /sign-in HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\nemail=%s", 1<<30, strings.Repeat("x", 1<<20)),
		"a call of 1 GiB":    fmt.Sprintf("POST /api/v1/runs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", 1<<30, strings.Repeat("x", 1<<20)),
		"two lengths":        "POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nemail=",
		"a length and parts": "POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nTransfer-Encoding: chunked, identity\r\n\r\nemail=",
	} {
		if status := raw(t, address, request); status < 400 || status >= 502 {
			t.Errorf("%s: %d", name, status)
		}
	}
	connections.Wait()
}

// raw sends a request as it is and returns the status of the answer. What cannot be sent
// any more was refused before its end.
func raw(t *testing.T, address, request string) int {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	go func() { _, _ = io.WriteString(c, request) }()
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	response.Body.Close()
	return response.StatusCode
}
