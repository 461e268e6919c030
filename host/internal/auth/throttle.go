package auth

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// remembered bounds how many keys a throttle knows; the ones that have been quiet the
// longest are forgotten first, as a full bucket is no different from none.
const remembered = 10_000

// TooManyError says that there were too many tries, and when the next makes sense.
type TooManyError struct{ After time.Duration }

// Error implements error.
func (e *TooManyError) Error() string {
	return fmt.Sprintf("too many tries, the next one in %s", e.After.Round(time.Second))
}

// throttle slows down whoever tries again and again: a bucket of tries for each key,
// refilled one by one. It never closes for good, and it is this process's alone: with
// several hosts each of them allows as many.
type throttle struct {
	clock func() time.Time
	every time.Duration
	burst int

	mu      sync.Mutex
	buckets map[string]*bucket
}

type bucket struct {
	limiter *rate.Limiter
	used    time.Time
}

func newThrottle(clock func() time.Time, every time.Duration, burst int) *throttle {
	return &throttle{clock: clock, every: every, burst: burst, buckets: map[string]*bucket{}}
}

// take uses up one try of the key, or says how long to wait for one.
func (t *throttle) take(key string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock()
	b := t.buckets[key]
	if b == nil {
		t.makeRoom(now)
		b = &bucket{limiter: rate.NewLimiter(rate.Every(t.every), t.burst)}
		t.buckets[key] = b
	}
	b.used = now
	if b.limiter.AllowN(now, 1) {
		return nil
	}
	reservation := b.limiter.ReserveN(now, 1)
	defer reservation.CancelAt(now)
	return &TooManyError{After: reservation.DelayFrom(now)}
}

// forgive empties the key's record: the right person was there.
func (t *throttle) forgive(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.buckets, key)
}

// makeRoom forgets what has been full again for a while, and, should that not be
// enough, a quarter of whatever comes first: memory and work are bounded even while
// somebody tries a million addresses.
func (t *throttle) makeRoom(now time.Time) {
	if len(t.buckets) < remembered {
		return
	}
	for key, b := range t.buckets {
		if now.Sub(b.used) > t.every*time.Duration(t.burst) {
			delete(t.buckets, key)
		}
	}
	for key := range t.buckets {
		if len(t.buckets) < remembered*3/4 {
			return
		}
		delete(t.buckets, key)
	}
}
