package crm

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"booking/shared/crm/internal/crmpb"
)

// ImportSettings runs the plugin's import; its ending is the last event.
func (s *server) ImportSettings(req *crmpb.ImportSettingsRequest, stream grpc.ServerStreamingServer[crmpb.ImportSettingsResponse]) error {
	importer, ok := s.impl.(SettingsImporter)
	if !ok {
		return lacks(CapabilityImportSettings)
	}
	ctx, end := s.calls.begin(stream.Context())
	defer end()
	sent := int64(0)
	_, err := guarded(ctx, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, importer.ImportSettings(ctx, importRequestFromProto(req), func(item ImportedSettings) error {
			sent++
			return stream.Send(&crmpb.ImportSettingsResponse{Event: &crmpb.ImportSettingsResponse_Settings{Settings: importedToProto(item)}})
		})
	})
	if err == nil {
		return stream.Send(&crmpb.ImportSettingsResponse{Event: &crmpb.ImportSettingsResponse_Complete{Complete: &crmpb.ImportComplete{Tenants: sent}}})
	}
	failure := outgoing(ctx, "ImportSettings", err)
	if failure == nil {
		return status.FromContextError(ctx.Err()).Err()
	}
	return stream.Send(&crmpb.ImportSettingsResponse{Event: &crmpb.ImportSettingsResponse_Failure{Failure: failureToProto(failure)}})
}
