package crm

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"booking/shared/crm/internal/crmpb"
)

// A batch of changes is sent when it reaches one of these; people with texts of
// megabytes must not add up to a message that nobody takes.
const (
	batchChanges = 500
	batchBytes   = 1 << 20
)

// waitingEvents is how many calls of a plugin's may wait to be sent: enough to work
// on while they are encoded, and few enough to notice soon that nobody listens.
const waitingEvents = 4

var errStreamEnded = errors.New("the run's stream has ended")

// eventStream is the [Events] a plugin's SyncUsers gets. It gathers changes, so
// that a plugin may hand them over one by one, and encodes and sends in a goroutine
// of its own, so that a plugin need not wait for the wire. An error of the stream
// is returned by a later call, or by finish.
type eventStream struct {
	ctx    context.Context //nolint:containedctx // the life of exactly one call
	queue  chan event
	sender *eventSender
	sent   chan struct{} // closed when the sender has ended
	// The lock is for plugins that break the rule of one goroutine.
	mu    sync.Mutex
	ended bool
}

// event is one call of a plugin's: a progress, or changes.
type event struct {
	progress *Progress
	changes  []Change
}

// newEventStream starts the sender; finish or close must be called.
func newEventStream(ctx context.Context, tenant int64, send func(*crmpb.SyncUsersResponse) error) *eventStream {
	e := &eventStream{
		ctx: ctx, queue: make(chan event, waitingEvents), sent: make(chan struct{}),
		sender: &eventSender{tenant: tenant, send: send},
	}
	go func() {
		defer close(e.sent)
		for event := range e.queue {
			e.sender.take(event)
		}
		e.sender.flush()
	}()
	return e
}

// Progress implements [Events]; changes that happened before it arrive before it.
func (e *eventStream) Progress(p Progress) error { return e.put(event{progress: &p}) }

// Changes implements [Events].
func (e *eventStream) Changes(changes []Change) error { return e.put(event{changes: changes}) }

func (e *eventStream) put(event event) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended {
		return errStreamEnded
	}
	if err := e.sender.failure(); err != nil {
		return err
	}
	if err := e.ctx.Err(); err != nil {
		return err
	}
	select {
	case e.queue <- event:
		return nil
	case <-e.ctx.Done():
		return e.ctx.Err()
	}
}

// finish sends what is left and the last event; later events are refused.
func (e *eventStream) finish(last *crmpb.SyncUsersResponse) error {
	e.close()
	e.sender.emit(last)
	return e.sender.failure()
}

// close refuses later events and waits for the sender: nobody may use a stream
// after its call.
func (e *eventStream) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.ended {
		e.ended = true
		close(e.queue)
	}
	<-e.sent
}

// eventSender gathers changes and sends. All but failure is for one goroutine.
type eventSender struct {
	tenant int64
	send   func(*crmpb.SyncUsersResponse) error

	batch []*crmpb.Change
	bytes int
	err   atomic.Pointer[error] // sticky: after it nothing is sent
}

func (s *eventSender) take(event event) {
	if event.progress != nil {
		s.flush()
		s.emit(&crmpb.SyncUsersResponse{Event: &crmpb.SyncUsersResponse_Progress{Progress: progressToProto(*event.progress)}})
	}
	for _, c := range event.changes {
		s.batch = append(s.batch, changeToProto(c))
		s.bytes += c.roughSize()
		if len(s.batch) >= batchChanges || s.bytes >= batchBytes {
			s.flush()
		}
	}
}

// roughSize is about how many bytes the texts of a change are. (Asking protobuf is as
// much work as encoding.)
func (c Change) roughSize() int {
	size := len(c.ExternalID) + len(c.Name) + len(c.Email) + len(c.OtherExternalID)
	for _, values := range []map[string]any{c.Before, c.After} {
		for column, value := range values {
			size += len(column)
			if text, ok := value.(string); ok {
				size += len(text)
			}
		}
	}
	return size
}

func (s *eventSender) flush() {
	if len(s.batch) == 0 {
		return
	}
	s.emit(&crmpb.SyncUsersResponse{Event: &crmpb.SyncUsersResponse_Changes{Changes: &crmpb.Changes{Changes: s.batch}}})
	s.batch, s.bytes = nil, 0
}

func (s *eventSender) emit(response *crmpb.SyncUsersResponse) {
	if s.failure() != nil {
		return
	}
	response.TenantId = s.tenant
	if err := s.send(response); err != nil {
		s.err.Store(&err)
	}
}

func (s *eventSender) failure() error {
	if err := s.err.Load(); err != nil {
		return *err
	}
	return nil
}
