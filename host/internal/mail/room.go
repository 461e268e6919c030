package mail

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"booking/host/internal/store"
)

const (
	// lookPause is how often an idle host looks into the queue: what another process
	// queued leaves within about this time. What this process queued wakes it.
	lookPause = 15 * time.Second
	// workPatience bounds the work for one row, claimLease is how long others leave it
	// alone: a host that was asleep for longer finds its time over.
	workPatience = 2 * time.Minute
	claimLease   = 3 * time.Minute
	// endPatience is how long conversations that go on are waited for at the end. One that
	// is cut off may have been heard: its mail may arrive twice.
	endPatience = 5 * time.Second
)

// Why a mail was not sent, where it is not the mail server that says so.
const (
	// ReasonExpired: it was not to be sent for so long that it is worth nothing.
	ReasonExpired = "expired"
	// ReasonInternal: it could not be written; the log says why.
	ReasonInternal = "internal"
)

// ErrNobody says that there is nobody to write to, and that nothing is to be kept of it.
var ErrNobody = errors.New("there is nobody to write to")

// DroppedError says that a mail is not needed any more, and why, in one word.
type DroppedError struct{ Reason string }

// Error implements error.
func (e *DroppedError) Error() string { return "the mail is not needed any more: " + e.Reason }

// Writer turns a claimed row of the queue into a mail, right before it is sent, or
// carries the row's step out.
type Writer interface {
	// Write returns ErrNobody or a *DroppedError when there is nothing to be sent.
	Write(ctx context.Context, m store.QueuedMail) (Message, error)
	// Step does the work of a step and ends it. lease is how long the claim may be kept
	// alive at a time.
	Step(ctx context.Context, m store.QueuedMail, lease time.Duration) error
}

// Options of a Room.
type Options struct {
	Store  *store.Store
	Writer Writer
	Sender Sender
	Log    *slog.Logger
	// Rate is how many mails a minute leave this host; 0: as many as can. Those that
	// somebody waits for are not held back.
	Rate int
}

// Room sends what is in the queue. On any number of hosts each mail is sent once, and
// once more when a host dies between sending it and saying so.
type Room struct {
	Options
	limit *rate.Limiter
	wake  chan struct{}
	freed chan struct{}

	mu    sync.Mutex
	state state
}

// NewRoom makes a Room.
func NewRoom(o Options) *Room {
	limit := rate.NewLimiter(rate.Inf, together)
	if o.Rate > 0 {
		limit = rate.NewLimiter(rate.Limit(float64(o.Rate)/60), together)
	}
	return &Room{Options: o, limit: limit, wake: make(chan struct{}, 1), freed: make(chan struct{}, 1)}
}

// Wake makes the room look into the queue now.
func (r *Room) Wake() { knock(r.wake) }

func knock(door chan struct{}) {
	select {
	case door <- struct{}{}:
	default:
	}
}

// Work sends until ctx ends.
func (r *Room) Work(ctx context.Context) {
	var going sync.WaitGroup
	defer lastWords(&going)
	for ctx.Err() == nil {
		r.round(ctx, &going)
		r.wait(ctx, r.now())
	}
}

// Drain sends what is due and returns when nothing is left, or when the mail server
// does not answer: whoever comes next tries again.
func (r *Room) Drain(ctx context.Context) {
	var going sync.WaitGroup
	defer lastWords(&going)
	for ctx.Err() == nil {
		before := r.now() // a step that ends during the look may have queued mails after it
		if before.away && !before.busy() {
			return
		}
		begun := r.round(ctx, &going)
		switch now := r.now(); {
		case begun == 0 && !before.busy() && !now.leftBehind():
			return
		case now.leftBehind() && !now.away:
			r.wait(ctx, now)
		default:
			going.Wait() // and once more: a step queues mails
		}
	}
}

// lastWords lets conversations that go on come to their end, for a while.
func lastWords(going *sync.WaitGroup) {
	silent := make(chan struct{})
	go func() {
		going.Wait()
		close(silent)
	}()
	select {
	case <-silent:
	case <-time.After(endPatience):
	}
}

// wait waits until there may be something to do.
func (r *Room) wait(ctx context.Context, now state) {
	timer := time.NewTimer(now.pause(r.limit))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
		case <-r.wake:
		case <-timer.C:
		case <-r.freed:
			if !now.leftBehind() || r.now().away {
				continue // nobody waits for the place, or it would be a knock at a closed door
			}
		}
		return
	}
}

// round claims as much as there is room for and begins to send it.
func (r *Room) round(ctx context.Context, going *sync.WaitGroup) (begun int) {
	limits, mails := r.now().places(int(r.limit.Tokens()))
	if limits == (byLane{}) {
		return 0
	}
	due, err := r.Store.DueMails(ctx, limits)
	if err != nil {
		if ctx.Err() == nil {
			r.Log.Debug("look into the mail queue", "error", err.Error())
		}
		return 0
	}
	r.change(func(s *state) { s.seen(due, limits) })
	for _, m := range due {
		if !m.Kind.IsStep() && mails == 0 {
			r.change(func(s *state) { s.more[m.Lane] = true })
			continue
		}
		claimed, err := r.Store.ClaimMail(ctx, &m, claimLease)
		if err != nil || !claimed {
			continue
		}
		if !m.Kind.IsStep() {
			mails--
		}
		r.begin(ctx, going, m)
		begun++
	}
	return begun
}

// begin handles a claimed row beside everything else.
func (r *Room) begin(ctx context.Context, going *sync.WaitGroup, m store.QueuedMail) {
	if m.Lane == store.LanePlain {
		r.limit.Allow()
	}
	r.change(func(s *state) { s.going[m.Lane]++ })
	going.Go(func() {
		// What is being sent is sent to its end, even when the host is told to stop.
		work, cancel := context.WithTimeout(context.WithoutCancel(ctx), workPatience)
		defer cancel()
		r.handle(work, m)
		r.change(func(s *state) { s.going[m.Lane]-- })
		knock(r.freed)
	})
}

// now is a copy of the state.
func (r *Room) now() state {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}

func (r *Room) change(change func(*state)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.state)
}
