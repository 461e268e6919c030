package crm

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"

	"booking/shared/crm/internal/crmpb"
)

const callImport = "import settings"

var _ SettingsImporter = (*Client)(nil)

// ImportSettings implements [SettingsImporter]. It returns nil only after the plugin's
// word that no tenant is missing. An error of out ends the call and is returned as it
// is.
func (c *Client) ImportSettings(ctx context.Context, r ImportRequest, out func(ImportedSettings) error) error {
	streamCtx, cancel := context.WithCancel(ctx)
	defer cancel() // whatever ends this call ends the plugin's work too
	stream, err := c.rpc.ImportSettings(streamCtx, importRequestToProto(r))
	if err != nil {
		return incoming(ctx, callImport, err)
	}
	for last, read := int64(0), int64(0); ; read++ {
		event, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return badAnswer(callImport, errNoEnding)
		}
		if err != nil {
			return incoming(ctx, callImport, err)
		}
		switch e := event.GetEvent().(type) {
		case *crmpb.ImportSettingsResponse_Complete:
			return completeImport(stream, e.Complete, read)
		case *crmpb.ImportSettingsResponse_Failure:
			return incomingFailure(callImport, e.Failure)
		case *crmpb.ImportSettingsResponse_Settings:
			item := importedFromProto(e.Settings)
			if err := checkImported(item, r, last); err != nil {
				return badAnswer(callImport, err)
			}
			if err := out(item); err != nil {
				return err
			}
			last = item.TenantID
		default:
			return badAnswer(callImport, errors.New("an event of no known kind"))
		}
	}
}

// completeImport checks the count and that nothing follows it.
func completeImport(stream grpc.ServerStreamingClient[crmpb.ImportSettingsResponse], got *crmpb.ImportComplete, read int64) error {
	if got.GetTenants() != read {
		return badAnswer(callImport, fmt.Errorf("the stream carried %d tenants, its ending counts %d", read, got.GetTenants()))
	}
	if _, err := stream.Recv(); err == nil {
		return badAnswer(callImport, errors.New("an event after the ending"))
	}
	return nil
}
