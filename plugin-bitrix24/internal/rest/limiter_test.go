package rest

import (
	"testing"
	"time"
)

func TestBucketOfEachTariff(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rate  Rate
		burst int
		wait  time.Duration // of the first request beyond the burst
	}{
		"standard":   {Standard, 50, 500 * time.Millisecond},
		"enterprise": {Enterprise, 250, 200 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := time.Unix(0, 0)
			b := NewPortals().of("portal.example", c.rate)
			for i := range c.burst {
				if wait := b.reserve(now); wait != 0 {
					t.Fatalf("request %d waits %s", i+1, wait)
				}
			}
			if wait := b.reserve(now); wait != c.wait {
				t.Errorf("the next request waits %s, wanted %s", wait, c.wait)
			}
		})
	}
}

func TestAPortalHasOneBucketForAllItsTenants(t *testing.T) {
	t.Parallel()
	portals, now := NewPortals(), time.Unix(0, 0)
	for range Standard.Bucket {
		portals.of("portal.example", Standard).reserve(now)
	}
	if wait := portals.of("portal.example", Standard).reserve(now); wait == 0 {
		t.Error("another tenant's request does not wait")
	}
	if wait := portals.of("other.example", Standard).reserve(now); wait != 0 {
		t.Error("another portal's request waits")
	}
	// A better tariff counts at once, and what is in the bucket stays there.
	if wait := portals.of("portal.example", Enterprise).reserve(now); wait != 0 {
		t.Error("the better tariff changes nothing")
	}
	if portals.of("portal.example", Standard).reserve(now) == 0 {
		t.Error("the bucket was emptied")
	}
}
