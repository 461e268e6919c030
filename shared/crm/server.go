package crm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"booking/shared/crm/internal/crmpb"
)

// server is the plugin's end of the wire.
type server struct {
	crmpb.UnimplementedCRMServiceServer
	impl  Plugin
	calls *calls
}

func (s *server) Describe(ctx context.Context, _ *crmpb.DescribeRequest) (*crmpb.DescribeResponse, error) {
	return answer(ctx, s, "Describe", func(ctx context.Context) (*crmpb.DescribeResponse, error) {
		d, err := s.impl.Describe(ctx)
		return descriptionToProto(d), err
	})
}

func (s *server) Configure(ctx context.Context, r *crmpb.ConfigureRequest) (*crmpb.ConfigureResponse, error) {
	return answer(ctx, s, "Configure", func(ctx context.Context) (*crmpb.ConfigureResponse, error) {
		return &crmpb.ConfigureResponse{}, s.impl.Configure(ctx, configurationFromProto(r))
	})
}

func (s *server) Migrate(ctx context.Context, r *crmpb.MigrateRequest) (*crmpb.MigrateResponse, error) {
	return answer(ctx, s, "Migrate", func(ctx context.Context) (*crmpb.MigrateResponse, error) {
		done, err := s.impl.Migrate(ctx, migrationFromProto(r))
		return migrationResultToProto(done), err
	})
}

func (s *server) CheckSettings(ctx context.Context, r *crmpb.CheckSettingsRequest) (*crmpb.CheckSettingsResponse, error) {
	return answer(ctx, s, "CheckSettings", func(ctx context.Context) (*crmpb.CheckSettingsResponse, error) {
		check, err := s.impl.CheckSettings(ctx, settingsFromProto(r.GetSettings()))
		return settingsCheckToProto(check), err
	})
}

func (s *server) CheckConnection(ctx context.Context, r *crmpb.CheckConnectionRequest) (*crmpb.CheckConnectionResponse, error) {
	return answer(ctx, s, "CheckConnection", func(ctx context.Context) (*crmpb.CheckConnectionResponse, error) {
		check, err := s.impl.CheckConnection(ctx, connectionRequestFromProto(r))
		return connectionCheckToProto(check), err
	})
}

// answer is what surrounds every unary call.
func answer[T any](ctx context.Context, s *server, call string, do func(context.Context) (T, error)) (T, error) {
	var none T
	ctx, end := s.calls.begin(ctx)
	defer end()
	got, err := guarded(ctx, do)
	if err == nil {
		return got, nil
	}
	failure := outgoing(ctx, call, err)
	if failure == nil {
		return none, status.FromContextError(ctx.Err()).Err()
	}
	return none, failureStatus(failure)
}

// errPanic marks an error that was a panic; its stack is in its text.
var errPanic = errors.New("panic")

// guarded turns a panic of do into an error: one call fails, the process, which
// may be at work for other tenants, lives on. A goroutine that the plugin starts
// itself is out of reach: its panic ends the process.
func guarded[T any](ctx context.Context, do func(context.Context) (T, error)) (got T, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%w: %v\n%s", errPanic, cause, debug.Stack())
		}
	}()
	return do(ctx)
}

// outgoing is what a plugin's error becomes before it crosses; nil when the host
// has given the call up itself. Causes stay here, in the log.
func outgoing(ctx context.Context, call string, err error) *Error {
	if ended := ctx.Err() != nil && !errors.Is(err, errPanic); ended {
		if errors.Is(context.Cause(ctx), errStopping) {
			return NewError(CodePluginLost, textStopped, nil)
		}
		return nil
	}
	var known *Error
	if !errors.As(err, &known) || known == nil {
		slog.ErrorContext(ctx, "call failed", "call", call, "error", err)
		return NewError(CodeInternal, textInternal, nil)
	}
	if known.Err != nil {
		slog.WarnContext(ctx, "call failed", "call", call, "code", string(known.Code), "error", known.Err)
	}
	return known
}

// failureStatus carries a failure as a gRPC status. Aborted is a code that no
// transport and no proxy makes by itself.
func failureStatus(e *Error) error {
	text := string(e.Code) + ": " + cut(e.Message.In("en"), maxTextBytes)
	st, err := status.New(codes.Aborted, valid(text)).WithDetails(failureToProto(e))
	if err != nil { // only a message that cannot be marshalled, and valid sees to that
		return status.Error(codes.Internal, string(e.Code))
	}
	return st.Err()
}
