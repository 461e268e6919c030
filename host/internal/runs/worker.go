package runs

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"booking/host/internal/store"
	"booking/shared/crm"
)

const (
	// LookPause is how often a worker looks into the queue, with one statement when it is
	// idle: what another host queued starts within about this time. What this one queued,
	// or has a place for again, it looks at once.
	LookPause = 1500 * time.Millisecond
	// lookedAt is how many of the runs that wait are read at once.
	lookedAt = 64
	// lookPatience bounds a look and a claim, if the lease is no shorter: a connection that
	// has fallen silent must not keep the worker from trying another one.
	lookPatience = 30 * time.Second
	// overtaken is how soon it looks again, at most, when another host was faster.
	overtaken = 100 * time.Millisecond
)

// Queue asks for a run without waiting for it; a worker of any host carries it
// out. A tenant that cannot be run now is refused at once, with the reason in the
// outcome; one whose run waits already is joined.
func (s *Service) Queue(ctx context.Context, request Request) (Outcome, error) {
	run, refusal, _, err := s.enqueue(ctx, request, 0)
	if err != nil {
		return Outcome{}, err
	}
	if refusal != nil {
		s.logRefusal(*refusal)
		return *refusal, nil
	}
	// Some host may have begun it since: what was asked for is done all the same.
	run.Status = store.StatusQueued
	return Outcome{Run: run}, nil
}

// enqueue puts a run into the queue that is to wait there for delay at least, or joins the
// one that waits.
func (s *Service) enqueue(ctx context.Context, request Request, delay time.Duration) (run store.Run, refusal *Outcome, joined bool, err error) {
	if run, err = s.asked(ctx, request); err != nil {
		return run, nil, false, err
	}
	if _, refusal, err = s.prepare(ctx, &run); err != nil || refusal != nil {
		return run, refusal, false, err
	}
	run.Delay = delay
	if joined, err = s.Store.EnqueueRun(ctx, &run); err == nil {
		s.wake()
	}
	return run, nil, joined, err
}

// QueueSlots queues the runs of slots that are due and returns how many this call did:
// on any number of hosts each slot gets exactly one run. Whether a tenant can be run is
// looked at when its run begins.
func (s *Service) QueueSlots(ctx context.Context, slots []store.DueSlot) (started int, err error) {
	started, err = s.Store.StartSlots(ctx, slots)
	s.wake()
	return started, err
}

// wake makes a worker of this process look into the queue now.
func (s *Service) wake() {
	select {
	case s.woken() <- struct{}{}:
	default: // it will look anyway
	}
}

func (s *Service) woken() chan struct{} {
	s.wakeOnce.Do(func() { s.wakeUp = make(chan struct{}, 1) })
	return s.wakeUp
}

// Work carries out queued runs until ctx ends; those that go on then stop between
// two chunks and go back into the queue.
func (s *Service) Work(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	look := time.NewTicker(LookPause)
	defer look.Stop()
	for ctx.Err() == nil {
		if s.Lap != nil {
			s.Lap()
		}
		s.startQueued(ctx, &running)
		select {
		case <-ctx.Done():
		case <-look.C:
		case <-s.woken():
		}
	}
}

// startQueued begins as many of the runs that wait as this host has places for.
func (s *Service) startQueued(ctx context.Context, running *sync.WaitGroup) {
	s.choosing.Lock() // one at a time: two must not see the same place
	defer s.choosing.Unlock()
	look, cancel := s.patient(ctx)
	defer cancel()
	chosen, expired, err := s.choose(look)
	s.tellLook(ctx, err)
	if err != nil {
		return
	}
	for _, run := range expired {
		if _, begun := s.settling.LoadOrStore(run.ID, true); !begun {
			running.Go(func() { s.settle(ctx, run) })
		}
	}
	if len(chosen) == 0 {
		return
	}
	claimed, err := s.claim(ctx, chosen)
	if err != nil {
		s.Log.Debug("claim runs", "error", err.Error())
	}
	for _, run := range claimed {
		s.places.take(run, time.Now())
		running.Go(func() { s.begin(ctx, run) })
	}
	if err == nil && len(claimed) < len(chosen) {
		// Hosts that look at the same moment want the same: not at once again.
		time.AfterFunc(rand.N(overtaken), s.wake)
	}
}

// claim makes runs this host's. It is not broken off when the host is told to stop: what
// the database has given and nobody knows of would wait until its lease has run out.
func (s *Service) claim(ctx context.Context, chosen []store.Run) ([]store.Run, error) {
	ctx, cancel := s.patient(context.WithoutCancel(ctx))
	defer cancel()
	return s.Store.ClaimRuns(ctx, chosen, s.Host, s.Lease)
}

func (s *Service) patient(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, min(s.Lease, lookPatience))
}

