package cli

import (
	"context"
	"sync"
	"time"

	"booking/host/internal/health"
	"booking/host/internal/runs"
	"booking/host/internal/schedule"
)

// handBack is how long runs may take to go back into the queue when the host stops: they
// wait for the chunk that is being written, and for a database that is away.
const handBack = 45 * time.Second

// startWorker queues what is due, carries out queued runs and removes old history in the
// background; stop waits until runs have been handed back.
func (a *app) startWorker(ctx context.Context, service *runs.Service, loops *health.Liveness) (stop func()) {
	work, cancel := context.WithCancel(ctx)
	scheduler := a.scheduler(service)
	scheduler.Lap = loops.Loop(a.say("расписание", "schedule"), schedule.LookPause)
	service.Lap = loops.Loop(a.say("очередь", "queue"), runs.LookPause)
	var working sync.WaitGroup
	working.Go(func() { scheduler.Run(work) })
	working.Go(func() { service.Work(work) })
	working.Go(func() { a.pruner(service.Busy).Run(work) })
	return func() {
		cancel()
		over := make(chan struct{})
		go func() {
			working.Wait()
			close(over)
		}()
		select {
		case <-over:
		case <-time.After(handBack):
			// Their lease runs out, and another host takes them over.
			a.log.Warn("runs could not be handed back in time", "waited", handBack)
		}
	}
}
