package mail

import (
	"testing"
	"time"
)

func TestPausesGrowUpToALimit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		tries  int
		urgent bool
		want   time.Duration
	}{
		{1, false, 30 * time.Second}, {2, false, time.Minute}, {3, false, 2 * time.Minute}, {6, false, 16 * time.Minute}, {7, false, 30 * time.Minute}, {1000, false, 30 * time.Minute},
		{1, true, 30 * time.Second}, {4, true, 4 * time.Minute}, {5, true, 5 * time.Minute}, {1000, true, 5 * time.Minute},
	} {
		if got := pauseAfter(c.tries, c.urgent); got != c.want {
			t.Errorf("after %d tries (urgent %v): %s, want %s", c.tries, c.urgent, got, c.want)
		}
	}
}
