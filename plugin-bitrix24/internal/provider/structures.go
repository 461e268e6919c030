package provider

import (
	"maps"
	"sync"
	"time"

	"booking/shared/crm"
)

// structureAge is how long a structure is good: long enough for somebody who goes back
// and forth between pages, too short to be surprised by what was changed in the portal.
const structureAge = 30 * time.Second

// structures remembers the structures that were read a moment ago: counting people costs
// as many requests as a sync.
type structures struct {
	mu    sync.Mutex
	known map[structureKey]structureEntry
}

type structureEntry struct {
	choices crm.Choices
	read    time.Time
}

func (s *structures) get(key structureKey, now time.Time) (crm.Choices, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entry, there := s.known[key]
	return entry.choices, there && now.Before(entry.read.Add(structureAge))
}

// put forgets what is too old on the way.
func (s *structures) put(key structureKey, choices crm.Choices, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.known, func(_ structureKey, e structureEntry) bool { return !now.Before(e.read.Add(structureAge)) })
	if s.known == nil {
		s.known = map[structureKey]structureEntry{}
	}
	s.known[key] = structureEntry{choices, now}
}
