package runs

import (
	"context"
	"time"

	"booking/host/internal/store"
	"booking/shared/crm"
)

const (
	// peopleAMinute is how many people of one tenant get runs of their own, within a
	// minute, because of events. From then on a run for everybody costs the portal less.
	peopleAMinute = 10
	// gathering is how long that run waits for the events still to come.
	gathering = 30 * time.Second
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
		requests = append(requests, Request{TenantID: tenantID, Mode: crm.ModePerson, PersonID: id, Trigger: store.TriggerEvent})
	}
	var delay time.Duration
	if lately.People+len(ids) > peopleAMinute {
		if lately.Waiting != 0 {
			return 0, nil // it has not begun to read: they are in it
		}
		requests = []Request{{TenantID: tenantID, Mode: crm.ModeApply, Trigger: store.TriggerEvent}}
		delay = gathering
	}
	for _, request := range requests {
		_, refusal, joined, err := s.enqueue(ctx, request, delay)
		if err != nil {
			return queued, err
		}
		if refusal == nil && !joined {
			queued++
		}
	}
	return queued, nil
}
