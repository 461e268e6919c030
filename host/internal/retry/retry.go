// Package retry says whether a run that failed is tried again by itself, and when: a
// pure function of why it failed and how often it was tried. The store asks it where a
// run ends, so that the retry is queued with the end or not at all.
package retry

import (
	"time"

	"booking/shared/crm"
)

// Interrupted stands for a run that has no error of its own: it lost its host too often.
const Interrupted crm.Code = "interrupted"

// pauses are the times before the first, second and last retry of what may pass by
// itself: somebody restarts a portal, a database comes back.
var pauses = []time.Duration{5 * time.Minute, 15 * time.Minute, time.Hour}

// The limits of what a portal may say: its clock need not be ours.
const (
	leastSaid = time.Minute
	mostSaid  = 24 * time.Hour
)

// passes tells which failures may be over the next time. What is not named here needs
// a person (another webhook, a right, a plugin's author) and is never tried again.
var passes = map[crm.Code]bool{
	crm.CodePortalUnreachable: true,
	crm.CodePortalAnswer:      true,
	crm.CodeRateLimited:       true,
	crm.CodePluginLost:        true,
	crm.CodeDatabase:          true,
	Interrupted:               true,
}

// After tells whether a run that failed with code is tried again, and how long after
// its end. made is how many retries there were already; said is how long the portal
// asks to be left alone, 0 when it did not say.
func After(code crm.Code, made int, said time.Duration) (wait time.Duration, again bool) {
	if !passes[code] || made < 0 || made >= len(pauses) {
		return 0, false
	}
	if code == crm.CodeRateLimited && said > 0 {
		return min(max(said, leastSaid), mostSaid), true
	}
	return pauses[made], true
}
