package crm

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"

	"booking/shared/crm/internal/crmpb"
)

const callSync = "sync users"

// SyncUsers implements [Plugin]. It returns as soon as ctx ends, though the
// plugin may still be at its last chunk: the fencing token keeps that harmless.
// An error of events ends the call and is returned as it is.
func (c *Client) SyncUsers(ctx context.Context, r SyncRequest, events Events) (SyncResult, error) {
	streamCtx, cancel := context.WithCancel(ctx)
	defer cancel() // whatever ends this call ends the plugin's work too
	stream, err := c.rpc.SyncUsers(streamCtx, syncRequestToProto(r))
	if err != nil {
		return SyncResult{}, incoming(ctx, callSync, err)
	}
	for {
		event, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return SyncResult{}, badAnswer(callSync, errNoEnding)
		}
		if err != nil {
			return SyncResult{}, incoming(ctx, callSync, err)
		}
		if event.GetTenantId() != r.Tenant.ID {
			return SyncResult{}, badAnswer(callSync, fmt.Errorf("an event of tenant %d in a run of tenant %d", event.GetTenantId(), r.Tenant.ID))
		}
		switch e := event.GetEvent().(type) {
		case *crmpb.SyncUsersResponse_Result:
			return finalResult(stream, e.Result)
		case *crmpb.SyncUsersResponse_Failure:
			return SyncResult{}, incomingFailure(callSync, e.Failure)
		default:
			if err := pass(event, events); err != nil {
				return SyncResult{}, err
			}
		}
	}
}

// finalResult checks the result and that nothing follows it. A connection that
// breaks after the result changes nothing: the run had ended.
func finalResult(stream grpc.ServerStreamingClient[crmpb.SyncUsersResponse], got *crmpb.SyncResult) (SyncResult, error) {
	result := syncResultFromProto(got)
	if err := checkResult(result); err != nil {
		return SyncResult{}, badAnswer(callSync, err)
	}
	if _, err := stream.Recv(); err == nil {
		return SyncResult{}, badAnswer(callSync, errors.New("an event after the result"))
	}
	return result, nil
}

// pass hands an event that is no ending to the host.
func pass(event *crmpb.SyncUsersResponse, events Events) error {
	switch e := event.GetEvent().(type) {
	case *crmpb.SyncUsersResponse_Progress:
		p := progressFromProto(e.Progress)
		if err := checkProgress(p); err != nil {
			return badAnswer(callSync, err)
		}
		return events.Progress(p)
	case *crmpb.SyncUsersResponse_Changes:
		changes := each(e.Changes.GetChanges(), changeFromProto)
		for _, change := range changes {
			if err := checkChange(change); err != nil {
				return badAnswer(callSync, err)
			}
		}
		if len(changes) == 0 {
			return nil
		}
		return events.Changes(changes)
	default:
		return badAnswer(callSync, errors.New("an event of no known kind"))
	}
}
