package crm

import (
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/stats"
)

func TestConnections(t *testing.T) {
	t.Parallel()
	begin, end := &stats.ConnBegin{}, &stats.ConnEnd{}
	for name, c := range map[string]struct {
		events []stats.ConnStats // one a second
		want   time.Duration     // when it is over, 0 for never
		seen   bool
	}{
		"nobody comes":          {nil, 30 * time.Second, false},
		"somebody stays":        {[]stats.ConnStats{begin}, 0, true},
		"somebody goes":         {[]stats.ConnStats{begin, end}, 2*time.Second + 200*time.Millisecond, true},
		"one of two goes":       {[]stats.ConnStats{begin, begin, end}, 0, true},
		"both go":               {[]stats.ConnStats{begin, begin, end, end}, 4*time.Second + 200*time.Millisecond, true},
		"the next waits a turn": {[]stats.ConnStats{begin, end, begin}, 2*time.Second + 200*time.Millisecond, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				over := make(chan time.Duration, 10)
				watch := watchConnections(30*time.Second, 200*time.Millisecond, func(seen bool) {
					if seen != c.seen {
						t.Errorf("seen = %v", seen)
					}
					over <- time.Since(start)
				})
				for _, e := range c.events {
					time.Sleep(time.Second)
					watch.HandleConn(t.Context(), e)
				}
				time.Sleep(time.Hour)
				select {
				case got := <-over:
					if got != c.want {
						t.Errorf("over after %v, want %v", got, c.want)
					}
				default:
					if c.want != 0 {
						t.Errorf("never over, want %v", c.want)
					}
				}
			})
		})
	}
}

// A connection that comes within the grace keeps the process.
func TestReconnectWithinGrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		watch := watchConnections(30*time.Second, 200*time.Millisecond, func(bool) { t.Error("over") })
		watch.HandleConn(t.Context(), &stats.ConnBegin{})
		watch.HandleConn(t.Context(), &stats.ConnEnd{})
		time.Sleep(199 * time.Millisecond)
		watch.HandleConn(t.Context(), &stats.ConnBegin{})
		time.Sleep(time.Hour)
	})
}
