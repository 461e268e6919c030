package runs

import (
	"context"
	"time"

	"booking/shared/crm"
)

const (
	// peopleAMinute is how many people of one tenant get runs of their own, within a
	// minute, because of events. From then on a run for everybody costs the portal less.
	peopleAMinute = 10
	// gathering is how long that run waits for the events still to come.
	gathering = 30 * time.Second

	triggerEvent = "event"
)

// QueuePeople asks for runs because a tenant's portal says that there is something new
// about these people: one each, or, where there are many within a short time, one for
// everybody. It returns how many it has queued; nothing is queued for what waits already, nor
// for a tenant that cannot be run now: the schedule, which is the truth, finds them later.
func (s *Service) QueuePeople(ctx context.Context, tenantID int64, ids []string) (queued int, err error) {
	lately, err := s.Store.EventRuns(ctx, tenantID, time.Minute)
	if err != nil {
		return 0, err
	}
	requests := make([]Request, 0, len(ids))
	for _, id := range ids {
		requests = append(requests, Request{TenantID: tenantID, Mode: crm.ModePerson, PersonID: id, Trigger: triggerEvent})
	}
	var delay time.Duration
	if lately.People+len(ids) > peopleAMinute {
		if lately.Waiting != 0 {
			return 0, nil // it has not begun to read: they are in it
		}
		requests = []Request{{TenantID: tenantID, Mode: crm.ModeApply, Trigger: triggerEvent}}
		delay = gathering
	}
	for _, request := range requests {
		fresh, err := s.queueEvent(ctx, request, delay)
		if err != nil {
			return queued, err
		}
		if fresh {
			queued++
		}
	}
	return queued, nil
}

func (s *Service) queueEvent(ctx context.Context, request Request, delay time.Duration) (fresh bool, err error) {
	run, err := s.asked(ctx, request)
	if err != nil {
		return false, err
	}
	_, refusal, err := s.prepare(ctx, &run)
	if err != nil || refusal != nil {
		return false, err
	}
	run.Delay = delay
	joined, err := s.Store.EnqueueRun(ctx, &run)
	s.wake()
	return err == nil && !joined, err
}
