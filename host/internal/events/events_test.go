package events

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"booking/shared/crm"
)

func TestAPortalsOwnMessageAsksForItsPeople(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if status, body := h.post(h.address, strings.NewReader(token)); status != http.StatusNoContent || body != "" {
		t.Errorf("%d %q", status, body)
	}
	if diff := cmp.Diff([]string{"7"}, h.asked()); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	if status := h.send("nobody " + token); status != http.StatusNoContent || len(h.asked()) != 1 {
		t.Errorf("about nobody: %d, asked for %v", status, h.asked())
	}
	known, err := h.EventAddress(t.Context(), h.tenant, "fake")
	if err != nil || time.Since(known.HeardAt) > time.Minute || known.Refused != "" {
		t.Errorf("%+v, error %v", known, err)
	}
}

// Nobody learns from an answer whether an address is one: with every method, whatever is
// wrong.
func TestEveryRefusalIsTheSame(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	known := h.address
	answers := map[string]string{}
	ask := func(name, method, path, body string) {
		request, err := http.NewRequest(method, h.http.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body)
		response.Header.Del("Date")
		response.Header.Del("X-Request-Id")
		answers[name] = fmt.Sprint(response.StatusCode, response.Header, string(text))
	}
	ask("wrong proof", "POST", known, "forged")
	ask("no proof", "POST", known, "")
	ask("unknown address", "POST", Base+strings.Repeat("A", 26), token)
	ask("lower case", "POST", strings.ToLower(known), token)
	ask("no address", "POST", Base, token)
	ask("longer", "POST", known+"A", token)
	ask("a path", "POST", known+"/x", token)
	ask("GET", "GET", known, "")
	ask("GET of an unknown one", "GET", Base+"x", "")
	ask("PUT", "PUT", known, token)
	h.lacks = true
	ask("the plugin reads no events", "POST", known, token)
	h.lacks, h.fails = false, crm.NewError(crm.CodePluginUntrusted, crm.Text{EN: "untrusted"}, nil)
	ask("the plugin does not run", "POST", known, token)
	h.fails = nil
	h.renew()
	ask("renewed", "POST", known, token)
	h.exec("UPDATE crm_connections SET plugin = 'another'")
	ask("of another CRM", "POST", h.address, token)
	h.exec("UPDATE crm_connections SET plugin = 'fake'")
	for name, answer := range answers {
		if answer != answers["unknown address"] || !strings.HasPrefix(answer, "404") {
			t.Errorf("%s: %s", name, answer)
		}
	}
	if len(h.asked()) != 0 {
		t.Errorf("asked for %v", h.asked())
	}
	if status := h.send(token); status != http.StatusNoContent {
		t.Errorf("the address itself: %d", status)
	}
	for _, secret := range []string{strings.TrimPrefix(known, Base), strings.TrimPrefix(h.address, Base), token} {
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("the log has a secret:\n%s", h.log)
		}
	}
	if !strings.Contains(h.log.String(), `route="POST /hooks/crm/{address}"`) {
		t.Errorf("the access log does not know the route:\n%s", h.log)
	}
}

func TestWhyMessagesAreRefusedIsWrittenDownNowAndThen(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	noted := func(want crm.EventReason) {
		t.Helper()
		known, err := h.EventAddress(t.Context(), h.tenant, "fake")
		if err != nil || known.Refused != want || known.RefusedAt.IsZero() || !known.HeardAt.IsZero() {
			t.Errorf("%+v, want %s, error %v", known, want, err)
		}
	}
	for range 20 {
		h.send("forged")
	}
	noted(crm.EventWrongProof)
	if n := strings.Count(h.log.String(), "level=WARN"); n != 1 {
		t.Errorf("%d warnings", n)
	}
	h.lacks = true
	h.send(token)
	noted(Unjudged)
}

func TestTooLargeAndTooSlowAreNotWaitedFor(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(o *Options) { o.Arrival = 300 * time.Millisecond })
	for _, path := range []string{h.address, Base + strings.Repeat("A", 26)} {
		if status, _ := h.post(path, bytes.NewReader(make([]byte, crm.MaxEventBytes+1))); status != http.StatusRequestEntityTooLarge {
			t.Errorf("a byte too many: %d", status)
		}
		conn, err := net.Dial("tcp", h.http.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nbegun", path)
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second)) // ours, not the server's
		answer, err := io.ReadAll(conn)
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") {
			t.Errorf("a body that does not come: %q, error %v", answer, err)
		}
		conn.Close()
	}
	if status := h.send(token + strings.Repeat(" ", crm.MaxEventBytes-len(token))); status != http.StatusNotFound || len(h.asked()) != 0 {
		t.Errorf("as large as may be: %d", status)
	}
}

// A flood takes eight places and no more, and who does not get into the line is told.
func TestAFloodIsKeptWithinItsPlaces(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.entered, h.hold = make(chan struct{}, atOnce+inLine), make(chan struct{})
	var flood sync.WaitGroup
	statuses := make(chan int, inLine)
	for range inLine {
		flood.Go(func() { statuses <- h.send(token) })
	}
	for range atOnce {
		<-h.entered
	}
	for deadline := time.Now().Add(20 * time.Second); len(h.server.line) < inLine; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d are in the line", len(h.server.line))
		}
	}
	if status := h.send(token); status != http.StatusTooManyRequests {
		t.Errorf("one more: %d", status)
	}
	if n := len(h.entered); n != 0 {
		t.Errorf("%d more are judged at the same time", n)
	}
	close(h.hold)
	flood.Wait()
	close(statuses)
	for status := range statuses {
		if status != http.StatusNoContent {
			t.Errorf("one of the line: %d", status)
		}
	}
	if n := len(h.asked()); n != inLine || slices.Contains(h.asked(), "") {
		t.Errorf("asked for %d", n)
	}
}
