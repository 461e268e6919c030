package main

import (
	"math"
	"slices"
	"time"
)

// effect is Cliff's delta of two samples, the effect size of the rank test of Mann and
// Whitney: how much more often a value of a is above one of b than below it. 0: nobody
// can tell them apart, 1: every value of a is above all of b. No outlier moves it.
func effect(a, b []time.Duration) float64 {
	sorted := slices.Sorted(slices.Values(b))
	above := 0
	for _, value := range a {
		below, _ := slices.BinarySearch(sorted, value)
		upTo, _ := slices.BinarySearch(sorted, value+1)
		above += below - (len(sorted) - upTo)
	}
	return float64(above) / float64(len(a)*len(b))
}

// noise is the standard deviation of the effect between two samples of so many values of
// the same thing.
func noise(n int) float64 { return math.Sqrt(float64(2*n+1) / (3 * float64(n) * float64(n))) }

// detectable is the smallest delay of one sample that would make its effect against the
// other exceed a limit: what the test would have seen.
func detectable(a, b []time.Duration, limit float64) time.Duration {
	seen := func(delay time.Duration) bool {
		later := make([]time.Duration, len(a))
		for i, value := range a {
			later[i] = value + delay
		}
		return effect(later, b) > limit
	}
	low, high := time.Duration(0), time.Minute
	for high-low > time.Microsecond {
		if middle := (low + high) / 2; seen(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}
