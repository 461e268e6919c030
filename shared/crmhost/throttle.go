package crmhost

import "time"

// maxLogLines is how many log lines of one plugin a second of the host's log holds.
const maxLogLines = 1000

// throttle lets maxLogLines pass in every second and counts the rest.
type throttle struct {
	clock   func() time.Time
	window  time.Time
	passed  int
	dropped int
}

// take says whether one more line may pass. dropped is what the second before let
// fall; it is told once.
func (t *throttle) take() (pass bool, dropped int) {
	now := t.clock()
	if now.Sub(t.window) >= time.Second {
		dropped, t.dropped = t.dropped, 0
		t.window, t.passed = now, 0
	}
	if t.passed >= maxLogLines {
		t.dropped++
		return false, dropped
	}
	t.passed++
	return true, dropped
}
