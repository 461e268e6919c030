package main

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestEffect(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		a, b []time.Duration
		want float64
	}{
		{"the same", []time.Duration{1, 2, 3}, []time.Duration{1, 2, 3}, 0},
		{"above all", []time.Duration{7, 8}, []time.Duration{1, 2, 3}, 1},
		{"below all", []time.Duration{1, 2}, []time.Duration{3}, -1},
		{"above two of three", []time.Duration{3}, []time.Duration{1, 2, 4}, 1.0 / 3},
		{"an outlier is one value", []time.Duration{1, 2, 3, 1 << 40}, []time.Duration{1, 2, 3, 4}, 1.0 / 16},
	} {
		if got := effect(c.a, c.b); got-c.want > 1e-9 || c.want-got > 1e-9 {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// Samples of the same thing stay within what chance allows; a delay is seen from
// detectable on.
func TestEffectOfChanceAndOfADelay(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 1))
	sample := func(n int, delay time.Duration) []time.Duration {
		all := make([]time.Duration, n)
		for i := range all {
			all[i] = 200*time.Millisecond + delay + time.Duration(random.ExpFloat64()*float64(5*time.Millisecond))
		}
		return all
	}
	const n, rounds = 150, 2000
	beyond := 0
	for range rounds {
		if got := effect(sample(n, 0), sample(n, 0)); got > 2*noise(n) || got < -2*noise(n) {
			beyond++
		}
	}
	if share := float64(beyond) / rounds; share < 0.02 || share > 0.08 { // of a normal distribution: 0.046
		t.Errorf("%.3f of equal samples are beyond two standard deviations", share)
	}
	a, b := sample(n, 0), sample(n, 0)
	delay := detectable(a, b, 0.25)
	later := func(by time.Duration) []time.Duration {
		moved := make([]time.Duration, n)
		for i := range a {
			moved[i] = a[i] + by
		}
		return moved
	}
	if effect(later(delay), b) <= 0.25 || effect(later(delay-10*time.Microsecond), b) > 0.25 {
		t.Errorf("a delay of %s", delay)
	}
}
