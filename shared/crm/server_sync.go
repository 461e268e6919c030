package crm

import (
	"context"
	"errors"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"booking/shared/crm/internal/crmpb"
)

// A batch of changes is sent when it reaches one of these; people with texts of
// megabytes must not add up to a message that nobody takes.
const (
	batchChanges = 500
	batchBytes   = 1 << 20
)

var errStreamEnded = errors.New("the run's stream has ended")

// SyncUsers runs the plugin's sync; result or failure is the last event.
func (s *server) SyncUsers(req *crmpb.SyncUsersRequest, stream grpc.ServerStreamingServer[crmpb.SyncUsersResponse]) error {
	ctx, end := s.calls.begin(stream.Context())
	defer end()
	r := syncRequestFromProto(req)
	events := &eventStream{ctx: ctx, tenant: r.Tenant.ID, send: stream.Send}
	result, err := guarded(ctx, func(ctx context.Context) (SyncResult, error) {
		if err := checkSyncRequest(r); err != nil {
			return SyncResult{}, NewError(CodeInternal, textRequest, err)
		}
		return s.impl.SyncUsers(ctx, r, events)
	})
	if err == nil {
		return events.finish(&crmpb.SyncUsersResponse{Event: &crmpb.SyncUsersResponse_Result{Result: syncResultToProto(result)}})
	}
	failure := outgoing(ctx, "SyncUsers", err)
	if failure == nil {
		events.close()
		return status.FromContextError(ctx.Err()).Err()
	}
	return events.finish(&crmpb.SyncUsersResponse{Event: &crmpb.SyncUsersResponse_Failure{Failure: failureToProto(failure)}})
}

// eventStream is the [Events] a plugin's SyncUsers gets. It gathers changes, so
// that a plugin may hand them over one by one. The lock is for plugins that break
// the rule of one goroutine: a gRPC stream would break with them.
type eventStream struct {
	ctx    context.Context //nolint:containedctx // the life of exactly one call
	tenant int64
	send   func(*crmpb.SyncUsersResponse) error

	mu    sync.Mutex
	batch []*crmpb.Change
	bytes int
	err   error // sticky: after it nothing is sent
}

// Progress implements [Events]; changes that happened before it arrive before it.
func (e *eventStream) Progress(p Progress) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.flush()
	e.emit(&crmpb.SyncUsersResponse{Event: &crmpb.SyncUsersResponse_Progress{Progress: progressToProto(p)}})
	return e.err
}

// Changes implements [Events].
func (e *eventStream) Changes(changes []Change) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range changes {
		change := changeToProto(c)
		e.batch = append(e.batch, change)
		e.bytes += proto.Size(change)
		if len(e.batch) >= batchChanges || e.bytes >= batchBytes {
			e.flush()
		}
	}
	if e.err == nil {
		return e.ctx.Err()
	}
	return e.err
}

// finish sends what is left and the last event; later events are refused.
func (e *eventStream) finish(last *crmpb.SyncUsersResponse) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.flush()
	e.emit(last)
	err := e.err
	e.err = errStreamEnded
	return err
}

func (e *eventStream) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.err = errStreamEnded
}

func (e *eventStream) flush() {
	if len(e.batch) == 0 {
		return
	}
	e.emit(&crmpb.SyncUsersResponse{Event: &crmpb.SyncUsersResponse_Changes{Changes: &crmpb.Changes{Changes: e.batch}}})
	e.batch, e.bytes = nil, 0
}

func (e *eventStream) emit(event *crmpb.SyncUsersResponse) {
	if e.err == nil {
		event.TenantId = e.tenant
		e.err = e.send(event)
	}
}
