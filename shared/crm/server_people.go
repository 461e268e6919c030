package crm

import (
	"context"
	"fmt"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"booking/shared/crm/internal/crmpb"
)

// People runs the plugin's reading; its ending is the last event.
func (s *server) People(req *crmpb.PeopleRequest, stream grpc.ServerStreamingServer[crmpb.PeopleResponse]) error {
	source, ok := s.impl.(PeopleSource)
	if !ok {
		return lacks(CapabilityPeople)
	}
	ctx, end := s.calls.begin(stream.Context())
	defer end()
	r := peopleRequestFromProto(req)
	out := &peopleStream{ctx: ctx, tenant: r.Tenant.ID, send: stream.Send}
	_, err := guarded(ctx, func(ctx context.Context) (struct{}, error) {
		if r.Tenant.ID <= 0 {
			return struct{}{}, NewError(CodeInternal, textRequest, fmt.Errorf("tenant id %d", r.Tenant.ID))
		}
		return struct{}{}, source.ReadPeople(ctx, r, out)
	})
	if err == nil {
		return out.finish(nil)
	}
	failure := outgoing(ctx, "People", err)
	if failure == nil {
		return status.FromContextError(ctx.Err()).Err()
	}
	return out.finish(&crmpb.PeopleResponse{Event: &crmpb.PeopleResponse_Failure{Failure: failureToProto(failure)}})
}

// peopleStream is the [PeopleEvents] a plugin's reading gets. It gathers people, so
// that a source may hand them over one by one. The lock is for sources that read in
// several goroutines: a gRPC stream would break with them.
type peopleStream struct {
	ctx    context.Context //nolint:containedctx // the life of exactly one call
	tenant int64
	send   func(*crmpb.PeopleResponse) error

	mu    sync.Mutex
	batch []*crmpb.Person
	bytes int
	sent  int64
	err   error // sticky: after it nothing is sent
}

// Person implements [PeopleEvents].
func (p *peopleStream) Person(person Person) error {
	message := personToProto(person)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.batch = append(p.batch, message)
	p.bytes += proto.Size(message)
	if len(p.batch) >= batchChanges || p.bytes >= batchBytes {
		p.flush()
	}
	if p.err == nil {
		return p.ctx.Err()
	}
	return p.err
}

// Progress implements [PeopleEvents].
func (p *peopleStream) Progress(progress Progress) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flush()
	p.emit(&crmpb.PeopleResponse{Event: &crmpb.PeopleResponse_Progress{Progress: progressToProto(progress)}})
	return p.err
}

// finish sends the ending: the one given, or else what is left and its count.
func (p *peopleStream) finish(ending *crmpb.PeopleResponse) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ending == nil {
		p.flush()
		ending = &crmpb.PeopleResponse{Event: &crmpb.PeopleResponse_Complete{Complete: &crmpb.PeopleComplete{People: p.sent}}}
	}
	p.emit(ending)
	err := p.err
	p.err = errStreamEnded
	return err
}

func (p *peopleStream) flush() {
	if len(p.batch) == 0 {
		return
	}
	p.emit(&crmpb.PeopleResponse{Event: &crmpb.PeopleResponse_People{People: &crmpb.PeopleBatch{People: p.batch}}})
	p.sent += int64(len(p.batch))
	p.batch, p.bytes = nil, 0
}

func (p *peopleStream) emit(event *crmpb.PeopleResponse) {
	if p.err == nil {
		event.TenantId = p.tenant
		p.err = p.send(event)
	}
}
