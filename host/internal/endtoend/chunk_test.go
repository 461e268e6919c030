package endtoend

import (
	"fmt"

	"booking/shared/testdb/proxy"
)

// chunkCommit is the COMMIT of a chunk: of a transaction that begins with the check of
// the run's fence.
var chunkCommit = proxy.Match{Statement: "COMMIT", First: "UPDATE `crm_runs` "}

// stop is a place: before the COMMIT of the n-th chunk reaches the database, or after
// it was done and before anybody is told.
type stop struct {
	chunk     int
	committed bool
}

func (s stop) String() string {
	if s.committed {
		return fmt.Sprintf("after the COMMIT of chunk %d", s.chunk)
	}
	return fmt.Sprintf("before the COMMIT of chunk %d", s.chunk)
}

// stopAt makes the next run stop at a place, and only there. Chunks are counted from
// the call on.
func stopAt(p *proxy.Proxy, at stop) *proxy.Hold {
	p.Forget()
	place := proxy.Before
	if at.committed {
		place = proxy.After
	}
	return p.Hold(chunkCommit, at.chunk, place)
}
