package web

import (
	"sync"
	"time"
)

// tonguesKept is how many are remembered: each costs about four megabytes. Russia has eleven
// zones.
const tonguesKept = 12

// tongue is how a visitor is spoken to: the language, and the zone of the times.
type tongue struct{ locale, zone string }

// tongues are the templates in the tongues that visitors have asked for. What lies about
// unasked for would be marked by every collection of garbage.
type tongues struct {
	own *time.Location

	mu    sync.Mutex
	known map[tongue]templates
}

func newTongues(own *time.Location) *tongues {
	return &tongues{own: own, known: map[tongue]templates{}}
}

// in returns the templates of a language and a zone.
func (t *tongues) in(locale string, zone *time.Location) (templates, error) {
	key := tongue{locale, zone.String()}
	t.mu.Lock()
	defer t.mu.Unlock()
	if known, there := t.known[key]; there {
		return known, nil
	}
	fresh, err := parseTemplates(locale, zone)
	if err != nil {
		return nil, err
	}
	if len(t.known) >= tonguesKept {
		for other := range t.known {
			if other.zone != t.own.String() {
				delete(t.known, other)
			}
		}
	}
	t.known[key] = fresh
	return fresh, nil
}

// zoneOf is a tenant's zone: that of its schedule, the host's where that names none that
// is known here.
func (s *Server) zoneOf(name string) *time.Location {
	if name == "" || name == s.Zone.String() {
		return s.Zone
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return s.Zone
	}
	return zone
}
