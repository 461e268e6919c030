package mail

import "time"

const (
	// firstPause is how long a mail waits for its second try; each further pause is
	// twice as long, up to longestPause and, where somebody waits, up to urgentPause.
	firstPause   = 30 * time.Second
	longestPause = 30 * time.Minute
	urgentPause  = 5 * time.Minute
)

// pauseAfter is how long a mail waits after so many tries that failed.
func pauseAfter(tries int, urgent bool) time.Duration {
	longest := longestPause
	if urgent {
		longest = urgentPause
	}
	pause := firstPause
	for range tries - 1 {
		if pause *= 2; pause >= longest {
			return longest
		}
	}
	return pause
}
