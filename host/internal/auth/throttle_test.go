package auth

import (
	"errors"
	"strconv"
	"testing"
	"time"
)

func TestThrottleSlowsDownAndNeverClosesForGood(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	th := newThrottle(func() time.Time { return now }, 10*time.Second, 3)
	for range 3 {
		if err := th.take("a"); err != nil {
			t.Fatal(err)
		}
	}
	var many *TooManyError
	for range 1000 { // asking on and on does not push the next try further away
		if err := th.take("a"); !errors.As(err, &many) || many.After > 10*time.Second {
			t.Fatalf("%v", err)
		}
	}
	if err := th.take("b"); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	now = now.Add(10 * time.Second)
	if err := th.take("a"); err != nil {
		t.Errorf("ten seconds later: %v", err)
	}
	th.forgive("a")
	for range 3 {
		if err := th.take("a"); err != nil {
			t.Errorf("forgiven: %v", err)
		}
	}
}

func TestThrottleRemembersABoundedNumber(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	th := newThrottle(func() time.Time { return now }, time.Hour, 1)
	for i := range 3 * remembered {
		_ = th.take(strconv.Itoa(i))
	}
	if n := len(th.buckets); n > remembered {
		t.Errorf("%d keys", n)
	}
}
