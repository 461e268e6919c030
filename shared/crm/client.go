package crm

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"booking/shared/crm/internal/crmpb"
)

// Client is the host's end of the wire: a [Plugin] in another process. All its
// errors are an [*Error]; only what a host's own [Events] returned comes back as
// it was. Answers that contradict themselves are CodePluginAnswer.
type Client struct {
	rpc  crmpb.CRMServiceClient
	done <-chan struct{}
}

var _ Plugin = (*Client)(nil)

// Done is closed when go-plugin has seen the process end, shortly after calls
// have failed with CodePluginLost.
func (c *Client) Done() <-chan struct{} { return c.done }

// Describe implements [Plugin]. A host calls it at once after the start: it is
// what tells a CRM plugin from any other go-plugin program.
func (c *Client) Describe(ctx context.Context) (Description, error) {
	got, err := c.rpc.Describe(ctx, &crmpb.DescribeRequest{})
	if err != nil {
		return Description{}, incoming(ctx, "describe", err)
	}
	d := descriptionFromProto(got)
	if err := d.Validate(); err != nil {
		return Description{}, badAnswer("describe", err)
	}
	return d, nil
}

// Configure implements [Plugin].
func (c *Client) Configure(ctx context.Context, cfg Configuration) error {
	_, err := c.rpc.Configure(ctx, configurationToProto(cfg))
	return incoming(ctx, "configure", err)
}

// Migrate implements [Plugin].
func (c *Client) Migrate(ctx context.Context, m Migration) (MigrationResult, error) {
	got, err := c.rpc.Migrate(ctx, migrationToProto(m))
	if err != nil {
		return MigrationResult{}, incoming(ctx, "migrate", err)
	}
	return migrationResultFromProto(got), nil
}

// CheckSettings implements [Plugin].
func (c *Client) CheckSettings(ctx context.Context, s Settings) (SettingsCheck, error) {
	got, err := c.rpc.CheckSettings(ctx, &crmpb.CheckSettingsRequest{Settings: settingsToProto(s)})
	if err != nil {
		return SettingsCheck{}, incoming(ctx, "check settings", err)
	}
	return settingsCheckFromProto(got), nil
}

// CheckConnection implements [Plugin].
func (c *Client) CheckConnection(ctx context.Context, r ConnectionRequest) (ConnectionCheck, error) {
	got, err := c.rpc.CheckConnection(ctx, connectionRequestToProto(r))
	if err != nil {
		return ConnectionCheck{}, incoming(ctx, "check connection", err)
	}
	check := connectionCheckFromProto(got)
	if err := checkConnectionAnswer(check); err != nil {
		return ConnectionCheck{}, badAnswer("check connection", err)
	}
	return check, nil
}

func badAnswer(call string, cause error) *Error {
	return NewError(CodePluginAnswer, textAnswer, fmt.Errorf("%s: %w", call, cause))
}

// incoming is what a failed call means to the host; nil stays nil. The host's own
// giving up comes first: what else the wire says then is noise.
func incoming(ctx context.Context, call string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return NewError(CodeCancelled, textCancelled, fmt.Errorf("%s: %w", call, context.Canceled))
	}
	st, isStatus := status.FromError(err)
	for _, detail := range st.Details() {
		if f, ok := detail.(*crmpb.Failure); ok {
			return incomingFailure(call, f)
		}
	}
	switch _, hasDeadline := ctx.Deadline(); {
	// The plugin's clock may be the first to see the host's deadline pass.
	case ctx.Err() != nil, st.Code() == codes.DeadlineExceeded && hasDeadline:
		return NewError(CodePluginLost, textLate, fmt.Errorf("%s: %w", call, context.DeadlineExceeded))
	// Canceled with the host's context alive: the connection is closed on this side.
	case st.Code() == codes.Unavailable, st.Code() == codes.Canceled, !isStatus:
		return NewError(CodePluginLost, textLost, fmt.Errorf("%s: %w", call, err))
	// Unknown is what other languages make of any exception, with a text nobody
	// has looked through for secrets.
	case st.Code() == codes.Unknown:
		return badAnswer(call, fmt.Errorf("a gRPC status %s without Failure", st.Code()))
	default:
		return badAnswer(call, err)
	}
}

func incomingFailure(call string, f *crmpb.Failure) *Error {
	e := failureFromProto(f)
	if !knownCodes[e.Code] {
		return badAnswer(call, fmt.Errorf("unknown code %q: %s", cut(string(e.Code), 64), e.Message.In("en")))
	}
	if e.Message == (Text{}) {
		e.Message = textInternal
	}
	return e
}

// errNoEnding is a stream that closed without saying how the run ended.
var errNoEnding = fmt.Errorf("the stream ended without result: %w", io.ErrUnexpectedEOF)