// tellLook says when the queue cannot be looked at, and when it can be again: not at each
// look of a database that is away. Its caller holds choosing.
func (s *Service) tellLook(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
	case err != nil && !s.blind:
		s.blind = true
		s.Log.Warn("the queue cannot be looked at: no run is begun until the database answers", "error", err.Error())
	case err == nil && s.blind:
		s.blind = false
		s.Log.Info("the queue can be looked at again")
	}
}

// settle puts what a dead host left back into the queue, where it is then a run like any
// other. It does so beside the queue: the row may be locked by a host that is only asleep.
func (s *Service) settle(ctx context.Context, run store.Run) {
	err := s.Store.SettleExpired(ctx, run)
	s.settling.Delete(run.ID)
	if err != nil {
		s.Log.Debug("settle the run of a dead host", "run", run.ID, "error", err.Error())
		return
	}
	s.wake()
}

// begin carries out a run that was claimed and has a place.
func (s *Service) begin(ctx context.Context, run store.Run) {
	if _, err := s.workOff(ctx, run, nobody{}); err != nil {
		s.Log.Error("the end of a run could not be written", "tenant", run.TenantID, "run", run.ID, "error", err.Error())
	}
	s.places.leave(run.ID)
	s.wake()
}

// choose reads the queue and says which runs this host takes, and which have lost their
// host. An idle host sends one statement: only when something waits is it asked what
// goes on. What cannot be had is left out of the next look, so that it hides nothing.
func (s *Service) choose(ctx context.Context) (chosen, expired []store.Run, err error) {
	here := s.places.look(s.Limits)
	if here.free == 0 {
		return nil, nil, nil
	}
	var c *choice
	for look := (store.Look{Limit: lookedAt, Free: true}); ; look = c.rest(lookedAt) {
		seen, err := s.Store.WaitingRuns(ctx, look)
		if err != nil {
			return nil, nil, err
		}
		waiting := slices.DeleteFunc(slices.Clone(seen), func(r store.Run) bool { return r.Status == store.StatusRunning })
		if c == nil {
			expired = seen[:len(seen)-len(waiting)]
			if len(waiting) == 0 {
				return nil, expired, nil
			}
			active, err := s.Store.ActiveRuns(ctx)
			if err != nil {
				return nil, nil, err
			}
			c = newChoice(s.Limits, here, active)
		} else if len(waiting) == 0 {
			return c.chosen, expired, nil
		}
		before := len(c.chosen)
		for _, run := range waiting {
			c.consider(run)
		}
		if c.free == 0 || len(waiting) < lookedAt || (look.Tenants != nil && len(c.chosen) == before) {
			return c.chosen, expired, nil
		}
	}
}

// workOff carries out a run that was claimed from the queue. When this host is
// told to stop, the run goes back: another host, or the next start, finishes it.
func (s *Service) workOff(ctx context.Context, run store.Run, watcher Watcher) (Outcome, error) {
	queuedFor := run
	j, refusal, err := s.prepare(ctx, &run)
	if err == nil && refusal == nil {
		refusal, err = s.needless(ctx, run)
	}
	if err == nil && refusal != nil {
		// Things have changed since it was queued: the row says so.
		s.logRefusal(*refusal)
		return *refusal, s.storeEnd(context.WithoutCancel(ctx), &refusal.Run)
	}
	if err == nil && (run.Plugin != queuedFor.Plugin || run.Portal != queuedFor.Portal) {
		err = s.Store.DescribeRun(ctx, run)
	}
	var result crm.SyncResult
	if err == nil {
		result, err = s.carryOut(ctx, j, run, watcher)
	}
	if err != nil && ctx.Err() != nil {
		return s.giveBack(ctx, run)
	}
	return s.finish(ctx, run, result, err)
}

// giveBack puts a run back into the queue, whoever looks first continues it. It waits for
// the chunk that is being written, whose transaction has the row.
func (s *Service) giveBack(ctx context.Context, run store.Run) (Outcome, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishPatience)
	defer cancel()
	run.Status = store.StatusQueued
	return Outcome{Run: run, Message: returnedMessage}, s.Store.ReturnRun(ctx, run)
}

// needless refuses a retry that has nothing left to do.
func (s *Service) needless(ctx context.Context, run store.Run) (*Outcome, error) {
	if run.RetryOf == 0 || run.Attempt > 1 {
		return nil, nil
	}
	needless, err := s.Store.RetryNeedless(ctx, run)
	if err != nil || !needless {
		return nil, err
	}
	run.Status = store.StatusCancelled
	return &Outcome{Run: run, Message: needlessMessage}, nil
}

// nobody watches a run that nobody looks at: what happens stands in the database.
type nobody struct{}

func (nobody) Started(store.Run)     {}
func (nobody) Progress(crm.Progress) {}
func (nobody) Changes([]crm.Change)  {}
