package cli

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"booking/host/internal/health"
)

// A door that says nothing, says that it cannot, or is not there, is no sign of life.
func TestADoorThatDoesNotAnswerIsNoSignOfLife(t *testing.T) {
	t.Parallel()
	for name, door := range map[string]struct {
		answer  http.HandlerFunc
		closed  bool
		within  time.Duration
		trouble string
	}{
		"well":    {answer: func(w http.ResponseWriter, _ *http.Request) { health.Alive(w) }, within: time.Minute},
		"hung":    {answer: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, within: 50 * time.Millisecond, trouble: "deadline"},
		"refuses": {answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, within: time.Minute, trouble: "200"},
		"gone":    {closed: true, within: time.Minute, trouble: "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(door.answer)
			t.Cleanup(server.Close)
			if door.closed {
				server.Close()
			}
			a := &app{locale: "en"}
			err := a.alive(health.NewLiveness(time.Now), server.Listener.Addr())(t.Context(), door.within)
			if (err == nil) != (door.trouble == "") || (err != nil && (!strings.HasPrefix(err.Error(), "does not answer") || !strings.Contains(err.Error(), door.trouble))) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAHostOnEveryAddressIsReachedOnTheLoopbackOne(t *testing.T) {
	t.Parallel()
	for listened, reached := range map[string]string{
		"0.0.0.0": "127.0.0.1:80", "::": "127.0.0.1:80", "127.0.0.2": "127.0.0.2:80", "::1": "[::1]:80", "192.0.2.7": "192.0.2.7:80",
	} {
		if got := reachable(&net.TCPAddr{IP: net.ParseIP(listened), Port: 80}); got != reached {
			t.Errorf("%s: %s, want %s", listened, got, reached)
		}
	}
}
