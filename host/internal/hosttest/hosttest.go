// Package hosttest is what the tests of several rooms of the host need: a database, a log that can
// be read while others write, and what the database was asked.
package hosttest

import (
	"context"
	"strings"
	"sync"

	"github.com/uptrace/bun"
)

// Buffer is a log that a test reads while others write.
type Buffer struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String is what was written so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// Statements are what the database was asked since the last Take.
type Statements struct {
	mu   sync.Mutex
	seen []string
}

var _ bun.QueryHook = (*Statements)(nil)

// BeforeQuery implements bun.QueryHook.
func (s *Statements) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, e.Query)
	return ctx
}

// AfterQuery implements bun.QueryHook.
func (*Statements) AfterQuery(context.Context, *bun.QueryEvent) {}

// Take returns them and begins anew.
func (s *Statements) Take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	s.seen = nil
	return seen
}
