package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"booking/shared/benchreport"
)

// latencies are how long requests took, and what became of those that failed.
type latencies struct {
	took   []time.Duration
	failed int
	first  error
}

// openLoop sends rate requests a second, each at its time whatever has become of those
// before it. Latencies count from the time at which a request was to be sent: who waits
// behind a slow one is not left out.
func openLoop(ctx context.Context, rate int, lasts time.Duration, ask func(ctx context.Context, n int) error) *latencies {
	var l latencies
	var mu sync.Mutex
	var going sync.WaitGroup
	began := time.Now()
	for n := range int(lasts.Seconds() * float64(rate)) {
		due := began.Add(time.Duration(n) * time.Second / time.Duration(rate))
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
		}
		going.Go(func() {
			err := ask(ctx, n)
			took := time.Since(due)
			mu.Lock()
			defer mu.Unlock()
			l.took = append(l.took, took)
			if err != nil {
				l.failed++
				l.first = cmpOr(l.first, err)
			}
		})
	}
	going.Wait()
	slices.Sort(l.took)
	return &l
}

func cmpOr(first, next error) error {
	if first != nil {
		return first
	}
	return next
}

// quantile is the value that a share of all does not exceed.
func (l *latencies) quantile(share float64) time.Duration {
	return l.took[int(math.Ceil(share*float64(len(l.took))))-1]
}

// String tells the middle and the end of the distribution.
func (l *latencies) String() string {
	return fmt.Sprintf("p50 %s, p99 %s, worst %s", fine(l.quantile(0.5)), fine(l.quantile(0.99)), benchreport.Short(l.quantile(1)))
}

// fine is a short time with a tenth of a millisecond.
func fine(d time.Duration) string { return fmt.Sprintf("%.1f ms", milliseconds(d)) }
