package web

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// feedPause is how often a run that somebody watches is looked at. Two hundred people
// watching one run cost no more than one.
const feedPause = 500 * time.Millisecond

// feeds are the runs that are being watched, each read by one goroutine.
type feeds struct {
	live liveReader
	log  *slog.Logger

	mu     sync.Mutex
	open   map[int64]*feed
	closed bool
	work   sync.WaitGroup
	turns  turns
}

// feed is one run that is being watched.
type feed struct {
	stop     context.CancelFunc
	watchers int

	mu      sync.Mutex
	now     liveRun
	version int
	// events is the news as it is sent, in each tongue that somebody has asked for.
	events map[tongue][]byte
	// news is closed when there is something new, and replaced.
	news chan struct{}
	done bool
}

// turnPause is between two visitors who are told that their run is over: each of their
// browsers loads a whole page then, and two hundred at once would keep everybody waiting.
const turnPause = 10 * time.Millisecond

// turns are handed out one after the other.
type turns struct {
	mu   sync.Mutex
	next time.Time
}

// take is how long from now the next turn is: no time at all when nobody stands before.
func (t *turns) take(now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	mine := t.next
	if mine.Before(now) {
		mine = now
	}
	t.next = mine.Add(turnPause)
	return mine.Sub(now)
}

func newFeeds(live liveReader, log *slog.Logger) *feeds {
	return &feeds{live: live, log: log, open: map[int64]*feed{}}
}

// watch joins the run's feed, or begins it; leave must be called. ok is false when
// the server is about to stop.
func (f *feeds) watch(run int64) (one *feed, leave func(), ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, nil, false
	}
	one = f.open[run]
	if one == nil {
		ctx, stop := context.WithCancel(context.Background())
		one = &feed{stop: stop, news: make(chan struct{})}
		f.open[run] = one
		f.work.Go(func() { f.follow(ctx, run, one) })
	}
	one.watchers++
	return one, func() { f.leave(run, one) }, true
}

func (f *feeds) leave(run int64, one *feed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if one.watchers--; one.watchers == 0 {
		one.stop()
		if f.open[run] == one {
			delete(f.open, run)
		}
	}
}

// close ends every feed and waits for their goroutines.
func (f *feeds) close() {
	f.mu.Lock()
	f.closed = true
	for _, one := range f.open {
		one.stop()
	}
	f.mu.Unlock()
	f.work.Wait()
}

// follow reads the run until it is over or nobody watches any more.
func (f *feeds) follow(ctx context.Context, run int64, one *feed) {
	tick := time.NewTicker(feedPause)
	defer tick.Stop()
	var before *liveRun
	for {
		now, err := f.live.read(ctx, run, before)
		if err == nil {
			if before == nil || !now.same(*before) {
				one.tell(now, now.Over())
			}
			if before = &now; now.Over() {
				return
			}
		} else if ctx.Err() == nil {
			f.log.Debug("look at a run", "run", run, "error", err.Error())
		}
		select {
		case <-ctx.Done():
			one.tell(liveRun{}, true)
			return
		case <-tick.C:
		}
	}
}

// tell passes the news on to everybody who watches.
func (o *feed) tell(now liveRun, done bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if now.Run.ID != 0 {
		o.now = now
	}
	o.done = done
	o.events = map[tongue][]byte{}
	o.version++
	close(o.news)
	o.news = make(chan struct{})
}

// peek is what a run's feed knows, when somebody watches it.
func (f *feeds) peek(run int64) (now liveRun, ok bool) {
	f.mu.Lock()
	one := f.open[run]
	f.mu.Unlock()
	if one == nil {
		return liveRun{}, false
	}
	now, _, done, _ := one.look()
	return now, now.Run.ID != 0 && !done
}

// event is the news of a version in one tongue: rendered for the first who asks, and
// the same bytes for everybody else. It is nil when there is something newer already.
func (o *feed) event(version int, in tongue, render func(liveRun) ([]byte, error)) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if version != o.version {
		return nil, nil
	}
	if known, there := o.events[in]; there {
		return known, nil
	}
	event, err := render(o.now)
	if err == nil {
		o.events[in] = event
	}
	return event, err
}

// look returns what is known now, and a channel that is closed when there is more.
func (o *feed) look() (now liveRun, version int, done bool, news <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.now, o.version, o.done, o.news
}
