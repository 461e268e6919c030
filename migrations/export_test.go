package migrations

import (
	"time"

	"booking/migrations/internal/ddl"
)

// Impatient returns the set with a lease and a patience that suit a test.
func (s Set) Impatient(lease, pause, total time.Duration) Set {
	s.Lease = lease
	s.patience = ddl.Patience{LockWait: time.Second, Pause: pause, Total: total}
	return s
}
