package rest

import (
	"sync"
	"time"
)

// The portal's leaky bucket of ordinary tariffs (limits.md): blocked above 50
// requests, two of which leak out every second. Enterprise has 250 and 5.
const (
	DefaultBucket = 50
	DefaultLeak   = 2.0
)

// Portals is what a process knows about the portals it calls, shared by all its
// tenants: each portal's bucket and how many people it had last time.
type Portals struct {
	bucket int
	leak   float64

	mu      sync.Mutex
	buckets map[string]*bucket
	sizes   map[string]int
}

// NewPortals makes an empty memory; zero values mean the ordinary tariff.
func NewPortals(bucketSize int, leakPerSecond float64) *Portals {
	if bucketSize <= 0 {
		bucketSize = DefaultBucket
	}
	if leakPerSecond <= 0 {
		leakPerSecond = DefaultLeak
	}
	return &Portals{bucket: bucketSize, leak: leakPerSecond, buckets: map[string]*bucket{}, sizes: map[string]int{}}
}

func (p *Portals) of(portal string) *bucket {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.buckets[portal]
	if b == nil {
		b = &bucket{size: float64(p.bucket), leak: p.leak}
		p.buckets[portal] = b
	}
	return b
}

// size is how many people a reading had last time, 0 when nobody knows.
func (p *Portals) size(key string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sizes[key]
}

func (p *Portals) setSize(key string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sizes[key] = n
}

// bucket is our copy of the portal's: what is in it and since when.
type bucket struct {
	size, leak float64

	mu    sync.Mutex
	level float64
	at    time.Time
}

// reserve puts one request in and says how long it must wait before it is sent.
func (b *bucket) reserve(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drain(now)
	b.level++
	if over := b.level - b.size; over > 0 {
		return time.Duration(over / b.leak * float64(time.Second))
	}
	return 0
}

// fill notes that the portal called its bucket full: others use it as well.
func (b *bucket) fill(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drain(now)
	b.level = max(b.level, b.size)
}

func (b *bucket) drain(now time.Time) {
	if passed := now.Sub(b.at); passed > 0 {
		if !b.at.IsZero() {
			b.level = max(0, b.level-passed.Seconds()*b.leak)
		}
		b.at = now
	}
}
