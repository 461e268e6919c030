package crm

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"booking/shared/crm/internal/crmpb"
)

// SyncUsers runs the plugin's sync; result or failure is the last event.
func (s *server) SyncUsers(req *crmpb.SyncUsersRequest, stream grpc.ServerStreamingServer[crmpb.SyncUsersResponse]) error {
	ctx, end := s.calls.begin(stream.Context())
	defer end()
	r := syncRequestFromProto(req)
	events := newEventStream(ctx, r.Tenant.ID, stream.Send)
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
