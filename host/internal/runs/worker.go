package runs

import (
	"context"
	"sync"
	"time"

	"booking/host/internal/store"
	"booking/shared/crm"
)

const (
	// lookPause is how often a worker looks into the queue: what another process
	// queued starts within about this time, and an idle host costs one statement.
	lookPause = time.Second
	// together is how many runs one host carries out at the same time.
	together = 4
)

// Queue asks for a run without waiting for it; a worker of any host carries it
// out. A tenant that cannot be run now is refused at once, with the reason in the
// outcome; one whose run waits already is joined.
func (s *Service) Queue(ctx context.Context, request Request) (Outcome, error) {
	run := store.Run{TenantID: request.TenantID, Mode: request.Mode, Trigger: request.Trigger}
	_, refusal, err := s.prepare(ctx, &run)
	if err != nil {
		return Outcome{}, err
	}
	if refusal != nil {
		s.logRefusal(*refusal)
		return *refusal, nil
	}
	if _, err := s.Store.EnqueueRun(ctx, &run); err != nil {
		return Outcome{}, err
	}
	return Outcome{Run: run}, nil
}

// Work carries out queued runs until ctx ends; those that go on then stop between
// two chunks and go back into the queue.
func (s *Service) Work(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	places := make(chan struct{}, together)
	look := time.NewTicker(lookPause)
	defer look.Stop()
	for {
		s.startQueued(ctx, &running, places)
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}

// startQueued claims as many waiting runs as there are places.
func (s *Service) startQueued(ctx context.Context, running *sync.WaitGroup, places chan struct{}) {
	free := cap(places) - len(places)
	if free == 0 {
		return
	}
	// More than there are places: some belong to tenants whose run is going on.
	waiting, err := s.Store.QueuedRuns(ctx, free+together)
	if err != nil {
		s.Log.Debug("look into the queue", "error", err.Error())
		return
	}
	for _, run := range waiting {
		select {
		case places <- struct{}{}:
		default:
			return
		}
		claimed, err := s.Store.ClaimRun(ctx, &run, s.Host, s.Lease)
		if err != nil || !claimed {
			<-places
			continue
		}
		running.Go(func() {
			defer func() { <-places }()
			if _, err := s.workOff(ctx, run, nobody{}); err != nil {
				s.Log.Error("the end of a run could not be written", "tenant", run.TenantID, "run", run.ID, "error", err.Error())
			}
		})
	}
}

// workOff carries out a run that was claimed from the queue. When this host is
// told to stop, the run goes back: another host, or the next start, finishes it.
func (s *Service) workOff(ctx context.Context, run store.Run, watcher Watcher) (Outcome, error) {
	j, refusal, err := s.prepare(ctx, &run)
	if err == nil && refusal != nil {
		// Things have changed since it was queued: the row says so.
		s.logRefusal(*refusal)
		return *refusal, s.storeEnd(context.WithoutCancel(ctx), &refusal.Run)
	}
	if err == nil {
		err = s.Store.DescribeRun(ctx, run)
	}
	var result crm.SyncResult
	if err == nil {
		result, err = s.carryOut(ctx, j, run, watcher)
	}
	if err != nil && ctx.Err() != nil {
		run.Status = store.StatusQueued
		return Outcome{Run: run, Message: returnedMessage}, s.Store.ReturnRun(context.WithoutCancel(ctx), run)
	}
	return s.finish(ctx, run, result, err)
}

// nobody watches a run that nobody looks at: what happens stands in the database.
type nobody struct{}

func (nobody) Started(store.Run)     {}
func (nobody) Progress(crm.Progress) {}
func (nobody) Changes([]crm.Change)  {}
