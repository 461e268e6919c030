package mail

import (
	"testing"
	"time"

	"golang.org/x/time/rate"

	"booking/host/internal/store"
)

func TestPlacesKeepOneFreeForWhatSomebodyWaitsFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state  state
		tokens int
		want   byLane // urgent, plain, steps
		mails  int
	}{
		"idle":                             {state{}, 4, byLane{4, 3, 2}, 4},
		"plain mails never take the last":  {state{going: byLane{0, 3, 0}}, 4, byLane{1, 0, 2}, 1},
		"urgent ones take all there are":   {state{going: byLane{4, 0, 0}}, 4, byLane{0, 0, 2}, 0},
		"the rate holds the plain ones":    {state{going: byLane{1, 0, 0}}, 0, byLane{3, 0, 2}, 3},
		"steps have places of their own":   {state{going: byLane{4, 0, 2}}, 4, byLane{0, 0, 0}, 0},
		"a server that is away: one knock": {state{away: true}, 4, byLane{1, 1, 2}, 1},
		"and not two at a time":            {state{away: true, going: byLane{0, 1, 0}}, 4, byLane{0, 0, 2}, 0},
	} {
		limits, mails := c.state.places(c.tokens)
		if limits != c.want || mails != c.mails {
			t.Errorf("%s: %v and %d mails, want %v and %d", name, limits, mails, c.want, c.mails)
		}
	}
}

func TestPauseIsLongWhereNothingIsToDo(t *testing.T) {
	t.Parallel()
	spent := rate.NewLimiter(2, 1)
	spent.Allow()
	more := [3]bool{store.LanePlain: true}
	for name, c := range map[string]struct {
		state state
		limit *rate.Limiter
		want  time.Duration
	}{
		"idle":                         {state{}, rate.NewLimiter(2, 1), lookPause},
		"everything is being sent":     {state{going: byLane{1, 1, 0}}, rate.NewLimiter(2, 1), lookPause},
		"more, and the rate is spent":  {state{more: more}, spent, time.Second / 2},
		"more, and others were faster": {state{more: more}, rate.NewLimiter(2, 1), crowdPause},
		"more, but nobody opens":       {state{more: more, away: true}, spent, lookPause},
		"no limit, and others faster":  {state{more: more}, rate.NewLimiter(rate.Inf, together), crowdPause},
	} {
		if got := c.state.pause(c.limit); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
