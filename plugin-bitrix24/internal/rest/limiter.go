package rest

import (
	"sync"
	"time"
)

// Rate is a portal's leaky bucket (limits.md): blocked above Bucket requests, of
// which Leak leak out every second.
type Rate struct {
	Bucket int
	Leak   float64
}

// The rates of Bitrix24's tariffs. Every one but Enterprise is Standard.
var (
	Standard   = Rate{Bucket: 50, Leak: 2}
	Enterprise = Rate{Bucket: 250, Leak: 5}
)

// Portals is what a process knows about the portals it calls, shared by all its
// tenants: each portal's bucket and how many people it had last time.
type Portals struct {
	mu      sync.Mutex
	buckets map[string]*bucket
	sizes   map[string]int
}

// NewPortals makes an empty memory.
func NewPortals() *Portals {
	return &Portals{buckets: map[string]*bucket{}, sizes: map[string]int{}}
}

// of returns the portal's bucket. What is in it stays when its rate is set anew.
func (p *Portals) of(portal string, rate Rate) *bucket {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.buckets[portal]
	if b == nil {
		b = &bucket{}
		p.buckets[portal] = b
	}
	b.set(rate)
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
	mu         sync.Mutex
	size, leak float64
	level      float64
	at         time.Time
}

func (b *bucket) set(rate Rate) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.size, b.leak = float64(rate.Bucket), rate.Leak
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
