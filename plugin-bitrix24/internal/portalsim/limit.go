package portalsim

import (
	"math"
	"time"
)

// Bucket is the limit of request intensity (limits.md, "Request Intensity Limits"):
// a counter per portal and source address grows by one with a request and falls by
// Leak a second; above Limit a request is answered 503 QUERY_LIMIT_EXCEEDED.
type Bucket struct {
	Off   bool
	Limit float64 // 0: 50
	Leak  float64 // per second; 0: 2
	// Others is how many requests a second other programs on the same address make.
	Others float64
	// CountBlocked lets refused requests raise the counter too. The documentation can
	// be read both ways.
	CountBlocked bool
}

// Enterprise is the bucket of the Enterprise plan.
func Enterprise() Bucket { return Bucket{Limit: 250, Leak: 5} }

func (b Bucket) withDefaults() Bucket {
	if b.Limit == 0 {
		b.Limit = 50
	}
	if b.Leak == 0 {
		b.Leak = 2
	}
	return b
}

type level struct {
	value float64
	at    time.Time
}

// admit counts a request from an address and reports whether it is let in.
func (b Bucket) admit(l *level, now time.Time) bool {
	if b.Off {
		return true
	}
	l.value = max(0, l.value-(b.Leak-b.Others)*max(0, now.Sub(l.at).Seconds()))
	l.at = now
	if b.Others > 0 {
		l.value = min(l.value, b.Limit)
	}
	blocked := l.value+1 > b.Limit
	if !blocked || b.CountBlocked {
		l.value++
	}
	return !blocked
}

// Operating is the limit of resource consumption (limits.md, "Resource Consumption
// Limits"): a method whose time within ten minutes exceeds Limit is answered 429
// OPERATION_TIME_LIMIT.
type Operating struct {
	Off   bool
	Limit time.Duration // 0: 480 s
	// Cost is what a call of a method is charged on top of its latency; nil: nothing.
	Cost func(method string) time.Duration
	// Hidden leaves operating and operating_reset_at out of the answers, as servers
	// that are not in the cloud do.
	Hidden bool
	// BatchPays charges a batch's time to the method "batch" instead of the methods
	// inside it; both are reported.
	BatchPays bool
}

func (o Operating) withDefaults() Operating {
	if o.Limit == 0 {
		o.Limit = 480 * time.Second
	}
	if o.Cost == nil {
		o.Cost = func(string) time.Duration { return 0 }
	}
	return o
}

const meterMinutes = 10

// meter holds a method's time by minute; a minute counts for ten.
type meter map[int64]time.Duration

func (m meter) add(now time.Time, spent time.Duration) {
	if spent > 0 {
		m[now.Unix()/60] += spent
	}
}

// sum returns the time spent in the last ten minutes and when the oldest part of it
// is forgotten.
func (m meter) sum(now time.Time) (time.Duration, time.Time) {
	minute, oldest := now.Unix()/60, int64(math.MaxInt64)
	var total time.Duration
	for at, spent := range m {
		if at <= minute-meterMinutes {
			delete(m, at)
			continue
		}
		total += spent
		oldest = min(oldest, at)
	}
	if oldest == math.MaxInt64 {
		oldest = minute
	}
	return total, time.Unix((oldest+meterMinutes)*60, 0)
}
