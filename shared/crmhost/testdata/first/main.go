// Command first is a plugin as an author wrote it against the first contract: with
// stubs made from crm.proto beside this file, and nothing of shared/crm.
package main

import (
	"context"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"first/crmpb"
)

func main() {
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			ProtocolVersion: 1, MagicCookieKey: "CRM_PLUGIN_COOKIE", MagicCookieValue: "5f0c7f1e9d7c4c0f8a53b6f0f2ad61b7",
		},
		Plugins:    plugin.PluginSet{"crm": bridge{}},
		GRPCServer: plugin.DefaultGRPCServer,
	})
}

type bridge struct {
	plugin.NetRPCUnsupportedPlugin
}

func (bridge) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	crmpb.RegisterCRMServiceServer(s, service{})
	return nil
}

func (bridge) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, nil
}

type service struct {
	crmpb.UnimplementedCRMServiceServer
}

func text(s string) *crmpb.Text { return &crmpb.Text{Ru: s, En: s} }

func (service) Describe(context.Context, *crmpb.DescribeRequest) (*crmpb.DescribeResponse, error) {
	return &crmpb.DescribeResponse{
		Name: "first", Version: "1.0.0", Title: text("The first"), Capabilities: []string{"sync_users", "time_travel"}, ExternalIdColumn: "first_user_id",
		Fields: []*crmpb.Field{{Key: "token", Label: text("Token"), Type: "text", Secret: true}},
	}, nil
}

func (service) Configure(context.Context, *crmpb.ConfigureRequest) (*crmpb.ConfigureResponse, error) {
	return &crmpb.ConfigureResponse{}, nil
}

func (service) Migrate(context.Context, *crmpb.MigrateRequest) (*crmpb.MigrateResponse, error) {
	return &crmpb.MigrateResponse{Applied: []string{"first"}}, nil
}

func (service) CheckSettings(_ context.Context, r *crmpb.CheckSettingsRequest) (*crmpb.CheckSettingsResponse, error) {
	return &crmpb.CheckSettingsResponse{Portal: r.GetSettings()["token"] + ".example"}, nil
}

func (service) CheckConnection(context.Context, *crmpb.CheckConnectionRequest) (*crmpb.CheckConnectionResponse, error) {
	return &crmpb.CheckConnectionResponse{Findings: []*crmpb.Finding{{Code: "connection", Ok: true, Message: text("Connected.")}}}, nil
}

func (service) SyncUsers(r *crmpb.SyncUsersRequest, stream crmpb.CRMService_SyncUsersServer) error {
	tenant := r.GetTenant().GetId()
	for _, event := range []*crmpb.SyncUsersResponse{
		{TenantId: tenant, Event: &crmpb.SyncUsersResponse_Progress{Progress: &crmpb.Progress{Stage: "writing", Done: 1, Total: 1}}},
		{TenantId: tenant, Event: &crmpb.SyncUsersResponse_Changes{Changes: &crmpb.Changes{Changes: []*crmpb.Change{{
			ExternalId: "7", UserId: 12, Action: "updated", Before: map[string]*crmpb.Value{"name": {Kind: &crmpb.Value_Text{Text: "Old"}}},
			After: map[string]*crmpb.Value{"name": {Kind: &crmpb.Value_Text{Text: "New"}}},
		}}}}},
		{TenantId: tenant, Event: &crmpb.SyncUsersResponse_Result{Result: &crmpb.SyncResult{Fetched: 1, Updated: 1, Portal: "first.example"}}},
	} {
		if err := stream.Send(event); err != nil {
			return err
		}
	}
	return nil
}
