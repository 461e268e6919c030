package mail

import (
	"time"

	"golang.org/x/time/rate"

	"booking/host/internal/store"
)

const (
	// together is how many mails one host sends at the same time; one place of them is
	// kept free for what somebody waits for.
	together = 4
	// stepsTogether is how many steps it carries out beside them.
	stepsTogether = 2
	// crowdPause is the time to the next look where other hosts were faster.
	crowdPause = time.Second
)

// byLane is a number for each lane.
type byLane = [3]int

// state is how things are in a room.
type state struct {
	// going are the rows this host is at, by lane.
	going byLane
	// more: the last look at the lane left something behind.
	more [3]bool
	// away: the mail server did not answer the last time. One mail at a time is tried
	// then, so that an outage costs one knock at the door and not one for each mail.
	away bool
}

func (s state) busy() bool { return s.going != byLane{} }

func (s state) leftBehind() bool { return s.more[0] || s.more[1] || s.more[2] }

// places is how many rows of each lane can be begun now, and how many of them may be
// mails. tokens is how many plain mails the rate allows.
func (s state) places(tokens int) (limits byLane, mails int) {
	sending := s.going[store.LaneUrgent] + s.going[store.LanePlain]
	mails = together - sending
	plain := min(mails, together-1-s.going[store.LanePlain])
	if s.away {
		mails = max(0, 1-sending)
		plain = mails
	}
	limits[store.LaneUrgent] = mails
	limits[store.LanePlain] = max(0, min(plain, tokens))
	limits[store.LaneSteps] = stepsTogether - s.going[store.LaneSteps]
	return limits, mails
}

// seen notes whether a look found all there is.
func (s *state) seen(due []store.QueuedMail, limits byLane) {
	var found byLane
	for _, m := range due {
		found[m.Lane]++
	}
	for lane, limit := range limits {
		if limit > 0 {
			s.more[lane] = found[lane] >= limit
		}
	}
}

// pause is how long to wait when nothing happens.
func (s state) pause(limit *rate.Limiter) time.Duration {
	switch {
	case s.away || !s.leftBehind():
		return lookPause
	case s.more[store.LanePlain] && limit.Tokens() < 1:
		return time.Duration(float64(time.Second) / float64(limit.Limit()))
	case !s.busy():
		return crowdPause
	}
	return lookPause
}
