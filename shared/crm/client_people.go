package crm

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"

	"booking/shared/crm/internal/crmpb"
)

const callPeople = "read people"

var _ PeopleSource = (*Client)(nil)

// ReadPeople implements [PeopleSource]. It returns nil only after the plugin's word
// that nobody is missing, and when that word counts as many people as have come:
// a stream that just stops is CodePluginAnswer. An error of out ends the call and
// is returned as it is.
func (c *Client) ReadPeople(ctx context.Context, r PeopleRequest, out PeopleEvents) error {
	streamCtx, cancel := context.WithCancel(ctx)
	defer cancel() // whatever ends this call ends the plugin's work too
	stream, err := c.rpc.People(streamCtx, peopleRequestToProto(r))
	if err != nil {
		return incoming(ctx, callPeople, err)
	}
	for read := int64(0); ; {
		event, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return badAnswer(callPeople, errNoEnding)
		}
		if err != nil {
			return incoming(ctx, callPeople, err)
		}
		if event.GetTenantId() != r.Tenant.ID {
			return badAnswer(callPeople, fmt.Errorf("an event of tenant %d in a reading of tenant %d", event.GetTenantId(), r.Tenant.ID))
		}
		switch e := event.GetEvent().(type) {
		case *crmpb.PeopleResponse_Complete:
			return completeReading(stream, e.Complete, read)
		case *crmpb.PeopleResponse_Failure:
			return incomingFailure(callPeople, e.Failure)
		default:
			if err := passPeople(event, out); err != nil {
				return err
			}
			read += int64(len(event.GetPeople().GetPeople()))
		}
	}
}

// completeReading checks the count and that nothing follows it.
func completeReading(stream grpc.ServerStreamingClient[crmpb.PeopleResponse], got *crmpb.PeopleComplete, read int64) error {
	if got.GetPeople() != read {
		return badAnswer(callPeople, fmt.Errorf("the stream carried %d people, its ending counts %d", read, got.GetPeople()))
	}
	if _, err := stream.Recv(); err == nil {
		return badAnswer(callPeople, errors.New("an event after the ending"))
	}
	return nil
}

// passPeople hands an event that is no ending to the host.
func passPeople(event *crmpb.PeopleResponse, out PeopleEvents) error {
	switch e := event.GetEvent().(type) {
	case *crmpb.PeopleResponse_Progress:
		p := progressFromProto(e.Progress)
		if err := checkProgress(p); err != nil {
			return badAnswer(callPeople, err)
		}
		return out.Progress(p)
	case *crmpb.PeopleResponse_People:
		for _, person := range e.People.GetPeople() {
			if err := out.Person(personFromProto(person)); err != nil {
				return err
			}
		}
		return nil
	default:
		return badAnswer(callPeople, errors.New("an event of no known kind"))
	}
}
